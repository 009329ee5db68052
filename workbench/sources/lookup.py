"""What a recipe names, found and read without heavy libraries, with all that is wrong with it."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from workbench.errors import Problem, RecipeError, WorkbenchError
from workbench.recipe import Recipe
from workbench.registry.tasks import ROLES
from workbench.sources.datasets import load as catalog_data
from workbench.sources.datasets import locate
from workbench.sources.models import describe as catalog_models
from workbench.sources.models.storage import storage_problems
from workbench.sources.prompt_checks import base_problems, prompt_problems
from workbench.training.inspection.compatibility.result import task_problems

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


def find_facts(recipe: Recipe) -> catalog_models.ModelFacts:
    """Find a recipe's base and describe it."""
    return catalog_models.facts(
        recipe.model, recipe.revision, trust_remote_code=recipe.trust_remote_code
    )


def load_data(recipe: Recipe) -> catalog_data.Table:
    """Read and check a recipe's data."""
    return catalog_data.load(
        recipe.data,
        recipe.task,
        eval_data=recipe.eval_data,
        revision=recipe.data_revision,
        **{name: getattr(recipe, name) for name in COLUMNS},
    )


def look_up(
    recipe: Recipe,
    *,
    model: Callable[[Recipe], catalog_models.ModelFacts | None] = find_facts,
    data: Callable[[Recipe], catalog_data.Table | None] = load_data,
) -> Found:
    """Find a recipe's base and read its data; nothing is raised.

    Parameters
    ----------
    recipe : Recipe
    model, data : callable
        Find the one and read the other, or return None to leave it.
    """
    problems = recipe.problems()
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


def check(recipe: Recipe) -> Recipe:
    """Return a recipe whose settings are right, or raise RecipeError with all that is wrong.

    If they are not, its base and data are looked up too, unless that takes the network.
    """
    if recipe.problems():
        raise RecipeError(look_up(recipe, model=_facts_here, data=_data_here).problems)
    return recipe


def _facts_here(recipe: Recipe) -> catalog_models.ModelFacts | None:
    return None if catalog_models.on_hub(recipe.model) else find_facts(recipe)


def _data_here(recipe: Recipe) -> catalog_data.Table | None:
    return None if locate.on_hub(recipe.data) else load_data(recipe)


def _try(problems: list[Problem], part: str, recipe: Recipe, find: Callable[[Recipe], Any]) -> Any:
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
