"""Clone and change: repeat a run with other settings, from its start or from its current weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets as widgets

from workbench.display.html import esc
from workbench.panels.run.recipe_diff import differing
from workbench.panels.run.status import make_button
from workbench.panels.widgets.fields import Field, knob_field, recipe_fields
from workbench.panels.widgets.help import Help, with_help
from workbench.recipe import FIELDS, Recipe
from workbench.registry.techniques import get
from workbench.runs.run import Run

# Settings that are always offered, besides the main arguments and those in which the runs differ.
USUAL = ("learning_rate", "max_steps", "seed")
START, WEIGHTS = "the initial weights", "the current weights"


class CloneForm:
    """A small form below the list of runs, hidden until a run is to be cloned. Written by the UI loop only.

    Parameters
    ----------
    clone : callable
        Called with the run, whether to start from its current weights, and the changes.
    post : callable
        Runs a job in the UI loop.
    """

    def __init__(
        self,
        clone: Callable[[Run, bool, dict[str, Any]], object],
        post: Callable[[Callable[[], object]], object],
    ):
        self._clone = clone
        self._run: Run | None = None
        self._changes: dict[str, Any] = {}
        self.fields: dict[str, Field] = {}
        self._heading = widgets.HTML()
        self._form = widgets.Box()
        self._form.add_class("wb-form")
        self.begin = widgets.Dropdown(
            description="starts with",
            options=[START, WEIGHTS],
            style={"description_width": "auto"},
        )
        text = (
            "The weights that the clone starts with: the initial weights of the run, or those "
            "that it has trained so far."
        )
        self._begin = with_help(self.begin, Help("starts with", text, default=START))
        self.go = make_button("Add the clone", "Add the clone to the race", self._add)
        self.cancel = make_button("Cancel", "Close this form", lambda: post(self.close))
        bar = widgets.HBox([self.go, self.cancel])
        bar.add_class("wb-controls")
        self.widget = widgets.VBox([self._heading, self._form, bar], layout={"display": "none"})
        self.widget.add_class("wb-clone")

    def open(self, run: Run, recipes: Sequence[Recipe]) -> None:
        """Open the form for a run; the settings in which ``recipes`` differ come first."""
        self._run, self._changes = run, {}
        technique = get(run.recipe.technique)
        main = {knob.name: knob for knob in technique.hyperparameters}
        first = [name for name in differing(recipes) if name in USUAL or name in main]
        more = [name for name in differing(recipes) if name in FIELDS and name not in self._fixed]
        names = list(dict.fromkeys([*first, *more, *main, *USUAL]))
        plain = recipe_fields([name for name in names if name in FIELDS], self._changed)
        self.fields = {
            name: plain[name] if name in plain else knob_field(main[name], self._changed)
            for name in names
        }
        values = run.recipe.resolved().flat()
        for name, field in self.fields.items():
            field.show(values.get(name))
        self.begin.value = START
        self._heading.value = (
            f"<h3>Clone <em>{esc(run.name)}</em> and change</h3><p class='wb-quiet'>All other "
            "settings stay the same as in the run.</p>"
        )
        self._form.children = [self._begin, *(field.widget for field in self.fields.values())]
        self.widget.layout.display = None

    # Another technique or other data make another run, not a clone.
    _fixed = ("name", "technique", "technique_args", "model", "data", "task")

    def close(self) -> None:
        """Close the form without cloning anything."""
        self.widget.layout.display = "none"

    def _changed(self, name: str, value: Any) -> None:
        self._changes[name] = value

    def _add(self) -> None:
        if self._run is not None:
            self._clone(self._run, self.begin.value == WEIGHTS, dict(self._changes))
