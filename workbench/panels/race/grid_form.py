"""A grid of settings in one line, and how many runs it makes."""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Callable
from typing import Any

import ipywidgets as widgets
import yaml

from workbench.display.html import esc
from workbench.errors import Problem, RecipeError, WorkbenchError
from workbench.panels.anatomy.technique_picture import technique_html
from workbench.panels.run.status import make_button
from workbench.panels.widgets import parsing
from workbench.panels.widgets.technique_picker import TechniquePicker
from workbench.race.search import MANY, combine
from workbench.recipe import HINTS, Recipe
from workbench.registry.techniques import TECHNIQUES, arguments
from workbench.sources.lookup import find_facts

# The settings that grids vary most often; any other can be typed.
OFFERED = ("learning_rate", "technique", "seed", "per_device_train_batch_size", "lr_scheduler_type")

PICK = ("Pick a setting …", "")


def parse(line: str, recipe: Recipe) -> dict[str, list[Any]]:
    """Read a line of settings and values.

    Parameters
    ----------
    line : str
        ``"learning_rate=1e-4, 3e-4; r=4, 16"``
    recipe : Recipe
        Whose technique the arguments belong to.

    Raises
    ------
    RecipeError
        A part of the line is not of the form ``setting=value, value``.

    Examples
    --------
    >>> parse("learning_rate=1e-4, 3e-4; lr_scheduler_type=cosine", Recipe())
    {'learning_rate': [0.0001, 0.0003], 'lr_scheduler_type': ['cosine']}
    """
    knobs = {}
    for part in filter(None, map(str.strip, line.split(";"))):
        name, equals, text = (piece.strip() for piece in part.partition("="))
        try:
            # A pair of brackets around all values may be written, as in Python.
            whole = text.startswith("[") and text.endswith("]") and text.count("[") == 1
            values = yaml.safe_load(text if whole else f"[{text}]")
        except yaml.YAMLError:
            values = []
        if not (name and equals and values):
            hint = "write for example learning_rate=1e-4, 3e-4; r=4, 16"
            raise RecipeError(
                [Problem("grid", "setting=value, value; setting=value, …", part, hint)]
            )
        hint = _hint(name, recipe)
        knobs[name] = [
            parsing.read(value, hint) if isinstance(value, str) else value for value in values
        ]
    return knobs


# The part of the line that names techniques.
_TECHNIQUES = re.compile(r"(?:(?<=;)|^)(\s*technique\s*=)([^;]*)")


def toggled(line: str, technique: str) -> str:
    """Add a technique to those of a line, or take it out if it is there.

    Examples
    --------
    >>> toggled("r=4, 16; technique=lora", "dora"), toggled("technique=lora, dora; r=4", "lora")
    ('r=4, 16; technique=lora, dora', 'technique=dora; r=4')
    """
    names = techniques_of(line)
    names = (
        [name for name in names if name != technique] if technique in names else [*names, technique]
    )
    return _TECHNIQUES.sub(lambda match: match[1] + ", ".join(names), line, count=1)


def techniques_of(line: str) -> list[str]:
    """List the techniques that a line names so far.

    Examples
    --------
    >>> techniques_of("r=4; technique=lora, ia3"), techniques_of("technique="), techniques_of("r=4")
    (['lora', 'ia3'], [], [])
    """
    match = _TECHNIQUES.search(line)
    names = match[2].strip().strip("[]").split(",") if match else []
    return [name.strip() for name in names if name.strip()]


def _hint(name: str, recipe: Recipe) -> Any:
    if name in HINTS:
        return HINTS[name]
    declared = arguments(recipe.technique)
    return declared[name][1] if name in declared else str | float | int


class GridForm:
    """The line, what it makes, and the button that adds it. Its text is written by the UI loop only.

    Parameters
    ----------
    base : callable
        Returns the recipe that the grid varies, and the name of its run.
    add : callable
        Called with the settings and their values, and whether the person has confirmed.
    post : callable
        Runs a job in the UI loop.
    """

    def __init__(
        self,
        base: Callable[[], tuple[Recipe, str]],
        add: Callable[[dict[str, list[Any]], bool], object],
        post: Callable[[Callable[[], object]], object],
    ):
        self._base, self._add, self._post = base, add, post
        self._sure = False
        self.knob = widgets.Dropdown(options=[PICK], tooltip="Add a setting to the line")
        self.line = widgets.Text(
            placeholder="learning_rate=1e-4, 3e-4; r=4, 16", continuous_update=True
        )
        self.line.tooltip = "Settings and the values to try; all combinations are made"
        tooltip = "Add all combinations to the race"
        self.go = make_button("Add runs", tooltip, self._on_go)
        self._text = widgets.HTML()
        self.techniques = TechniquePicker(
            self._picture,
            label="Techniques of the grid",
            placeholder="Add a technique …",
            hint="Add a technique to the line, or pick it again to remove it",
        )
        self.techniques.offer(TECHNIQUES.values())
        self.techniques.layout.display = "none"
        self.techniques.observe(self._on_technique, "value")
        self.line.observe(lambda _: self._show_techniques(), "value")
        self.knob.observe(self._on_knob, "value")
        self.line.observe(lambda _: post(self.describe), "value")
        bar = widgets.HBox([self.knob, self.line, self.go])
        bar.add_class("wb-grid-bar")
        self.widget = widgets.VBox([bar, self.techniques, self._text])
        self.widget.add_class("wb-grid")

    def offer(self) -> None:
        """Offer the settings of the recipe that is varied."""
        technique = TECHNIQUES.get(self._base()[0].technique)
        main = [knob.name for knob in technique.hyperparameters] if technique else []
        self.knob.options = [PICK, *((name, name) for name in (*main, *OFFERED))]
        self._post(self.describe)

    def describe(self) -> None:
        """Show how many runs the line makes, and of which values."""
        recipe, name = self._base()
        sentence, count = (
            f"Varies {name}. Separate the values of a setting by commas, the settings by semicolons.",
            0,
        )
        if self.line.value.rstrip().endswith("="):
            named = self.line.value.rstrip().endswith("technique=")
            where = "Pick techniques below, or type" if named else "Type"
            sentence = f"{where} the values to try, separated by commas."
        elif self.line.value.strip():
            try:
                knobs = parse(self.line.value, recipe)
                count = math.prod(map(len, knobs.values()))
                if count <= MANY:  # more are made only once they are confirmed
                    count = len(combine(recipe, knobs))
                parts = " × ".join(f"{len(values)} {knob}" for knob, values in knobs.items())
                sentence = f"Makes {count:,} run{'s' * (count != 1)} like {name}: {parts}."
            except WorkbenchError as error:
                sentence, count = str(error), 0
        self._sure = False
        self._show(
            sentence, f"Add {count:,} run{'s' * (count != 1)}" if count else "Add runs", count > 0
        )

    def wait(self) -> None:
        """Show that the cost of so many runs is being estimated."""
        self._show(
            "Running a few steps to estimate the time and memory of so many runs …",
            "Add runs",
            False,
        )

    def ask(self, sentence: str) -> None:
        """Ask whether the person is sure; the button then means yes."""
        self._sure = True
        self._show(sentence, "Add them all", True)

    def _show(self, sentence: str, word: str, ready: bool) -> None:
        self.go.description = word
        self.go.disabled = not ready
        self._text.value = f"<p class='wb-quiet'>{esc(sentence)}</p>"

    def _on_go(self) -> None:
        self._add(parse(self.line.value, self._base()[0]), self._sure)

    def _on_knob(self, change: dict[str, Any]) -> None:
        name = change["new"]
        if not name:
            return
        line = self.line.value.strip().rstrip(";")
        self.line.value = f"{line}; {name}=" if line else f"{name}="
        self.knob.value = ""

    def _picture(self, name: str) -> str:
        """Draw a technique on the base of the recipe that is varied."""
        recipe, _ = self._base()
        with contextlib.suppress(WorkbenchError):
            return technique_html(
                recipe.replace(technique=name, technique_args={}), find_facts(recipe)
            )
        return ""

    def _show_techniques(self) -> None:
        """Offer techniques to pick where the line varies them."""
        shown = _TECHNIQUES.search(self.line.value) is not None
        self.techniques.layout.display = None if shown else "none"
        self.techniques.chosen = techniques_of(self.line.value)

    def _on_technique(self, change: dict[str, Any]) -> None:
        if change["new"]:
            self.line.value = toggled(self.line.value, change["new"])
            self.techniques.value = ""
