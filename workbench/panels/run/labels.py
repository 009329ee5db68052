"""Short names of runs that tell what sets each apart from the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from workbench.panels.run.recipe_diff import differing, settings_of
from workbench.panels.widgets.parsing import write
from workbench.recipe import Recipe

MOST = 3  # settings in a label; more are a sentence and no name
# Their values say what they are.
BARE = ("model", "data", "task")


def labels(recipes: Sequence[Recipe], given: Sequence[str | None]) -> list[str]:
    """Name runs by their technique and the settings in which they differ; no two get the same name.

    Parameters
    ----------
    recipes : sequence of Recipe
    given : sequence of str or None
        The name that a person gave a run, if any did. A recipe's own name is one too.

    Examples
    --------
    >>> recipe = Recipe()
    >>> labels([recipe], [None]), labels([recipe, recipe.replace(r=16)], [None, None])
    (['lora'], ['lora r=8', 'lora r=16'])
    >>> labels([recipe, recipe, recipe.replace(technique="ia3")], [None, None, "first try"])
    ['lora', 'lora (2)', 'first try']
    """
    names = [name for name in differing(recipes) if name != "technique"] if recipes else []
    if "data" in names and "task" in names:
        names.remove("task")
    made = [
        label or recipe.name or _label(recipe, names)
        for recipe, label in zip(recipes, given, strict=True)
    ]
    seen: Counter[str] = Counter()
    for place, label in enumerate(made):
        seen[label] += 1
        if seen[label] > 1:
            made[place] = f"{label} ({seen[label]})"
    return made


def _label(recipe: Recipe, names: Sequence[str]) -> str:
    values = settings_of(recipe)
    words = [_word(name, values[name]) for name in names if name in values]
    return " ".join([str(recipe.technique), *filter(None, words[:MOST])])


def _word(name: str, value: object) -> str:
    if name in BARE:
        return Path(str(value)).stem
    if name == "start_from":
        return f"from {Path(str(value)).parent.name}" if value else ""
    return f"{name}={write(value) or 'default'}"
