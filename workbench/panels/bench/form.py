"""The four cards, as one form for a recipe."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

import ipywidgets as widgets

from workbench.errors import DataError, Problem
from workbench.panels.bench.card import FormCard, Post, at_once
from workbench.panels.bench.data_card import DataFormCard
from workbench.panels.bench.model_card import ModelFormCard
from workbench.panels.bench.technique_card import TechniqueFormCard
from workbench.panels.bench.training_card import TrainingFormCard
from workbench.panels.kernel.ui_loop import on_main_thread
from workbench.recipe import Recipe
from workbench.sources.datasets import load as catalog_data
from workbench.sources.datasets.load import Table
from workbench.sources.lookup import COLUMNS
from workbench.sources.models.describe import ModelFacts


class RecipeForm:
    """Base model, data, technique and training.

    Parameters
    ----------
    change : callable
        Called with the settings that a person changed, as :meth:`Recipe.replace` takes them.
    post : callable
        Runs a job in the UI loop.
    """

    def __init__(self, change: Callable[[dict[str, Any]], None], post: Post = at_once):
        self._change = change
        self.base = ModelFormCard(self._changed, post)
        self.data = DataFormCard(self._changed, change, post)
        self.technique = TechniqueFormCard(self._changed, self._changed_argument, post)
        self.training = TrainingFormCard(self._changed, post)
        self._all: tuple[FormCard, ...] = (self.base, self.data, self.technique, self.training)
        # What is trained, and how: the first is chosen once, the second again and again.
        self.sources = widgets.Box([self.base.widget, self.data.widget])
        self.settings = widgets.VBox([self.technique.widget, self.training.widget])
        self.sources.add_class("wb-sources")
        self.settings.add_class("wb-settings")
        for box in (self.sources, self.settings):
            box.add_class("wb-cards")
        self._recipe = Recipe()

    def show(self, recipe: Recipe) -> None:
        """Fill the form from a recipe."""
        self._recipe = recipe
        for card in self._all:
            card.show(recipe)

    def fold(self) -> None:
        """Fold the base and the data to one line each."""
        self.base.fold()
        self.data.fold()

    def say(self, problems: list[Problem]) -> list[Problem]:
        """Show each problem at its field, and return the others. For the UI loop only."""
        for card in self._all:
            problems = card.say(problems)
        return problems

    def show_part(self, part: str, value: Any) -> None:
        """Show a result of the inspector. For the UI loop only."""
        show: dict[str, Callable[[Any], None]] = {
            "model": self._show_facts,
            "data": self._show_table,
            "columns": lambda columns: on_main_thread(lambda: self.data.show_columns(columns)),
            "tokens": self.data.show_tokens,
            "rows": lambda rows: on_main_thread(lambda: self.technique.offer_rows(rows)),
        }
        show[part](value)

    def _show_facts(self, facts: ModelFacts | None) -> None:
        self.base.show_facts(facts)
        self.training.show_facts(facts)
        on_main_thread(lambda: self.technique.show_facts(facts))

    def _show_table(self, table: Table | None) -> None:
        self.data.show_rows(table)
        on_main_thread(lambda: self.training.show_table(table))

    def libraries_loaded(self) -> None:
        """Show what is known only once the libraries are loaded."""
        self.technique.libraries_loaded()

    def _changed(self, name: str, value: Any) -> None:
        changes = {name: value}
        if name == "data":
            # Other data has other columns, and may be for another task.
            changes |= dict.fromkeys(COLUMNS) | {"eval_data": None, "data_revision": None}
            changes |= _task_of(value)
        self._change(changes)

    def _changed_argument(self, name: str, value: Any) -> None:
        current = self._recipe.technique_args
        args = {**(current if isinstance(current, Mapping) else {}), name: value}
        if value == self.technique.fields[name].default:
            del args[name]  # a recipe holds only what differs from the defaults
        self._change({"technique_args": args})


def _task_of(data: str) -> dict[str, str]:
    """Guess the task of a dataset, if reading it takes only a moment."""
    small = os.path.isfile(data) and os.path.getsize(data) < 32e6
    if data not in catalog_data.bundled() and not small:
        return {}  # a person is waiting
    try:
        return {"task": catalog_data.guess_task(data)}
    except DataError:
        return {}  # the problem is shown when the data is read
