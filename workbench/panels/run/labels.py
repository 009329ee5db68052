"""Short names of runs that tell what sets each apart from the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from workbench.panels.run.recipe_diff import differing, settings_of
from workbench.panels.widgets.parsing import write
from workbench.recipe import FIELDS, Recipe

# Their values say what they are, and they come first.
BARE = ("model", "data", "task")


def labels(recipes: Sequence[Recipe], given: Sequence[str | None]) -> tuple[list[str], list[str]]:
    """Name runs by their technique and as few of the settings in which they differ as tell them apart.

    No two get the same name.

    Parameters
    ----------
    recipes : sequence of Recipe
    given : sequence of str or None
        The name that a person gave a run, if any did. A recipe's own name is one too.

    Returns
    -------
    list of str
        The names.
    list of str
        The settings that they are made of, besides the technique.

    Examples
    --------
    >>> recipe = Recipe()
    >>> labels([recipe], [None])
    (['lora'], [])
    >>> labels([recipe, recipe.replace(r=16, max_steps=90)], [None, None])
    (['lora r=8', 'lora r=16'], ['r'])
    >>> labels([recipe, recipe, recipe.replace(technique="ia3")], [None, None, "first try"])[0]
    ['lora', 'lora (2)', 'first try']
    """
    fixed = [label or recipe.name for recipe, label in zip(recipes, given, strict=True)]
    values = [settings_of(recipe) for recipe in recipes]
    used: list[str] = []
    made = [name or _label(settings, used) for name, settings in zip(fixed, values, strict=True)]
    for setting in _in_order(differing(recipes) if recipes else []):
        if len(set(made)) == len(made):
            break
        longer = [
            name or _label(settings, [*used, setting])
            for name, settings in zip(fixed, values, strict=True)
        ]
        # A setting that tells no two apart which were alike until now would only make names longer.
        if len(set(longer)) > len(set(made)):
            used, made = [*used, setting], longer
    seen: Counter[str] = Counter()
    for place, label in enumerate(made):
        seen[label] += 1
        if seen[label] > 1:
            made[place] = f"{label} ({seen[label]})"
    return made, used


def _in_order(settings: Sequence[str]) -> list[str]:
    """Put what a run is about before how it is trained; the technique itself is in every name."""
    names = [name for name in settings if name != "technique"]
    return sorted(names, key=lambda name: (name not in BARE, name in FIELDS))


def _label(values: Mapping[str, object], names: Sequence[str]) -> str:
    words = [_word(name, values[name]) for name in names if name in values]
    return " ".join([str(values["technique"]), *filter(None, words)])


def _word(name: str, value: object) -> str:
    if name in BARE:
        return Path(str(value)).stem
    if name == "start_from":
        return f"from {Path(str(value)).parent.name}" if value else ""
    return f"{name}={write(value) or 'default'}"
