"""Step 3: the technique, its few main arguments, and all the others folded away."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import ipywidgets as widgets

from workbench.catalog.techniques import TECHNIQUES, Knob, Technique, arguments
from workbench.panels import libraries, values
from workbench.panels.card import Card
from workbench.panels.forms import Changed, Field, Fold
from workbench.panels.picker import Picker
from workbench.panels.text import esc
from workbench.recipe import FIELDS, Recipe


class TechniqueCard(Card):
    """Pick a technique, read what it changes, and set its arguments."""

    def __init__(self, changed: Changed, changed_args: Changed):
        super().__init__(3, "Technique", ("technique", "technique_args", "count"))
        self._changed, self._changed_args = changed, changed_args
        self._recipe = Recipe()
        self._shown: str | None = None
        self._fold: Fold | None = None
        families: dict[str, list[list[str]]] = {}
        for technique in TECHNIQUES.values():
            families.setdefault(technique.family, []).append([technique.name, technique.title])
        self._picker = Picker(
            label="Technique",
            groups=[[family.capitalize(), options] for family, options in families.items()],
            hint=FIELDS["technique"].metadata["help"],
        )
        self._picker.observe(self._on_technique, "value")
        self._sentence = widgets.HTML()
        self._knobs = widgets.Box()
        self._knobs.add_class("wb-form")
        self._others = widgets.VBox()
        self.body.children = [
            self._picker,
            self._sentence,
            self._knobs,
            self._troubles,
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
            self._build(TECHNIQUES.get(name))
        self._show_arguments(self.fields)

    def _show_arguments(self, fields: Mapping[str, Field]) -> None:
        given = self._recipe.technique_args
        for name, field in fields.items():
            value = given.get(name, field.default) if isinstance(given, Mapping) else field.default
            field.show(value)

    def _build(self, technique: Technique | None) -> None:
        self.fields = {knob.name: self._knob(knob) for knob in technique.knobs} if technique else {}
        self._sentence.value = _describe(technique) if technique else ""
        self._knobs.children = [field.widget for field in self.fields.values()]
        self._fold = None
        if technique is not None and technique.config is not None:
            self._fold = Fold("All arguments", lambda: self._all(technique.name))
        self._others.children = [self._fold.widget] if self._fold else []
        self._explain()

    def _knob(self, knob: Knob) -> Field:
        limits: dict[str, Any] = {"choices": knob.choices} if knob.choices else {}
        if knob.low is not None and knob.high is not None:
            limits["slider"] = (knob.low, knob.high)
        return Field(
            knob.name,
            type(knob.default),
            self._on_argument,
            limits=limits,
            default=knob.default,
        )

    def _all(self, name: str) -> list[widgets.Widget]:
        if not libraries.ready():
            return [widgets.HTML("<p class='wb-quiet'>Known once the libraries are loaded.</p>")]
        made = {}
        for argument, (spec, hint) in arguments(name).items():
            if argument in self.fields or not values.typeable(hint):
                continue
            made[argument] = Field(
                argument,
                hint,
                self._on_argument,
                help=spec.metadata.get("help", ""),
                default=_default(spec),
            )
        self._show_arguments(made)
        self.fields |= made
        return [field.widget for field in made.values()]

    def libraries_are_there(self) -> None:
        """Say what only peft knows: what its arguments mean, and which others there are."""
        self._explain()
        if self._fold is not None and self._fold.open:
            self._fold.refill()

    def _explain(self) -> None:
        if not libraries.ready() or self._shown not in TECHNIQUES:
            return
        known = arguments(self._shown)
        for name, field in self.fields.items():
            if name in known:
                field.explain(known[name][0].metadata.get("help", ""))

    def _on_argument(self, name: str, value: Any) -> None:
        self._changed_args(name, value)


def _default(spec: dataclasses.Field) -> Any:
    if spec.default is not dataclasses.MISSING:
        return spec.default
    factory = spec.default_factory
    return None if factory is dataclasses.MISSING else factory()


def _describe(technique: Technique) -> str:
    paper = ""
    if technique.paper:
        where = f"https://arxiv.org/abs/{technique.paper.arxiv}"
        paper = (
            f" <a href='{where}' target='_blank' rel='noreferrer' "
            f"title='{esc(technique.paper.title)}'>arXiv {esc(technique.paper.arxiv)}, "
            f"{technique.paper.year}</a>"
        )
    return f"<p class='wb-note'>{esc(technique.changes)}{paper}</p>"
