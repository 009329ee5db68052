"""The memory forecast of the current recipe, computed by a separate process.

The process is started when it is first needed, answers one recipe after another, and ends after some
minutes without a request.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from workbench.recipe import Recipe
from workbench.training.forecast.worker import ForecastProcess

IDLE = 300  # seconds without a request after which the process ends: it has torch and peft loaded


class ForecastWorker:
    """Forecasts in the background, of the newest recipe that was requested.

    Parameters
    ----------
    report : callable
        Called from a background thread with a recipe and its forecast as plain data, or with its
        ``problem`` where there is no forecast.
    """

    def __init__(self, report: Callable[[Recipe, dict[str, Any]], object]):
        self._report = report
        self._change = threading.Condition()
        self._requested: Recipe | None = None
        self._thread: threading.Thread | None = None

    def ask(self, recipe: Recipe) -> None:
        """Request the forecast of a recipe; it replaces an earlier request."""
        with self._change:
            self._requested = recipe
            self._change.notify_all()
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="forecasts", daemon=True)
                self._thread.start()

    def _work(self) -> None:
        process: ForecastProcess | None = None
        while True:
            with self._change:
                self._change.wait_for(lambda: self._requested is not None, IDLE)
                recipe, self._requested = self._requested, None
                if recipe is None:
                    self._thread = None  # the next request starts another
                    break
            if process is None or process.ended:
                process = ForecastProcess()
            answer = process.ask(recipe)
            with self._change:
                stale = self._requested is not None
            if not stale:
                self._report(recipe, answer)
        if process is not None:
            process.close()
