"""Step 4: how it is trained."""

from __future__ import annotations

from pathlib import Path

import ipywidgets as widgets

from workbench.panels.bench.card import FormCard
from workbench.panels.widgets.fields import Changed, Fold, group, recipe_fields
from workbench.panels.widgets.parsing import write
from workbench.recipe import Recipe
from workbench.registry.techniques import find
from workbench.sources.models.describe import ModelFacts

# The settings that are not folded away; the recipe declares them.
MAIN = ("learning_rate", "num_train_epochs", "per_device_train_batch_size", "max_steps", "seed")
# The settings that techniques without training still use.
ASKED = ("name", "seed", "per_device_eval_batch_size", "bf16", "onednn")


class TrainingFormCard(FormCard):
    """Set the learning rate, how long to train, and whatever else is wanted."""

    def __init__(self, changed: Changed):
        super().__init__(4, "Training", ())
        self._changed = changed
        self._recipe = Recipe()
        main = (*MAIN, *group("run"))
        self.fields = recipe_fields([*main], changed)
        form = widgets.Box([field.widget for field in self.fields.values()])
        form.add_class("wb-form")
        form.add_class("wb-wide")
        fold = Fold("More training arguments", self._more)
        self.body.children = [form, self._problems, fold.widget]

    def show(self, recipe: Recipe) -> None:
        """Fill the card's form from a recipe."""
        self._recipe = recipe
        super().show(recipe)
        self._offer()
        self.show_facts(None)
        self.fields["max_steps"].suggest("from the number of epochs")
        self.fields["name"].suggest(f"{recipe.technique}-{Path(str(recipe.data)).stem}-1")

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

    def _more(self) -> list[widgets.Widget]:
        made = recipe_fields(group("training", without=MAIN), self._changed)
        self.fields |= made
        super().show(self._recipe)
        self._offer()
        return [field.widget for field in made.values()]
