"""What a recipe names, found and read without heavy libraries, with all that is wrong with it."""

from __future__ import annotations

import dataclasses
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from workbench.errors import Problem, RecipeError, WorkbenchError
from workbench.registry.tasks import KINDS, ROLES, TASKS, tasks_of
from workbench.settings.checks import settings_problems
from workbench.settings.fields import Settings
from workbench.sources.datasets import load as catalog_data
from workbench.sources.datasets import locate
from workbench.sources.models import describe as catalog_models
from workbench.sources.models.storage import storage_problems
from workbench.sources.prompt_checks import base_problems, prompt_problems

S = TypeVar("S", bound=Settings)

COLUMNS = tuple(f"{role}_column" for role in ROLES)
MODEL = {"model", "revision", "trust_remote_code"}
DATA = {"data", "eval_data", "data_revision", "task", *COLUMNS}


@dataclass(frozen=True)
class Found:
    """What became of looking a recipe up.

    Parameters
    ----------
    problems : list of Problem
        All that is wrong: settings, base, data, and whether they go together.
    facts : ModelFacts or None
    table : Table or None
    """

    problems: list[Problem]
    facts: catalog_models.ModelFacts | None
    table: catalog_data.Table | None


def find_facts(recipe: Settings) -> catalog_models.ModelFacts:
    """Find a recipe's base and describe it."""
    return catalog_models.facts(
        recipe.model, recipe.revision, trust_remote_code=recipe.trust_remote_code
    )


def load_data(recipe: Settings) -> catalog_data.Table:
    """Read and check a recipe's data."""
    return catalog_data.load(
        recipe.data,
        recipe.task,
        eval_data=recipe.eval_data,
        revision=recipe.data_revision,
        **{name: getattr(recipe, name) for name in COLUMNS},
    )


class SharedTables:
    """Rows that are read once for all who name the same, and again where their files have changed.

    It lives as long as its owner, such as a race or a panel, and can be asked from any thread.

    Parameters
    ----------
    most : int
        Tables that are kept; the oldest goes first.
    """

    def __init__(self, most: int = 4):
        self._most, self._lock = most, threading.Lock()
        self._tables: dict[tuple, catalog_data.Table] = {}

    def load(self, recipe: Settings) -> catalog_data.Table:
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
        """Let go of all tables."""
        with self._lock:
            self._tables.clear()


def table_key(recipe: Settings) -> tuple:
    """Return what a recipe's rows depend on, the state of their files included: other rows, another key."""
    source = locate.resolve(recipe.data, recipe.eval_data, recipe.data_revision)
    columns = tuple(getattr(recipe, name) for name in COLUMNS)
    return dataclasses.replace(source, card=None), recipe.task, columns, source.states()


def look_up(
    recipe: S,
    *,
    model: Callable[[S], catalog_models.ModelFacts | None] = find_facts,
    data: Callable[[S], catalog_data.Table | None] = load_data,
) -> Found:
    """Find a recipe's base and read its data; nothing is raised.

    Parameters
    ----------
    recipe : Settings
    model, data : callable
        Find the one and read the other, or return None to leave it.
    """
    problems = settings_problems(recipe)
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
    return Found(problems, facts, table)


def check(recipe: S) -> S:
    """Return a recipe whose settings are right, or raise RecipeError with all that is wrong.

    If they are not, its base and data are looked up too, unless that takes the network.
    """
    if settings_problems(recipe):
        raise RecipeError(look_up(recipe, model=_facts_here, data=_data_here).problems)
    return recipe


def task_problems(recipe: Settings, facts: catalog_models.ModelFacts) -> list[Problem]:
    """Return what speaks against a recipe's task with a base model.

    Examples
    --------
    >>> recipe = Settings(model="hamlet-3m", task="instruct", data="hamlet-qa")
    >>> task_problems(recipe, find_facts(recipe))
    []
    """
    suits = TASKS[recipe.task].model_kinds
    if facts.kind in suits or facts.kind not in KINDS:
        return []
    allowed = f"{' or '.join(map(repr, tasks_of(facts.kind)))} with the model {facts.name!r}"
    taken = " or ".join(KINDS[kind] for kind in suits)
    why = f"it is {KINDS[facts.kind]}, and {recipe.task} takes {taken}"
    return [Problem("task", allowed, recipe.task, why)]


def _facts_here(recipe: Settings) -> catalog_models.ModelFacts | None:
    return None if catalog_models.on_hub(recipe.model) else find_facts(recipe)


def _data_here(recipe: Settings) -> catalog_data.Table | None:
    return None if locate.on_hub(recipe.data) else load_data(recipe)


def _try(problems: list[Problem], part: str, recipe: S, find: Callable[[S], Any]) -> Any:
    try:
        return find(recipe)
    except RecipeError as error:
        problems += error.problems
    except WorkbenchError as error:
        problems.append(Problem.stated(part, str(error), got=getattr(recipe, part)))
    except Exception as error:  # noqa: BLE001 (whatever a library raises is said with the rest)
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        subject = {"model": "The base model", "data": "The data"}[part]
        sentence = f"{subject} could not be read: {first}"
        details = traceback.format_exc()
        problems.append(Problem.stated(part, sentence, details, getattr(recipe, part)))
    return None
