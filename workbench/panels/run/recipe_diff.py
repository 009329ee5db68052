"""The settings in which runs differ, in a short text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from workbench.panels.widgets.parsing import write
from workbench.recipe import Recipe

# The name has no influence on the training.
UNSAID = {"name"}


def differing(recipes: Sequence[Recipe]) -> list[str]:
    """List the settings in which recipes differ from the first, in the order of a recipe.

    Examples
    --------
    >>> recipe = Recipe()
    >>> differing([recipe, recipe.replace(learning_rate=1e-3), recipe.replace(r=4)])
    ['r', 'learning_rate']
    """
    different = {name for recipe in recipes[1:] for name in recipe.diff(recipes[0])} - UNSAID
    order = dict.fromkeys(name for recipe in recipes for name in recipe.flat())
    inner = [name for name in order if name in different]
    # The technique's arguments come with the technique, as in a recipe.
    return sorted(inner, key=_place)


def differences(recipes: Sequence[Recipe]) -> list[str]:
    """Describe how each recipe differs from the first; the first is described by its own values.

    Examples
    --------
    >>> recipe = Recipe()
    >>> differences([recipe, recipe.replace(r=4), recipe.replace(technique="ia3")])
    ['lora · r 8', 'r 4', 'ia3']
    """
    names = differing(recipes)
    resolved = [settings_of(recipe) for recipe in recipes]
    texts = []
    for recipe, values in zip(recipes, resolved, strict=True):
        mine = names if recipe is recipes[0] else [n for n in names if n in recipe.diff(recipes[0])]
        words = [_word(name, values[name]) for name in mine if name in values]
        texts.append(" · ".join(filter(None, words)))
    return texts


def settings_of(recipe: Recipe) -> dict[str, object]:
    """Return all settings of a recipe, with the technique's defaults where it is one of this version."""
    return recipe.flat() if recipe.problems() else recipe.resolved().flat()


def _word(name: str, value: object) -> str:
    if name == "technique":
        return str(value)
    if name == "start_from":  # a folder of weights in that of the run that trained them
        path = Path(str(value))
        return f"from {path.parent.name} {path.name.replace('-', ' ')}" if value else ""
    return f"{name} {write(value) or 'default'}"


def _place(name: str) -> int:
    from workbench.recipe import FIELDS

    names = list(FIELDS)
    return names.index(name) if name in FIELDS else names.index("technique_args")
