"""The race within the bench: made for the first run that is added to one, and shown below."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import ipywidgets as widgets

from workbench.panels.race.panel import RacePanel
from workbench.panels.run.earlier import EarlierRun
from workbench.panels.run.run_view import RunView
from workbench.race.race import Race
from workbench.recipe import Recipe
from workbench.runs.run import Run
from workbench.sources.lookup import SharedTables
from workbench.training.events import Event

PLACE = ".wb-race-box"  # where it is in the panel


class RaceSection:
    """A race and its panel, or an empty place.

    Parameters
    ----------
    picked : callable
        Called with the run that was clicked in it.
    heard : callable
        Called with each event of its runs.

    Attributes
    ----------
    race : Race or None
    """

    def __init__(
        self, picked: Callable[[Run | EarlierRun | None], object], heard: Callable[[Event], object]
    ):
        self.race: Race | None = None
        self._picked, self._heard = picked, heard
        self._panel: RacePanel | None = None
        self.widget = widgets.VBox(layout={"display": "none"})
        self.widget.add_class(PLACE.removeprefix("."))

    @property
    def views(self) -> list[RunView]:
        """Its runs, as they are shown."""
        return self._panel._views_shown() if self._panel else []

    def add(self, recipe: Recipe, folder: Path, tables: SharedTables) -> Run:
        """Add a run, to a new race where there is none or the last one has ended."""
        if self.race is not None and self.race.state != "ended":
            return self.race.add(recipe)
        self.race = Race([recipe], folder, tables=tables)
        self._panel = RacePanel.of(self.race)
        # What is compared, exported and asked, is so in the panel around it.
        self._panel.embed()
        self._panel.observe(lambda change: self._picked(change["new"]), "selected")
        self.race.subscribe(lambda _, message: self._heard(message.event))
        self.widget.children = [self._panel.widget]
        self.widget.layout.display = None
        return self.race.members[0]
