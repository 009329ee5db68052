"""The race within the bench: made for the first run that is added to one, and shown below."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import ipywidgets as widgets

from workbench.panels.race.panel import RacePanel
from workbench.panels.run.run_view import RunView
from workbench.race.race import Race
from workbench.recipe import Recipe
from workbench.runs.run import Run
from workbench.sources.lookup import SharedTables

PLACE = ".wb-race-box"  # where it is in the panel


class RaceSection:
    """A race and its panel, or an empty place.

    Parameters
    ----------
    wake : callable
        Called when there is something new to compare or to export.

    Attributes
    ----------
    race : Race or None
    picked : Run or None
        The run that was clicked last in it, until one elsewhere is.
    """

    def __init__(self, wake: Callable[[], object]):
        self.race: Race | None = None
        self.picked: Run | None = None
        self._wake = wake
        self._panel: RacePanel | None = None
        self.widget = widgets.VBox(layout={"display": "none"})
        self.widget.add_class(PLACE.removeprefix("."))

    @property
    def views(self) -> list[RunView]:
        """Its runs, as they are shown."""
        return self._panel.views if self._panel else []

    def add(self, recipe: Recipe, folder: Path, tables: SharedTables) -> Run:
        """Add a run, to a new race where there is none or the last one has ended."""
        if self.race is not None and self.race.state != "ended":
            return self.race.add(recipe)
        self.race = Race([recipe], folder, tables=tables)
        self._panel = RacePanel.of(self.race)
        self.widget.children = [self._panel.within(self._on_pick, self._wake)]
        self.widget.layout.display = None
        return self.race.members[0]

    def _on_pick(self, run: Run) -> None:
        self.picked = run
        self._wake()
