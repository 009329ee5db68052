"""Whether what was picked goes together, as far as can be told without loading a weight."""

from __future__ import annotations

from workbench.catalog.models import ModelFacts
from workbench.catalog.tasks import TASKS
from workbench.errors import Problem
from workbench.recipe import Recipe

# What each kind of model is for; a kind that nobody knows is given the benefit of the doubt.
_GENERATES = {"causal-lm": True, "encoder": False, "encoder-decoder": False}


def task_problems(recipe: Recipe, facts: ModelFacts) -> list[Problem]:
    """Return what speaks against a recipe's task with a base model.

    Examples
    --------
    >>> from workbench.catalog.models import facts
    >>> recipe = Recipe(model="hamlet-3m", task="instruct", data="hamlet-qa")
    >>> task_problems(recipe, facts(recipe.model))
    []
    """
    causal = TASKS[recipe.task].auto_class == "AutoModelForCausalLM"
    if causal and not _GENERATES.get(facts.kind, True):
        return [
            Problem(
                "task",
                f"'classify' with the model {facts.name!r}",
                recipe.task,
                f"it is an {facts.kind} and cannot continue a text",
            )
        ]
    return []
