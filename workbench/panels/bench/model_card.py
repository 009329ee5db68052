"""Step 1: the base model."""

from __future__ import annotations

import ipywidgets as widgets

from workbench.display.html import esc, facts
from workbench.display.units import count, size
from workbench.panels.bench.card import FormCard, Post, at_once
from workbench.panels.widgets.fields import Changed, Fold, group, picker_box, recipe_fields
from workbench.panels.widgets.picker import Picker
from workbench.recipe import Recipe
from workbench.sources.models import describe
from workbench.sources.models.describe import ModelFacts


class ModelFormCard(FormCard):
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
        return [field.widget for field in self.fields.values()]

    def show_facts(self, model: ModelFacts | None) -> None:
        """Show what the base is. For the UI loop only."""
        self._facts.value = _describe(model) if model else ""


def _describe(model: ModelFacts) -> str:
    note = f"<p class='wb-note'>{esc(model.note)}</p>" if model.note else ""
    pairs = [
        ("Architecture", model.architecture),
        ("Parameters", count(model.parameters)),
        ("Layers × hidden size", f"{model.layers} × {model.hidden_size}"),
        *_reads(model),
        ("On disk", f"{size(model.bytes)}, {model.quantization or model.dtype}"),
        ("Licence", model.licence or "not stated"),
    ]
    return note + facts(pairs)


def _reads(model: ModelFacts) -> list[tuple[str, str]]:
    if model.kind == "vision":
        size = model.image_size
        return [("Images", f"{size[0]} × {size[1]} pixels" if size else "any size")]
    return [
        ("Context", f"{model.context:,} tokens" if model.context else "unknown"),
        ("Vocabulary", f"{model.vocab_size:,}" if model.vocab_size else "unknown"),
        ("Chat template", "yes" if model.has_chat_template else "no"),
    ]
