"""Step 2: the data, and what the model will see of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets as widgets

from workbench.panels.bench.card import FoldableCard, Post, at_once
from workbench.panels.bench.column_choice import ColumnChoice, Columns
from workbench.panels.bench.data_preview import describe
from workbench.panels.widgets.fields import Changed, Fold, group, picker_box, recipe_fields
from workbench.panels.widgets.picker import Picker
from workbench.recipe import Recipe
from workbench.registry.tasks import ROLES, TASKS, task_of
from workbench.sources.datasets import load as catalog_data
from workbench.sources.datasets.load import Table
from workbench.sources.lookup import COLUMNS
from workbench.training.inspection.look.marks import Preview


class DataFormCard(FoldableCard):
    """Pick the data and the task, and see real rows as text and as tokens."""

    def __init__(
        self,
        changed: Changed,
        change: Callable[[dict[str, Any]], object],
        post: Post = at_once,
    ):
        super().__init__(2, "Data", ("data", "tokens", "rows", "task"), post)
        self._changed = changed
        self._recipe = Recipe()
        self._table: Table | None = None
        self._columns: Columns | None = None
        self._choice = ColumnChoice(change)
        bundled = [[card.name, card.pretty_name] for card in catalog_data.bundled().values()]
        self._picker = Picker(
            label="Data",
            groups=[["Bundled", bundled]],
            other="File, folder or hub id …",
            placeholder="my.csv, a folder or owner/name",
        )
        self._task = Picker(
            label="Task",
            groups=[["Task", [[task.name, task.title] for task in TASKS.values()]]],
        )
        self._observe()
        self._rows = widgets.HTML("<p class='wb-quiet'>Reading …</p>")
        pickers = widgets.Box([picker_box(self._picker, "data"), picker_box(self._task, "task")])
        pickers.add_class("wb-form")
        pickers.add_class("wb-pickers")
        self._fold = Fold("Columns, splits and lengths", self._more)
        self.body.children = [
            pickers,
            self._problems,
            self._choice.widget,
            self._rows,
            self._fold.widget,
        ]

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
        self._offer_columns()

    def _is_folded(self, name: str) -> bool:
        return name in group("data", without=("data", "task"))

    def _more(self) -> list[widgets.Widget]:
        names = group("data", without=("data", "task"))
        # The columns first: they are what is needed when data of one's own is not understood.
        names.sort(key=lambda name: name not in COLUMNS)
        self.fields |= recipe_fields(names, self._changed, menus=COLUMNS)
        self._offer_columns()
        super().show(self._recipe)
        return [field.widget for field in self.fields.values()]

    def show_columns(self, columns: Columns | None) -> None:
        """Offer the columns that the data has; where they are not understood, show rows too."""
        self._columns = columns
        self._choice.show(columns)
        self._offer_columns()
        if columns is not None and columns.rows:
            self._open_fold()

    def _offer_columns(self) -> None:
        """Offer the columns for the task's roles, and those that are set and must be corrected."""
        task = task_of(self._recipe.task)
        roles = task.roles if task else ROLES
        for role in ROLES:
            field = self.fields.get(f"{role}_column")
            if field is not None:
                value = getattr(self._recipe, field.name)
                names, used = (
                    (self._columns.names, self._columns.used) if self._columns else ((), {})
                )
                detected = f"{used[role]} (detected)" if value is None and role in used else ""
                field.choose_from([None, *names], detected)
                field.offer(role in roles or value is not None)

    def show_rows(self, table: Table | None) -> None:
        """Show the data's first rows. For the UI loop only."""
        if table is None or table is not self._table:
            self._rows.value = describe(table, None) if table else ""
        self._table = table
        card = catalog_data.bundled().get(str(self._recipe.data))
        rows = [f"{len(table.train):,} rows"] if table else []
        self.sum_up(card.pretty_name if card else str(self._recipe.data), *rows)

    def show_tokens(self, look: Preview | None) -> None:
        """Show what the model gets of the rows too. For the UI loop only."""
        if self._table is not None:
            self._rows.value = describe(self._table, look)
