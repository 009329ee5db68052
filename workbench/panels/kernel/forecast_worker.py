"""The memory forecast of the recipe in hand: made by a process of its own.

The process is started when it is first needed, answers one recipe after another and ends when nothing
has been asked for a while.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from workbench.recipe import Recipe
from workbench.training.forecast.worker import ForecastProcess

IDLE = 300  # seconds without a question after which the process ends: it holds torch and peft


class ForecastWorker:
    """Forecasts in the background, of the newest recipe that was asked for.

    Parameters
    ----------
    tell : callable
        Told a recipe, and its forecast as plain data, or its ``problem`` where there is none;
        called from a thread of its own.
    """

    def __init__(self, tell: Callable[[Recipe, dict[str, Any]], None]):
        self._tell = tell
        self._change = threading.Condition()
        self._asked: Recipe | None = None
        self._thread: threading.Thread | None = None

    def ask(self, recipe: Recipe) -> None:
        """Ask for a recipe's forecast, in place of what was asked before."""
        with self._change:
            self._asked = recipe
            self._change.notify_all()
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="forecasts", daemon=True)
                self._thread.start()

    def _work(self) -> None:
        process: ForecastProcess | None = None
        while True:
            with self._change:
                if not self._change.wait_for(lambda: self._asked is not None, IDLE):
                    self._thread = None  # the next question starts another
                    break
                recipe, self._asked = self._asked, None
            if process is None or process.ended:
                process = ForecastProcess()
            answer = process.ask(recipe)
            with self._change:
                stale = self._asked is not None
            if not stale:
                self._tell(recipe, answer)
        if process is not None:
            process.close()
