"""The memory card: the forecast for the settings in the panel, and what the selected run measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import ipywidgets as widgets

from workbench.display.html import esc
from workbench.display.memory_bar import memory_bar, no_memory_bar, summary
from workbench.panels.kernel.forecast_worker import ForecastWorker
from workbench.panels.run.earlier import EarlierRun
from workbench.recipe import Recipe
from workbench.runs.run import Run

CACHED = 32  # forecasts that are remembered


class MemoryForecast:
    """Bars, a table and a sentence, or why there are none. Written by the UI loop only.

    Parameters
    ----------
    post : callable
        Runs a job in the UI loop's thread.

    Attributes
    ----------
    widget : widgets.HTML
        The card.
    line : widgets.HTML
        The forecast in a line.
    """

    def __init__(self, post: Callable[[Callable[[], object]], object]):
        self.widget = widgets.HTML(layout={"display": "none"})
        self.widget.add_class("wb-memory-forecast")
        self.line = widgets.HTML()
        self.line.add_class("wb-memory-line")
        self._forecasts: dict[Recipe, Mapping[str, Any]] = {}
        self._recipe: Recipe | None = None  # whose forecast is shown
        self._wanted: Recipe | None = None
        self._run: Run | EarlierRun | None = None
        self.worker = ForecastWorker(
            lambda recipe, forecast: post(lambda: self._receive(recipe, forecast))
        )

    def expect(self, recipe: Recipe) -> None:
        """Mark at once that what is shown is the forecast of other settings."""
        self._wanted = recipe
        if recipe in self._forecasts:
            self._recipe = recipe
        self._draw()

    def update(self, recipe: Recipe, has_problems: bool) -> None:
        """Request the forecast of a recipe, unless it has problems."""
        if has_problems:
            self._recipe = self._wanted = None
            self._draw()
        else:
            self.expect(recipe)
            self.worker.ask(recipe)

    def show_run(self, run: Run | EarlierRun | None) -> None:
        """Show what a run has measured, below the forecast."""
        self._run = run
        self._draw()

    def _receive(self, recipe: Recipe, forecast: Mapping[str, Any]) -> None:
        while len(self._forecasts) >= CACHED:
            self._forecasts.pop(next(iter(self._forecasts)))
        self._forecasts[recipe] = forecast
        self._recipe = self._wanted = recipe
        self._draw()

    def _draw(self) -> None:
        forecast = self._forecasts.get(self._recipe) if self._recipe else None
        measured = self._run.memory if self._run else None
        stale = self._wanted != self._recipe
        text, line = "", ""
        if forecast is not None and "problem" in forecast:
            text = no_memory_bar(forecast["problem"])
            text += memory_bar(None, measured, name=self._name()) if measured else ""
        elif forecast is not None or measured:
            text = memory_bar(forecast, measured, name=self._name())
            line = _line(forecast) if forecast is not None else ""
        if stale:
            updating = "<span class='wb-updating'><i class='wb-busy'></i>updating …</span>"
            text, line = updating + text if text else "", f"{line or '<p>Memory</p>'} {updating}"
        (self.widget.add_class if stale else self.widget.remove_class)("wb-waits")
        (self.line.add_class if stale else self.line.remove_class)("wb-waits")
        self._set(self.widget, text)
        self._set(self.line, line)
        display = None if text else "none"
        if self.widget.layout.display != display:
            self.widget.layout.display = display

    def _name(self) -> str:
        """Name the measured figures: by the run, where its settings are not those in the panel."""
        if self._run is None or self._run.recipe == (self._recipe or self._wanted):
            return "measured"
        return f"{self._run.name}, measured"

    @staticmethod
    def _set(widget: widgets.HTML, text: str) -> None:
        if widget.value != text:
            widget.value = text


def _line(forecast: Mapping[str, Any]) -> str:
    short = "" if forecast["memory_suffices"] else "<p class='wb-short'>not enough</p>"
    return f"<p>Memory</p><p class='wb-quiet'>{esc(summary(forecast))}</p>{short}"
