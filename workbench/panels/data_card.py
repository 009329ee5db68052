"""Step 2: the data, and what the model will see of it."""

from __future__ import annotations

from typing import Any

import ipywidgets as widgets

from workbench.catalog import data as catalog_data
from workbench.catalog.data import Table
from workbench.catalog.row_checks import items
from workbench.catalog.tasks import TASKS
from workbench.panels.card import Card
from workbench.panels.forms import Changed, Fold, group, recipe_fields
from workbench.panels.looks import ROWS
from workbench.panels.picker import Picker
from workbench.panels.text import esc
from workbench.recipe import FIELDS, Recipe


class DataCard(Card):
    """Pick data and what is learnt from it, and see real rows as text and as tokens."""

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
        self._rows = widgets.HTML("<p class='wb-quiet'>Looking …</p>")
        pickers = widgets.Box([self._picker, self._task])
        pickers.add_class("wb-form")
        pickers.add_class("wb-pickers")
        fold = Fold("Columns, splits and lengths", self._more)
        self.body.children = [pickers, self._troubles, self._rows, fold.widget]

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

    def tell(self, table: Table | None) -> None:
        """Show the data's first rows. For the pump only."""
        if table is None or table is not self._table:
            self._rows.value = _describe(table, None) if table else ""
        self._table = table

    def tell_tokens(self, shown: list[dict[str, Any]] | None) -> None:
        """Show the rows' tokens too. For the pump only."""
        if self._table is not None:
            self._rows.value = _describe(self._table, shown)


def _describe(table: Table, shown: list[dict[str, Any]] | None) -> str:
    held_out = "split off the training rows" if table.eval is None else f"{len(table.eval):,} rows"
    figures = f"{len(table.train):,} training rows · evaluation: {held_out}"
    if table.labels:
        labels = ", ".join(table.labels[:4]) + (" …" if len(table.labels) > 4 else "")
        figures += f" · {len(table.labels)} labels: {labels}"
    notes = "".join(f"<p class='wb-note'>{esc(note)}</p>" for note in table.notes)
    rows = "".join(
        _row(row, table.columns, shown[index] if shown else None)
        for index, row in enumerate(catalog_data.spread(table.train, ROWS))
    )
    return f"<p class='wb-quiet'>{esc(figures)}</p>{notes}<ol class='wb-rows'>{rows}</ol>"


def _row(row: dict[str, Any], columns: dict[str, str], shown: dict[str, Any] | None) -> str:
    label = row[columns["label"]] if "label" in columns else None
    badge = f"<span class='wb-badge'>{esc(label)}</span>" if label is not None else ""
    texts = "".join(
        f"<p class='wb-{role}'>{esc(_short(row[column]))}</p>"
        for role, column in columns.items()
        if role not in ("label", "tags")
    )
    if "tags" in columns:
        texts = f"<p class='wb-tagged'>{_tagged(row[columns['tokens']], row[columns['tags']])}</p>"
    return f"<li>{badge}{texts}{_tokens(shown) if shown else ''}</li>"


def _tagged(tokens: Any, tags: Any) -> str:
    """Write words with their tags, but for those that mark nothing."""
    pairs = zip(items(tokens)[:40], items(tags)[:40], strict=True)
    words = [f"{esc(word)}{_tag(None if tag == 'O' else str(tag))}" for word, tag in pairs]
    return " ".join(words) + (" …" if len(items(tokens)) > 40 else "")


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 220 else text[:219] + "…"


def _tokens(shown: dict[str, Any]) -> str:
    tokens, learnt = shown["tokens"], shown["learnt"]
    tags = shown.get("tags") or [None] * len(tokens)
    chips = "".join(
        f"<span class='{'wb-learnt' if counts else ''}'>{esc(_visible(token))}{_tag(tag)}</span>"
        for token, counts, tag in list(zip(tokens, learnt, tags, strict=True))[:120]
    )
    more = f"<span class='wb-more'>and {len(tokens) - 120} more</span>" if len(tokens) > 120 else ""
    words = f"{len(tokens)} tokens"
    if any(learnt) and not all(learnt):
        words += f", {sum(learnt)} of them learnt"
    return (
        f"<details><summary>{words}</summary><div class='wb-tokens'>{chips}{more}</div></details>"
    )


def _tag(tag: str | None) -> str:
    return "" if tag is None else f"<sub class='wb-tag'>{esc(tag)}</sub>"


def _visible(token: str) -> str:
    return token.replace("\n", "⏎").replace("\t", "⇥").replace(" ", "·") or "∅"
