"""The memory forecast under the cards: it follows the knobs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import ipywidgets as widgets

from workbench.display.memory_bar import memory_bar, no_memory_bar
from workbench.panels.kernel.forecast_worker import ForecastWorker
from workbench.recipe import Recipe

KEPT = 32  # forecasts that are remembered, for runs to be held against


class MemoryForecast:
    """Bars and a sentence, or why there are none. Written by the UI loop only.

    Parameters
    ----------
    post : callable
        Runs a job in the UI loop's thread.
    """

    def __init__(self, post: Callable[[Callable[[], object]], object]):
        self.widget = widgets.HTML(layout={"display": "none"})
        self.widget.add_class("wb-memory-forecast")
        self._told: dict[Recipe, Mapping[str, Any]] = {}
        self.worker = ForecastWorker(lambda recipe, told: post(lambda: self._show(recipe, told)))

    def of(self, recipe: Recipe) -> Mapping[str, Any] | None:
        """Return the forecast of a recipe, where there is one."""
        return self._told.get(recipe)

    def look(self, recipe: Recipe, troubled: bool) -> None:
        """Have a recipe's memory forecast, unless something is wrong with it."""
        if troubled:
            self.widget.remove_class("wb-waits")
            self.widget.layout.display = "none"
        else:
            self.widget.add_class("wb-waits")  # what is shown is the forecast of another recipe
            self.worker.ask(recipe)

    def _show(self, recipe: Recipe, told: Mapping[str, Any]) -> None:
        self.widget.remove_class("wb-waits")
        self.widget.layout.display = None
        if "problem" in told:
            self.widget.value = no_memory_bar(told["problem"])
            return
        while len(self._told) >= KEPT:
            self._told.pop(next(iter(self._told)))
        self._told[recipe] = told
        self.widget.value = memory_bar(told)
