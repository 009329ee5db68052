"""A grid or a random search over knobs, as recipes for a race."""

from __future__ import annotations

import itertools
import math
import os
import random
from collections.abc import Mapping, Sequence
from typing import Any

from workbench.errors import Problem, RecipeError, did_you_mean
from workbench.race.halving import SuccessiveHalving
from workbench.race.race import Race
from workbench.recipe import FIELDS, Recipe, read_value
from workbench.registry.techniques import TECHNIQUES, arguments, find

SEARCHES = ("grid", "random")
# More runs than this are asked about first.
MANY = 64
# Draws of a random search when none are given.
DRAWS = 8
# Knobs whose ranges are drawn from on a scale of factors.
FACTORS = ("learning_rate", "weight_decay")


def race(
    recipe: Recipe,
    *,
    search: str = "grid",
    n: int | None = None,
    seed: int = 0,
    runs: str | os.PathLike = "runs",
    start: bool = True,
    sure: bool = False,
    turns: str = "steps",
    workers: int | None = None,
    halving: SuccessiveHalving | None = None,
    fuse: bool | None = None,
    **knobs: Any,
) -> Race:
    """Train a recipe with different settings at the same time: a grid or a random search.

    Parameters
    ----------
    recipe : Recipe
        The settings that all runs have in common.
    search : {"grid", "random"}
        All combinations of the values, or ``n`` random ones.
    n : int, optional
        Number of runs of a random search; 8 if not given.
    seed : int, default 0
        Seed of the random search.
    runs : path, default "runs"
        Folder in which the runs' folders are made.
    start : bool, default True
        Start the race at once.
    sure : bool, default False
        Allow more than 64 runs.
    turns, workers, halving, fuse
        See :class:`Race`.
    **knobs
        Lists of values for settings of the recipe or arguments of its techniques; a single value is used
        for all runs. In a random search, a tuple of two numbers is a range, which is sampled on a
        logarithmic scale for a learning rate.

    Returns
    -------
    Race
        The race, with one run per combination in ``members``.

    Raises
    ------
    RecipeError
        With all problems; or with the time and the memory that more than 64 runs would take.

    Examples
    --------
    >>> import workbench as wb
    >>> grid = wb.race(wb.Recipe(), learning_rate=[1e-4, 3e-4], r=[4, 16], start=False)
    >>> [run.recipe.name for run in grid.members][:2]
    ['lora learning_rate=0.0001 r=4', 'lora learning_rate=0.0001 r=16']
    """
    recipes = combine(recipe, knobs, search=search, n=n, seed=seed)
    ask(recipes, sure=sure)
    made = Race(recipes, runs, turns=turns, workers=workers, halving=halving, fuse=fuse)
    return made.start() if start else made


def ask(recipes: Sequence[Recipe], *, sure: bool) -> None:
    """Refuse to begin many runs unasked, with the time and the memory that they would take."""
    if len(recipes) > MANY and not sure:
        from workbench.race.cost import estimate

        raise RecipeError(
            [Problem("sure", f"True for a race of {len(recipes):,} runs", False, estimate(recipes))]
        )


def read_knob(text: str) -> tuple[str, Any]:
    """Read a knob and its values from a command line.

    Examples
    --------
    >>> read_knob("learning_rate=1e-4,3e-4"), read_knob("r=4..16")
    (('learning_rate', [0.0001, 0.0003]), ('r', (4, 16)))
    """
    name, _, values = text.partition("=")
    if not name or not values:
        raise RecipeError([Problem("grid", "a setting and its values, such as r=4,16", text)])
    return name, read_values(values)


def read_values(text: str) -> Any:
    """Read values with commas between, or a range as low..high, as YAML reads them."""
    ends = text.split("..")
    found = [value for end in ends for value in read_value(f"[{end}]")]
    return tuple(found) if len(ends) == 2 else found


def combine(
    recipe: Recipe,
    knobs: Mapping[str, Any],
    *,
    search: str = "grid",
    n: int | None = None,
    seed: int = 0,
) -> list[Recipe]:
    """Return the recipes of a search, each with a name that tells its settings.

    A knob that only some of the techniques have changes those alone.
    """
    _check(recipe, knobs, search, n)
    if search == "grid":
        found = _grid(recipe, knobs)
    else:
        found = _draws(recipe, knobs, DRAWS if n is None else n, random.Random(seed))
    unlike = list({str(made.to_dict()): made for made in found}.values())
    if problems := _problems(unlike, knobs):
        raise RecipeError(problems)
    return unlike


def _problems(recipes: Sequence[Recipe], knobs: Mapping[str, Any]) -> list[Problem]:
    """Return what is wrong with any value: each is looked at once, and not in every combination."""
    seen: set[tuple[str, ...]] = set()
    found = {}
    for recipe in recipes:
        settings = recipe.flat()
        values = {(recipe.technique, name, repr(settings.get(name))) for name in knobs}
        if not values <= seen:
            found.update({str(problem): problem for problem in recipe.problems()})
        seen |= values
    return list(found.values())


def _grid(recipe: Recipe, knobs: Mapping[str, Any]) -> list[Recipe]:
    names = list(knobs)
    values = [_choices(knobs[name]) for name in names]
    return [
        _apply(recipe, dict(zip(names, chosen, strict=True)), knobs)
        for chosen in itertools.product(*values)
    ]


def _draws(
    recipe: Recipe, knobs: Mapping[str, Any], n: int, generator: random.Random
) -> list[Recipe]:
    return [
        _apply(recipe, {name: _draw(name, knobs[name], generator) for name in knobs}, knobs)
        for _ in range(n)
    ]


def _draw(name: str, given: Any, generator: random.Random) -> Any:
    if not _is_range(given):
        return generator.choice(_choices(given))
    low, high = given
    if all(isinstance(end, int) for end in given):
        return generator.randint(low, high)
    if name in FACTORS and low > 0:
        value = math.exp(generator.uniform(math.log(low), math.log(high)))
    else:
        value = generator.uniform(low, high)
    # Three digits can be read, and are as good as more.
    return float(f"{value:.3g}")


def _apply(recipe: Recipe, chosen: Mapping[str, Any], knobs: Mapping[str, Any]) -> Recipe:
    technique = chosen.get("technique", recipe.technique)
    known = arguments(technique)
    fitting = {key: value for key, value in chosen.items() if key in FIELDS or key in known}
    told = [
        f"{key}={value}"
        for key, value in fitting.items()
        if key != "technique" and _varies(knobs[key])
    ]
    name = " ".join([recipe.name or technique, *told])
    return recipe.replace(**{"name": name, **fitting})


def _check(recipe: Recipe, knobs: Mapping[str, Any], search: str, n: int | None) -> None:
    found = []
    if search not in SEARCHES:
        hint = did_you_mean(str(search), SEARCHES)
        found.append(Problem("search", "one of 'grid', 'random'", search, hint))
    if n is not None and (
        search != "random" or isinstance(n, bool) or not isinstance(n, int) or n < 1
    ):
        found.append(Problem("n", "an integer of at least 1 for a random search (or None)", n))
    techniques = [name for name in _choices(knobs.get("technique", recipe.technique)) if find(name)]
    options = {name for technique in techniques for name in arguments(technique)}
    for name, given in knobs.items():
        if name not in FIELDS and name not in options:
            allowed = "a setting of the recipe or an argument of " + " or ".join(techniques)
            found.append(Problem(name, allowed, name, _nearest(name, options)))
        elif isinstance(given, list) and not given:
            found.append(Problem(name, "a list of at least one value", given))
        elif isinstance(given, tuple) and not (search == "random" and _is_range(given)):
            allowed = "a list of values, or for a random search a range (low, high)"
            found.append(Problem(name, allowed, given))
    if found:
        raise RecipeError(found)


def _nearest(name: str, options: set[str]) -> str:
    hint = did_you_mean(name, {*FIELDS, *options})
    if hint.startswith("did"):
        return hint
    owners = [technique for technique in TECHNIQUES if name in arguments(technique)]
    return f"it is an argument of {owners[0]}" if owners else "it is an argument of no technique"


def _choices(given: Any) -> Sequence[Any]:
    return given if isinstance(given, list) else [given]


def _varies(given: Any) -> bool:
    return isinstance(given, tuple) or len(_choices(given)) > 1


def _is_range(given: Any) -> bool:
    return (
        isinstance(given, tuple)
        and len(given) == 2
        and all(isinstance(end, int | float) and not isinstance(end, bool) for end in given)
        and given[0] < given[1]
    )
