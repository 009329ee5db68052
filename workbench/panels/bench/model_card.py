"""Step 1: the base model."""

from __future__ import annotations

import ipywidgets as widgets

from workbench.display.html import esc, facts
from workbench.display.units import count, size
from workbench.panels.bench.card import FoldableCard, Post, at_once
from workbench.panels.widgets.fields import Changed, Fold, group, picker_box, recipe_fields
from workbench.panels.widgets.picker import Picker
from workbench.recipe import Recipe
from workbench.registry.tasks import TASKS, tasks_of
from workbench.sources.models import describe
from workbench.sources.models.describe import ModelFacts


class ModelFormCard(FoldableCard):
    """Pick a base model, and see what it is."""

    def __init__(self, changed: Changed, post: Post = at_once):
        super().__init__(1, "Base model", ("model",), post)
        self._changed = changed
        self._recipe = Recipe()
        bundled = [[model.name, model.title] for model in describe.bundled().values()]
        self._picker = Picker(
            label="Base model",
            groups=[["Bundled", bundled]],
            other="Folder or hub id …",
            placeholder="path/to/folder or owner/name",
        )
        self._picker.observe(lambda change: changed("model", change["new"]), "value")
        self._facts = widgets.HTML("<p class='wb-quiet'>Reading …</p>")
        self._details = widgets.HTML()
        self._details.add_class("wb-long")
        self._fold = Fold("More about the base", self._more)
        picker = picker_box(self._picker, "model")
        self.body.children = [picker, self._problems, self._facts, self._fold.widget]

    def show(self, recipe: Recipe) -> None:
        """Fill the card's form from a recipe."""
        self._recipe = recipe
        self._picker.unobserve_all("value")
        self._picker.value = str(recipe.model)
        self._picker.observe(lambda change: self._changed("model", change["new"]), "value")
        super().show(recipe)

    def _is_folded(self, name: str) -> bool:
        return name in group("model", without=("model",))

    def _more(self) -> list[widgets.Widget]:
        self.fields |= recipe_fields(group("model", without=("model",)), self._changed)
        super().show(self._recipe)
        return [self._details, *(field.widget for field in self.fields.values())]

    def show_facts(self, model: ModelFacts | None) -> None:
        """Show what the base is. For the UI loop only."""
        self._facts.value = _describe(model) if model else ""
        self._details.value = facts(_details(model)) if model else ""
        if model:
            self.sum_up(model.title, _parameters(model))
        else:
            self.sum_up(str(self._recipe.model))


def _describe(model: ModelFacts) -> str:
    note = f"<p class='wb-note'>{esc(model.note)}</p>" if model.note else ""
    pairs = [
        ("Size", f"{_parameters(model)}, {size(model.bytes)}"),
        ("Licence", _licence(model)),
        _reads(model),
        ("Layers", f"{model.layers}, hidden size {model.hidden_size}"),
        ("Tasks", _tasks(model)),
    ]
    return f"{note}<div class='wb-base-facts'>{facts(pairs)}</div>"


def _details(model: ModelFacts) -> list[tuple[str, str]]:
    pairs = [
        ("Architecture", model.architecture),
        ("Weights stored as", model.quantization or model.dtype),
    ]
    if model.kind == "vision":
        return pairs
    return [
        *pairs,
        ("Vocabulary", f"{model.vocab_size:,}" if model.vocab_size else "unknown"),
        ("Chat template", "yes" if model.has_chat_template else "no"),
    ]


def _parameters(model: ModelFacts) -> str:
    return f"{count(model.parameters)} parameters"


def _licence(model: ModelFacts) -> str:
    return model.licence or "licence not stated"


def _tasks(model: ModelFacts) -> str:
    titles = [TASKS[name].title for name in tasks_of(model.kind)]
    return ", ".join([*titles[:1], *map(str.lower, titles[1:])]) or "not known"


def _reads(model: ModelFacts) -> tuple[str, str]:
    if model.kind == "vision":
        pixels = model.image_size
        return "Images", f"{pixels[0]} × {pixels[1]} pixels" if pixels else "any size"
    return "Context", f"{model.context:,} tokens" if model.context else "unknown"
