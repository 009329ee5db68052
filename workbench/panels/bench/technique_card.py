"""Step 3: the technique, its few main arguments, and all the others folded away."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

import ipywidgets as widgets

from workbench.errors import Problem
from workbench.panels.anatomy.technique_picture import TechniquePicture, technique_html
from workbench.panels.bench.argument_groups import grouped
from workbench.panels.bench.card import FormCard, Post, at_once
from workbench.panels.bench.compatibility_note import CompatibilityNote
from workbench.panels.bench.example_picker import ExamplePicker
from workbench.panels.bench.technique_summary import describe
from workbench.panels.kernel import preload
from workbench.panels.widgets import parsing
from workbench.panels.widgets.fields import Changed, Field, Fold, heading, knob_field
from workbench.panels.widgets.technique_picker import TechniquePicker
from workbench.recipe import FIELDS, Recipe
from workbench.registry.argument_help import argument_help
from workbench.registry.prompt_templates import TEMPLATES
from workbench.registry.tasks import task_of
from workbench.registry.techniques import (
    TECHNIQUES,
    Technique,
    arguments,
    find,
    uncurated,
)
from workbench.sources.models.describe import ModelFacts
from workbench.training.inspection.compatibility.result import Compatibility


class TechniqueFormCard(FormCard):
    """Pick a technique, read what it changes, and set its arguments."""

    def __init__(self, changed: Changed, changed_args: Changed, post: Post = at_once):
        super().__init__(3, "Technique", ("technique", "technique_args", "count"), post)
        self._changed, self._changed_args = changed, changed_args
        self._recipe = Recipe()
        self._shown: str | None = None
        self._fits: Mapping[str, Compatibility] = {}
        self._note = CompatibilityNote(lambda: changed("convert_conv1d", True))
        self._base: ModelFacts | None = None
        self._picker = TechniquePicker(
            self._preview,
            label="Technique",
            label_shown=False,  # the card's title says the same
            hint=FIELDS["technique"].metadata["help"],
        )
        self._picker.offer(_techniques())
        self._picker.observe(self._on_technique, "value")
        self._sentence = widgets.HTML()
        self._knobs = widgets.Box()
        self._knobs.add_class("wb-form")
        self._picture = TechniquePicture()
        self._others = widgets.VBox()
        self._examples = ExamplePicker(lambda numbers: changed_args("examples", numbers))
        self.body.children = [
            self._picker,
            self._note.widget,
            self._knobs,
            self._problems,
            self._picture,
            self._sentence,
            self._examples.widget,
            self._others,
        ]

    def _on_technique(self, change: dict[str, Any]) -> None:
        self._changed("technique", change["new"])

    def show(self, recipe: Recipe) -> None:
        """Fill the card's form from a recipe; another technique gets another form."""
        self._recipe = recipe
        name = str(recipe.technique)
        if name != self._shown:
            self._shown = name
            self._picker.unobserve(self._on_technique, "value")
            self._picker.value = name
            self._picker.observe(self._on_technique, "value")
            self._build(_technique(name))
        self._note.show(self._refusal())
        self._picture.show(recipe, self._base)
        self._show_arguments(self.fields)
        task = task_of(recipe.task)
        if "template" in self.fields and not (task and task.chats):  # their own may be a chat's
            self.fields["template"].suggest(TEMPLATES.get(str(recipe.task), ""))

    def show_compatibility(self, fits: Mapping[str, Compatibility]) -> None:
        """Grey out what does not fit the base, and say why where it is picked already."""
        self._fits = fits
        self._picker.show_costs(fits)
        self._note.show(self._refusal())

    def show_facts(self, base: ModelFacts | None) -> None:
        """Draw techniques with the sizes of another base."""
        if base != self._base:
            self._base = base
            self._picture.show(self._recipe, base)
            self._picker.redraw()

    def _preview(self, name: str) -> str:
        """Draw a technique with its default arguments on the current base, to be seen in the picker."""
        recipe = self._recipe.replace(technique=name, technique_args={})
        return technique_html(recipe, self._base)

    def _refusal(self) -> Compatibility | None:
        """Return why the technique does not fit with its defaults, which were tested.

        With other arguments it may fit; then counting the parameters reports the problem.
        """
        fit = self._fits.get(str(self._shown))
        return None if fit is None or fit.compatible or self._recipe.technique_args else fit

    def say(self, problems: Iterable[Problem]) -> list[Problem]:
        """Show the problems of this card; that a technique does not fit is shown already."""
        if self._refusal() is not None:
            problems = [problem for problem in problems if problem.parameter != "count"]
        return super().say(problems)

    def _show_arguments(self, fields: Mapping[str, Field]) -> None:
        args = self._recipe.technique_args
        for name, field in fields.items():
            value = args.get(name, field.default) if isinstance(args, Mapping) else field.default
            field.show(value)
            if name == "examples":
                self._examples.show(value)

    def offer_rows(self, rows: tuple[list[dict], Mapping[str, str]] | None) -> None:
        """Offer the training rows to choose from, where the technique shows some."""
        self._examples.offer(*(rows or ([], {})))

    def _build(self, technique: Technique | None) -> None:
        self.fields = {
            knob.name: knob_field(knob, self._on_argument)
            for knob in (technique.hyperparameters if technique else ())
        }
        if technique is not None and technique.settings is not None:
            self.fields |= self._rest(technique.name)  # few, and all of them are chosen
        self._sentence.value = describe(technique) if technique else ""
        self._knobs.children = [field.widget for field in self.fields.values()]
        self._knobs.layout.display = None if self.fields else "none"
        self._fold = None
        if technique is not None and technique.config is not None:
            self._fold = Fold("All arguments", lambda: self._all(technique.name))
        self._others.children = [self._fold.widget] if self._fold else []
        self._explain()

    def _is_folded(self, name: str) -> bool:
        technique = _technique(self._shown)
        if self._fold is None or technique is None or not preload.ready():
            return False
        _, hint = arguments(technique.name).get(name, (None, None))
        return hint is not None and name not in self.fields and parsing.typeable(hint)

    def _all(self, name: str) -> list[widgets.Widget]:
        if not preload.ready():
            return [widgets.HTML("<p class='wb-quiet'>Shown once the libraries are loaded.</p>")]
        made = self._rest(name)
        self._show_arguments(made)
        self.fields |= made
        return [
            widget
            for title, names in grouped(made).items()
            for widget in (heading(title), *(made[name].widget for name in names))
        ]

    def _rest(self, name: str) -> dict[str, Field]:
        """Make the fields of all arguments that have none yet."""
        made = {}
        for argument, (spec, hint) in arguments(name).items():
            if argument in self.fields or not parsing.typeable(hint):
                continue
            made[argument] = Field(
                argument,
                hint,
                self._on_argument,
                limits={"multiline": True} if spec.metadata.get("multiline") else {},
                help=argument_help(name, argument),
                default=_default(spec),
            )
        return made

    def libraries_loaded(self) -> None:
        """Show what only peft knows: the meaning of its arguments, and its other techniques."""
        self._picker.offer(_techniques())
        if self._shown is not None and self._shown not in TECHNIQUES:
            self._build(_technique(self._shown))
        self._explain()
        if self._fold is not None and self._fold.open:
            self._fold.refill()

    def _explain(self) -> None:
        technique = _technique(self._shown) if preload.ready() else None
        if technique is None:
            return
        declared = arguments(technique.name)
        for name, field in self.fields.items():
            if name in declared:
                field.explain(argument_help(technique.name, name))

    def _on_argument(self, name: str, value: Any) -> None:
        self._changed_args(name, value)


def _technique(name: str | None) -> Technique | None:
    """Return a technique that can be named already: PEFT's own need the libraries."""
    return find(name) if preload.ready() else TECHNIQUES.get(name or "")


def _techniques() -> list[Technique]:
    """List what can be picked already: PEFT's own need the libraries."""
    return [*TECHNIQUES.values(), *(uncurated().values() if preload.ready() else ())]


def _default(spec: dataclasses.Field) -> Any:
    if spec.default is not dataclasses.MISSING:
        return spec.default
    factory = spec.default_factory
    return None if factory is dataclasses.MISSING else factory()
