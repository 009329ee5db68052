"""Whether what was picked goes together, as far as can be told without loading a weight."""

from __future__ import annotations

from workbench.catalog.models import ModelFacts
from workbench.catalog.tasks import KINDS, TASKS, tasks_of
from workbench.errors import Problem
from workbench.recipe import Recipe


def task_problems(recipe: Recipe, facts: ModelFacts) -> list[Problem]:
    """Return what speaks against a recipe's task with a base model.

    Examples
    --------
    >>> from workbench.catalog.models import facts
    >>> recipe = Recipe(model="hamlet-3m", task="instruct", data="hamlet-qa")
    >>> task_problems(recipe, facts(recipe.model))
    []
    """
    suits = TASKS[recipe.task].suits
    if facts.kind in suits or facts.kind not in KINDS:
        return []
    allowed = f"{' or '.join(map(repr, tasks_of(facts.kind)))} with the model {facts.name!r}"
    taken = " or ".join(KINDS[kind] for kind in suits)
    why = f"it is {KINDS[facts.kind]}, and {recipe.task} takes {taken}"
    return [Problem("task", allowed, recipe.task, why)]
