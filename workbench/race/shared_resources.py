"""What the runs of a race share: a base, data, or nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from workbench.errors import Problem
from workbench.recipe import Recipe

if TYPE_CHECKING:
    from workbench.runs.run import Run


def sharing_problems(recipes: Sequence[Recipe]) -> list[Problem]:
    """Refuse recipes of which no two share a base or data: there is nothing to compare or to save."""
    if len(recipes) < 2 or len(_alone(recipes)) < len(recipes):
        return []
    first, second = recipes[:2]
    sentence = (
        "recipes of a race must have the base or the data in common, but no two of them do "
        f"({first.model!r} on {first.data!r}, {second.model!r} on {second.data!r}): run them "
        "one by one with train."
    )
    return [Problem.stated("recipes", sentence, got=len(recipes))]


def sharing_notes(recipes: Sequence[Recipe]) -> list[str]:
    """Say how many bases and sets of rows a race keeps in memory, and who shares nothing."""
    if len(recipes) < 2:
        return []
    bases = len({_base(recipe) for recipe in recipes})
    rows = len({_data(recipe) for recipe in recipes})
    several = f"{bases} bases" if bases > 1 else "one base"
    sets = f"{rows} data sets" if rows > 1 else "one data set"
    return [
        f"{len(recipes)} runs share {several} and {sets}.",
        *(
            f"{recipe.name or recipe.technique} shares neither its base nor its data with another run."
            for recipe in _alone(recipes)
        ),
    ]


def notes_of_runs(runs: Sequence[Run]) -> list[str]:
    """Return what the runs have to say, each sentence once with the runs that it is about."""
    said: dict[str, list[str]] = {}
    for run in runs:
        for note in dict.fromkeys(run.notes):
            said.setdefault(note, []).append(run.name)
    return [f"{', '.join(names)}: {note}" for note, names in said.items()]


def _alone(recipes: Sequence[Recipe]) -> list[Recipe]:
    """Return the recipes that share neither their base nor their data with another."""
    bases, rows = Counter(map(_base, recipes)), Counter(map(_data, recipes))
    return [one for one in recipes if bases[_base(one)] == rows[_data(one)] == 1]


def _base(recipe: Recipe) -> tuple[object, ...]:
    full = recipe.resolved()
    return full.model, full.revision, full.quantization, full.convert_conv1d


def _data(recipe: Recipe) -> tuple[object, ...]:
    return recipe.task, recipe.data, recipe.data_revision, recipe.eval_data
