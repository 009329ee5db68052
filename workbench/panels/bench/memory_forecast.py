"""The memory forecast under the cards: it follows the settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import ipywidgets as widgets

from workbench.display.memory_bar import memory_bar, no_memory_bar
from workbench.panels.kernel.forecast_worker import ForecastWorker
from workbench.recipe import Recipe

CACHED = 32  # forecasts that are remembered, to be compared with runs


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
        self._forecasts: dict[Recipe, Mapping[str, Any]] = {}
        self.worker = ForecastWorker(
            lambda recipe, forecast: post(lambda: self._show(recipe, forecast))
        )

    def of(self, recipe: Recipe) -> Mapping[str, Any] | None:
        """Return the forecast of a recipe, where there is one."""
        return self._forecasts.get(recipe)

    def update(self, recipe: Recipe, has_problems: bool) -> None:
        """Request the forecast of a recipe, unless it has problems."""
        if has_problems:
            self.widget.remove_class("wb-waits")
            self.widget.layout.display = "none"
        else:
            self.widget.add_class("wb-waits")  # what is shown is the forecast of another recipe
            self.worker.ask(recipe)

    def _show(self, recipe: Recipe, forecast: Mapping[str, Any]) -> None:
        self.widget.remove_class("wb-waits")
        self.widget.layout.display = None
        if "problem" in forecast:
            self.widget.value = no_memory_bar(forecast["problem"])
            return
        while len(self._forecasts) >= CACHED:
            self._forecasts.pop(next(iter(self._forecasts)))
        self._forecasts[recipe] = forecast
        self.widget.value = memory_bar(forecast)
