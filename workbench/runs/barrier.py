"""Runs that begin together meet once, when all of them are prepared and none has stepped."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any


class PreparationBarrier:
    """Where prepared runs wait for each other before their first steps.

    One condition guards who is expected and who arrived. It is held while ``act`` runs, which must not
    call the barrier.

    Parameters
    ----------
    runs : iterable of Run
        Those that are expected.
    act : callable
        Takes what came, as ``{run: prepared}``. Called once, in the thread of one of them, while the
        others wait.
    """

    def __init__(self, runs: Iterable[Any], act: Callable[[dict[Any, Any]], None]):
        self._changed = threading.Condition()
        self._expected = set(runs)
        self._came: dict[Any, Any] = {}
        self._act = act
        self._over = False

    def arrive(self, run: Any, prepared: Any, stopping: Callable[[], bool]) -> None:
        """Wait until all expected runs have arrived or were released; a run that stops goes on at once."""
        with self._changed:
            if run not in self._expected:
                return
            self._expected.discard(run)
            self._came[run] = prepared
            self._changed.notify_all()
            while self._expected and not stopping():
                # A run is asked to stop from elsewhere, and has nobody here to tell.
                self._changed.wait(0.1)
            if stopping():
                self._came.pop(run, None)
            elif not self._over:
                self._over = True
                self._act(self._came)
                self._came = {}  # models are not kept alive by where they met

    def release(self, run: Any) -> None:
        """Wait for a run no longer: it rests, or is over."""
        with self._changed:
            self._expected.discard(run)
            self._changed.notify_all()


# For a run that waits for no other.
NO_BARRIER = PreparationBarrier((), lambda came: None)
