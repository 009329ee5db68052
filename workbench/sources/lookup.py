"""The base and the data that a recipe names: found, read and checked without heavy libraries."""

from __future__ import annotations

import dataclasses
import threading
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from workbench.errors import Problem, RecipeError, WorkbenchError, first_line
from workbench.registry.tasks import KINDS, ROLES, TASKS, tasks_of
from workbench.settings.checks import settings_problems
from workbench.settings.fields import Settings
from workbench.sources.datasets import load as datasets
from workbench.sources.datasets import locate
from workbench.sources.datasets.load import Table
from workbench.sources.models import describe as models
from workbench.sources.models.describe import ModelFacts
from workbench.sources.models.storage import storage_problems
from workbench.sources.prompt_checks import base_problems, prompt_problems

S = TypeVar("S", bound=Settings)

COLUMNS = tuple(f"{role}_column" for role in ROLES)
# The settings without which the base, or the data, cannot be looked up.
MODEL = {"model", "revision", "trust_remote_code"}
DATA = {
    "data",
    "eval_data",
    "data_revision",
    "task",
    "encoding",
    "skip_bad_rows",
    "prompt_template",
    *COLUMNS,
}


@dataclass(frozen=True)
class LookUp:
    """The base and the data that a recipe names, with all that is wrong.

    Parameters
    ----------
    problems : list of Problem
        What is wrong with the settings, the base, the data, and with having them together.
    facts : ModelFacts or None
        None where the base could not be read, or was left out.
    table : Table or None
        None where the data could not be read, or were left out.
    """

    problems: list[Problem]
    facts: ModelFacts | None
    table: Table | None

    def require(self) -> tuple[ModelFacts, Table]:
        """Return the base and the data, for whoever needs both.

        Raises
        ------
        RecipeError
            With all that is wrong, if anything is.
        """
        if self.problems:
            raise RecipeError(self.problems)
        if self.facts is None or self.table is None:
            raise ValueError("the base or the data was left out when the recipe was looked up")
        return self.facts, self.table


def find_facts(recipe: Settings) -> ModelFacts:
    """Find a recipe's base and describe it."""
    return models.facts(recipe.model, recipe.revision, trust_remote_code=recipe.trust_remote_code)


def load_data(recipe: Settings) -> Table:
    """Read and check a recipe's data."""
    return datasets.load(
        recipe.data,
        recipe.task,
        eval_data=recipe.eval_data,
        revision=recipe.data_revision,
        prompt_template=recipe.prompt_template,
        encoding=recipe.encoding,
        skip_bad_rows=recipe.skip_bad_rows,
        **{name: getattr(recipe, name) for name in COLUMNS},
    )


class SharedTables:
    """Rows that are read once for all recipes with the same data, and again when their files change.

    It lives as long as its owner, such as a race or a panel, and can be asked from any thread.

    Parameters
    ----------
    most : int
        Tables that are kept; the oldest is dropped first.
    """

    def __init__(self, most: int = 4):
        self._most, self._lock = most, threading.Lock()
        self._tables: dict[tuple, Table] = {}

    def load(self, recipe: Settings) -> Table:
        """Return a recipe's data, read and checked; see :func:`load_data`."""
        with self._lock:
            # Before it is read: what changes while it is read must not pass for this state.
            key = table_key(recipe)
            table = self._tables.get(key)
            if table is None:
                table = load_data(recipe)
                while len(self._tables) >= self._most:
                    self._tables.pop(next(iter(self._tables)))
                self._tables[key] = table
            return table

    def clear(self) -> None:
        """Drop all tables that are stored."""
        with self._lock:
            self._tables.clear()


def table_key(recipe: Settings) -> tuple:
    """Return what a recipe's rows depend on, the state of their files included: other rows, another key."""
    source = locate.resolve(recipe.data, recipe.eval_data, recipe.data_revision, recipe.encoding)
    columns = tuple(
        getattr(recipe, name) for name in (*COLUMNS, "skip_bad_rows", "prompt_template")
    )
    return dataclasses.replace(source, card=None), recipe.task, columns, source.states()


def look_up(
    recipe: S,
    *,
    model: Callable[[S], ModelFacts | None] = find_facts,
    data: Callable[[S], Table | None] = load_data,
    checked: Sequence[Problem] | None = None,
) -> LookUp:
    """Find a recipe's base and read its data; nothing is raised.

    Parameters
    ----------
    recipe : Settings
    model, data : callable
        Find the one and read the other, or return None to leave it out.
    checked : sequence of Problem, optional
        What is wrong with the settings, from a caller that has checked them already.
    """
    problems = settings_problems(recipe) if checked is None else [*checked]
    wrong = {problem.parameter for problem in problems}
    # A setting that is wrong in itself would only be refused again.
    facts = None if wrong & MODEL else _try(problems, "model", recipe, model)
    table = None if wrong & DATA else _try(problems, "data", recipe, data)
    if facts is not None and "task" not in wrong:
        problems += task_problems(recipe, facts) or base_problems(recipe, facts)
    if facts is not None and not wrong & {"technique", "quantization"}:
        problems += storage_problems(recipe, facts)
    if table is not None and not wrong:
        problems += prompt_problems(recipe, table)
    return LookUp(problems, facts, table)


def check(recipe: S) -> S:
    """Return a recipe whose settings are right, or raise RecipeError with all that is wrong.

    If they are not, its base and data are looked up too, unless that takes the network.
    """
    if problems := settings_problems(recipe):
        local = look_up(recipe, model=_local_facts, data=_local_data, checked=problems)
        raise RecipeError(local.problems)
    return recipe


def task_problems(recipe: Settings, facts: ModelFacts) -> list[Problem]:
    """Return what speaks against a recipe's task with a base model.

    Examples
    --------
    >>> recipe = Settings(model="village-3m", task="instruct", data="village-qa")
    >>> task_problems(recipe, find_facts(recipe))
    []
    """
    kinds = TASKS[recipe.task].model_kinds
    if facts.kind in kinds or facts.kind not in KINDS:
        return []
    allowed = f"{' or '.join(map(repr, tasks_of(facts.kind)))} with the model {facts.name!r}"
    needed = " or ".join(KINDS[kind] for kind in kinds)
    why = f"it is {KINDS[facts.kind]}, and {recipe.task!r} takes {needed}"
    return [Problem("task", allowed, recipe.task, why)]


def _local_facts(recipe: Settings) -> ModelFacts | None:
    return None if models.on_hub(recipe.model) else find_facts(recipe)


def _local_data(recipe: Settings) -> Table | None:
    return None if locate.on_hub(recipe.data) else load_data(recipe)


def _try(problems: list[Problem], part: str, recipe: S, find: Callable[[S], Any]) -> Any:
    try:
        return find(recipe)
    except RecipeError as error:
        problems += error.problems
    except WorkbenchError as error:
        problems.append(Problem.stated(part, str(error), got=getattr(recipe, part)))
    except Exception as error:  # noqa: BLE001 (whatever a library raises is said with the rest)
        first = first_line(error)
        subject = {"model": "The base model", "data": "The data"}[part]
        sentence = f"{subject} could not be read: {first}"
        details = traceback.format_exc()
        problems.append(Problem.stated(part, sentence, details, getattr(recipe, part)))
    return None
