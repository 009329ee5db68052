"""Who wants to hear of events: functions that are called for each, and dropped when they fail."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable
from typing import Any


class Notes:
    """Sentences about a run or a race, each once, in the order in which they came, from any thread."""

    def __init__(self) -> None:
        self._notes: list[str] = []
        self._lock = threading.Lock()

    def add(self, *notes: str) -> None:
        """Add notes; one that is there already stays where it is."""
        with self._lock:
            self._notes += [note for note in dict.fromkeys(notes) if note not in self._notes]

    def all(self) -> list[str]:
        """Return a copy of the notes so far."""
        with self._lock:
            return list(self._notes)


class Listeners:
    """Functions that are called for each event, in the thread that the event comes from.

    Parameters
    ----------
    notes : Notes
        Where it is noted that a listener was dropped.
    """

    def __init__(self, notes: Notes):
        self._notes = notes
        self._listeners: list[Callable[..., object]] = []

    def add(self, listener: Callable[..., object]) -> None:
        """Call ``listener`` for each event from now on."""
        self._listeners.append(listener)

    def notify(self, *event: Any) -> None:
        """Call all listeners; one that raises is dropped, as it must not break a run."""
        for listener in list(self._listeners):
            try:
                listener(*event)
            except Exception:  # noqa: BLE001 (whatever it raises, the run goes on)
                self._listeners.remove(listener)
                self._notes.add(f"A listener was dropped: {traceback.format_exc(limit=1)}")

    def clear(self) -> None:
        """Forget all listeners; no event comes any more, and each may keep a whole race in memory."""
        self._listeners.clear()
