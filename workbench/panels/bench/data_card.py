"""Step 2: the data, and what the model will see of it."""

from __future__ import annotations

from typing import Any

import ipywidgets as widgets

from workbench.panels.bench.card import FoldableCard
from workbench.panels.bench.data_preview import describe
from workbench.panels.widgets.fields import Changed, Fold, group, recipe_fields
from workbench.panels.widgets.picker import Picker
from workbench.recipe import FIELDS, Recipe
from workbench.registry.tasks import TASKS
from workbench.sources.datasets import load as catalog_data
from workbench.sources.datasets.load import Table


class DataFormCard(FoldableCard):
    """Pick the data and the task, and see real rows as text and as tokens."""

    def __init__(self, changed: Changed):
        super().__init__(2, "Data", ("data", "tokens", *group("data")))
        self._changed = changed
        self._recipe = Recipe()
        self._table: Table | None = None
        bundled = [[card.name, card.pretty_name] for card in catalog_data.bundled().values()]
        self._picker = Picker(
            label="Data",
            groups=[["Bundled", bundled]],
            other="File, folder or hub id …",
            placeholder="my.csv, a folder or owner/name",
            hint=FIELDS["data"].metadata["help"],
        )
        self._task = Picker(
            label="Task",
            groups=[["Task", [[task.name, task.title] for task in TASKS.values()]]],
            hint=FIELDS["task"].metadata["help"],
        )
        self._observe()
        self._rows = widgets.HTML("<p class='wb-quiet'>Reading …</p>")
        pickers = widgets.Box([self._picker, self._task])
        pickers.add_class("wb-form")
        pickers.add_class("wb-pickers")
        fold = Fold("Columns, splits and lengths", self._more)
        self.body.children = [pickers, self._problems, self._rows, fold.widget]

    def _observe(self) -> None:
        self._picker.observe(self._on_data, "value")
        self._task.observe(self._on_task, "value")

    def _on_data(self, change: dict[str, Any]) -> None:
        self._changed("data", change["new"])

    def _on_task(self, change: dict[str, Any]) -> None:
        self._changed("task", change["new"])

    def show(self, recipe: Recipe) -> None:
        """Fill the card's form from a recipe."""
        self._recipe = recipe
        self._picker.unobserve(self._on_data, "value")
        self._task.unobserve(self._on_task, "value")
        self._picker.value, self._task.value = str(recipe.data), str(recipe.task)
        self._observe()
        super().show(recipe)

    def _more(self) -> list[widgets.Widget]:
        names = group("data", without=("data", "task"))
        self.fields |= recipe_fields(names, self._changed)
        super().show(self._recipe)
        return [field.widget for field in self.fields.values()]

    def show_rows(self, table: Table | None) -> None:
        """Show the data's first rows. For the UI loop only."""
        if table is None or table is not self._table:
            self._rows.value = describe(table, None) if table else ""
        self._table = table
        card = catalog_data.bundled().get(str(self._recipe.data))
        rows = [f"{len(table.train):,} rows"] if table else []
        self.sum_up(card.pretty_name if card else str(self._recipe.data), *rows)

    def show_tokens(self, shown: list[dict[str, Any]] | None) -> None:
        """Show the rows' tokens too. For the UI loop only."""
        if self._table is not None:
            self._rows.value = describe(self._table, shown)
