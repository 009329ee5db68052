"""Checks of a recipe before training: its base, its data, its trainable parameters."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import traceback
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from workbench.errors import DataError, Problem, RecipeError, WorkbenchError, first_line
from workbench.panels.bench.column_choice import Columns
from workbench.panels.kernel import preload
from workbench.recipe import Recipe
from workbench.registry.tasks import ROLES
from workbench.registry.techniques import arguments, find
from workbench.sources.datasets import locate
from workbench.sources.datasets.columns import choose_columns, columns_of
from workbench.sources.datasets.load import Table, read
from workbench.sources.datasets.propose import propose
from workbench.sources.datasets.readers import Row
from workbench.sources.lookup import DATA, LookUp, SharedTables, find_facts, look_up, table_key
from workbench.sources.models.describe import ModelFacts
from workbench.sources.models.fingerprint import Fingerprint, fingerprint

if TYPE_CHECKING:
    from workbench.training.inspection.anatomy import Structure
    from workbench.training.inspection.look.marks import Preview

ROWS = 3  # of the data that are shown
CACHED = 12  # results that are remembered
COUNTING_SECONDS = (
    0.3  # for what is learned of the rows, while a person waits for the other results
)


Report = Callable[[str, Any], None]


class Inspector:
    """Checks a recipe and reports its parts one by one, the cheapest first.

    Parameters
    ----------
    report : callable
        ``report(part, value)`` is called with ``"problems"`` (a list of :class:`Problem`), ``"model"``,
        ``"columns"``, ``"data"``, ``"count"``, ``"tokens"`` and ``"rows"`` (the result, or None where there
        is none),
        and at the end with ``"done"`` (the recipe and its problems).

    Attributes
    ----------
    tables : SharedTables
        The data that it has read, for a run to use as well.
    wants_anatomy : bool
        Whether to report ``"anatomy"`` too (the recipe and its structure), even if the technique cannot
        be applied.
    num_labels : int or None
        The number of labels of the data that was read last; None for tasks without labels.
    """

    wants_anatomy = False
    num_labels: int | None = None

    def __init__(self, report: Report):
        self.tables = SharedTables()
        self._report = report
        self._cache: dict[tuple, Any] = {}

    def inspect(self, recipe: Recipe, stale: Callable[[], bool]) -> None:
        """Report everything about a recipe; end early when ``stale()`` says that a newer one has come."""
        lookup = self.look_up(recipe)
        problems, table = list(lookup.problems), lookup.table
        self.num_labels = len(table.labels) or None if table is not None else None
        self._report("model", lookup.facts)
        self._report("columns", self._columns(recipe, table))
        self._report("data", table)
        self._report("problems", list(problems))
        if stale():
            return
        if self.wants_anatomy and preload.ready():
            structure = _anatomy(recipe, lookup)
            if stale():
                return
            self._report("anatomy", (recipe, structure))
        if preload.ready() and not problems and table is not None:
            for part, compute in (
                ("count", lambda: _count(recipe, table)),
                ("tokens", lambda: self._tokens(recipe, table)),
                ("rows", lambda: _rows(recipe, table)),
            ):
                value = _guarded(part, compute, problems)
                if stale():
                    return
                self._report(part, value)
            self._report("problems", list(problems))
        else:
            for part in ("count", "tokens", "rows"):
                self._report(part, None)
        self._report("done", (recipe, problems))

    def look_up(self, recipe: Recipe) -> LookUp:
        """Look up a recipe's base and data, with all its problems, without the heavy libraries."""
        return look_up(_checkable(recipe), model=self._model, data=self._data)

    def version(self, recipe: Recipe) -> Fingerprint:
        """Return a value that changes when the files of a local base change."""
        return _state(recipe.model)

    def _model(self, recipe: Recipe) -> ModelFacts:
        source = (recipe.model, recipe.revision, recipe.trust_remote_code)
        return self._cached(("model", *source, _state(recipe.model)), lambda: find_facts(recipe))

    def _data(self, recipe: Recipe) -> Table:
        if locate.on_hub(recipe.data):
            # The hub is asked once, and not whenever another setting changes.
            return self._cached(_data_key(recipe), lambda: self.tables.load(recipe))
        return self.tables.load(recipe)

    def _columns(self, recipe: Recipe, table: Table | None) -> Columns | None:
        """Return the columns that there are to choose from, with rows where they are not understood."""
        if table is not None:
            return Columns(tuple(columns_of(table.train[:ROWS])), used=table.columns)
        with contextlib.suppress(Exception):
            source = locate.resolve(recipe.data, None, recipe.data_revision)
            rows, _ = self._cached(
                ("rows", recipe.data, recipe.data_revision, source.states()),
                lambda: read(dataclasses.replace(source, eval=None)),
            )
            return _columns(recipe, rows, source.card.columns if source.card else {})
        return None

    def _tokens(self, recipe: Recipe, table: Table) -> Preview:
        from workbench.training.inspection.look.look import look_at

        technique = find(recipe.technique)
        virtual = recipe.technique_args.get("num_virtual_tokens")
        # A prompt holds whatever its technique's arguments put into it.
        asks = technique is not None and technique.trainable == "nothing"
        about = recipe.to_yaml() if asks else (_inputs(recipe), recipe.technique, virtual)
        key = ("tokens", *_data_key(recipe), _state(recipe.model), about)
        facts = self._model(recipe)
        return self._cached(
            key, lambda: look_at(recipe, facts, table, ROWS, seconds=COUNTING_SECONDS)
        )

    def _cached(self, key: tuple, compute: Callable[[], Any]) -> Any:
        if key not in self._cache:
            value = compute()
            while len(self._cache) >= CACHED:
                self._cache.pop(next(iter(self._cache)))
            self._cache[key] = value
        return self._cache[key]


def _inputs(recipe: Recipe) -> tuple:
    """Return the settings on which the rows depend that a model gets."""
    groups = {field.name: field.metadata["group"] for field in dataclasses.fields(recipe)}
    chosen = [name for name, group in groups.items() if group in ("model", "data")]
    # Data may be rows of a notebook, which have a key of their own.
    chosen = [name for name in (*chosen, "padding_free") if name not in ("data", "eval_data")]
    return tuple((name, repr(getattr(recipe, name))) for name in chosen)


def _data_key(recipe: Recipe) -> tuple:
    if not locate.on_hub(recipe.data):
        return table_key(recipe)
    return tuple(getattr(recipe, name) for name in sorted(DATA))


def _checkable(recipe: Recipe) -> Recipe:
    """Leave out the arguments that only peft can check, until it is loaded."""
    technique = find(recipe.technique)
    if preload.ready() or technique is None or not isinstance(recipe.technique_args, Mapping):
        return recipe
    main = technique.defaults()
    args = {name: value for name, value in recipe.technique_args.items() if name in main}
    return dataclasses.replace(recipe, technique_args=args)


def _columns(recipe: Recipe, rows: list[Row], card_columns: Mapping[str, str]) -> Columns:
    """Return the columns of rows that are not accepted; where these are the reason, with a proposal."""
    names = tuple(columns_of(rows))
    named = {role: getattr(recipe, f"{role}_column") for role in ROLES}
    try:
        choose_columns(recipe.task, names, named, card_columns, "the data")
    except DataError:
        return Columns(names, rows[:ROWS], propose(rows))
    return Columns(names)


def _count(recipe: Recipe, table: Table) -> dict[str, Any]:
    from workbench.training.inspection.skeleton import count

    return count(recipe, data=lambda _: table)


def _rows(recipe: Recipe, table: Table) -> tuple[list[dict], Mapping[str, str]] | None:
    """Return the training rows and their columns for techniques that show examples."""
    from workbench.training.inputs.limits import choose_rows

    if "examples" not in arguments(recipe.technique):
        return None
    return choose_rows(recipe.resolved(), table)[0], table.columns


def _anatomy(recipe: Recipe, lookup: LookUp) -> Structure | None:
    """Return the structure of the model, or None; its problems are reported elsewhere."""
    from workbench.training.inspection.anatomy import take_apart

    table = lookup.table
    if lookup.facts is None or table is None or find(recipe.technique) is None:
        return None
    with contextlib.suppress(Exception):
        return take_apart(recipe, data=lambda _: table)
    return None


def _guarded(part: str, compute: Callable[[], Any], problems: list[Problem]) -> Any:
    try:
        return compute()
    except RecipeError as error:
        # Counting and tokenising may both find that the context is too short.
        problems += [problem for problem in error.problems if problem not in problems]
    except WorkbenchError as error:
        problems.append(Problem.stated(part, str(error)))
    except Exception as error:  # noqa: BLE001 (whatever a library raises is shown, not thrown)
        first = first_line(error)
        what = {
            "count": "The technique could not be applied to this base",
            "tokens": "The data could not be tokenized",
            "rows": "The training rows could not be selected",
        }[part]
        sentence = f"{what}: {first}"
        problems.append(Problem.stated(part, sentence, traceback.format_exc()))
    return None


def _state(model: Any) -> Fingerprint:
    return fingerprint(os.path.expanduser(model)) if isinstance(model, str) else ()
