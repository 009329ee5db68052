"""What is wrong with the settings of a race, or with recipes as its members."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from workbench.errors import Problem
from workbench.race.halving import SuccessiveHalving, halving_problems
from workbench.race.shared_resources import sharing_problems
from workbench.recipe import Recipe
from workbench.runs.step_scheduler import TURNS
from workbench.settings.values import value_problems


def setting_problems(turns: Any = TURNS[0], workers: Any = None, fuse: Any = None) -> list[Problem]:
    """Return what is wrong with a race's own settings."""
    return [
        *value_problems("turns", turns, str, {"choices": TURNS}),
        *value_problems("workers", workers, int | None, {"ge": 1}),
        *value_problems("fuse", fuse, bool | None, {}),
    ]


def member_problems(recipes: Sequence[Any], halving: SuccessiveHalving | None) -> list[Problem]:
    """Return what is wrong with recipes as the members of one race."""
    wrong = [recipe for recipe in recipes if not isinstance(recipe, Recipe)]
    if wrong or not recipes:
        return [Problem("recipes", "a sequence of at least one Recipe", wrong[0] if wrong else [])]
    names = [recipe.name for recipe in recipes if recipe.name is not None]
    duplicates = sorted({name for name in names if names.count(name) > 1})
    return [
        *(
            Problem("name", "a different one for each run of a race", name, "two recipes have it")
            for name in duplicates
        ),
        *sharing_problems(recipes),
        *halving_problems(halving, recipes),
    ]
