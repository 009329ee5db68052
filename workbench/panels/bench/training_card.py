"""Step 4: how it is trained."""

from __future__ import annotations

import contextlib
import dataclasses
from pathlib import Path

import ipywidgets as widgets

from workbench.panels.bench.card import FormCard, Post, at_once
from workbench.panels.widgets.fields import Changed, Fold, group, recipe_fields
from workbench.panels.widgets.parsing import write
from workbench.recipe import FIELDS, HINTS, Recipe
from workbench.registry.techniques import find
from workbench.settings.values import value_problems
from workbench.sources.datasets.load import Table
from workbench.sources.models.describe import ModelFacts
from workbench.sources.run_length import planned_steps, training_rows

# The settings that are not folded away; the recipe declares them.
MAIN = ("learning_rate", "num_train_epochs", "per_device_train_batch_size", "max_steps", "seed")
# The settings that techniques without training still use.
ASKED = ("name", "seed", "per_device_eval_batch_size", "bf16", "onednn")


class TrainingFormCard(FormCard):
    """Set the learning rate, how long to train, and whatever else is wanted."""

    def __init__(self, changed: Changed, post: Post = at_once):
        super().__init__(4, "Training", (), post)
        self._changed = changed
        self._recipe = Recipe()
        self._table: Table | None = None
        main = (*MAIN, *group("run"))
        self.fields = recipe_fields([*main], changed)
        form = widgets.Box([field.widget for field in self.fields.values()])
        form.add_class("wb-form")
        form.add_class("wb-wide")
        self._fold = Fold("More training arguments", self._more)
        self.body.children = [form, self._problems, self._fold.widget]

    def show(self, recipe: Recipe) -> None:
        """Fill the card's form from a recipe."""
        self._recipe = recipe
        super().show(recipe)
        self._offer()
        self.show_facts(None)
        self._show_length()
        self.fields["name"].suggest(f"{recipe.technique}-{Path(str(recipe.data)).stem}-1")

    def show_table(self, table: Table | None) -> None:
        """Show how long a run over this data is."""
        self._table = table
        self._show_length()

    def _show_length(self) -> None:
        """Show what decides when the run ends: the epochs, or the steps in their place."""
        recipe, ruled_by, steps = self._recipe, "", ""
        if self._table is not None:
            with contextlib.suppress(
                TypeError, ValueError, ArithmeticError
            ):  # settings may be wrong
                epochs = dataclasses.replace(recipe, max_steps=None)
                steps = f" ({planned_steps(epochs, training_rows(epochs, self._table)):,})"
        self.fields["max_steps"].suggest(f"set by the epochs{steps}")
        if recipe.max_steps is not None and not _problems(recipe, "num_train_epochs"):
            ruled_by = f"Set by max_steps: {write(recipe.max_steps)} steps."
        self.fields["num_train_epochs"].rule_out(ruled_by)

    def show_facts(self, facts: ModelFacts | None) -> None:
        """Show the default learning rate, which depends on the base."""
        technique, default = find(self._recipe.technique), ""
        if technique is not None and technique.learning_rate is not None:
            rate = self._recipe.default_learning_rate(facts)
            default = f"{write(rate)} ({technique.title}, {Path(str(self._recipe.model)).name})"
        self.fields["learning_rate"].suggest(default)

    def _offer(self) -> None:
        """Hide settings without effect, except those with a problem, which must be corrected."""
        technique, visible = find(self._recipe.technique), set(self.fields)
        if technique is not None and technique.trainable == "nothing":
            visible = {*ASKED, *(problem.parameter for problem in self._recipe.problems())}
        for name, field in self.fields.items():
            field.offer(name in visible)

    def _is_folded(self, name: str) -> bool:
        return name in group("training", without=MAIN)

    def _more(self) -> list[widgets.Widget]:
        made = recipe_fields(group("training", without=MAIN), self._changed)
        self.fields |= made
        super().show(self._recipe)
        self._offer()
        return [field.widget for field in made.values()]


def _problems(recipe: Recipe, name: str) -> bool:
    """Tell whether a setting is wrong in itself, so that its field must stay open to be corrected."""
    return bool(value_problems(name, getattr(recipe, name), HINTS[name], FIELDS[name].metadata))
