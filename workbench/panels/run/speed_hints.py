"""Whether compiling a run's layers could pay, from its own steps, and what it took where it was done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.display.units import time
from workbench.recipe import Recipe
from workbench.registry.tasks import TASKS

# What compiling took, and the share of a step that it saved, at the least and at the most: measured
# on a 3 M and a 35 M llama on CPU. Other bases and machines may lie outside.
SECONDS = (14, 36)
SAVED = (0.04, 0.14)


def compiling(
    recipe: Recipe,
    plan: Mapping[str, Any],
    total: int,
    first: float | None,
    pace: float | None,
) -> list[str]:
    """Say what there is to say about ``torch_compile``: nothing before a few steps were timed.

    Without it, only where it could be set and the run is long enough for it to pay at best.

    Parameters
    ----------
    recipe : Recipe
    plan : mapping
        The run's plan; empty before it has one.
    total : int
        The run's steps.
    first, pace : float or None
        Seconds of the first step, and of one since then at the median.
    """
    if not plan or first is None or pace is None:
        return []
    if recipe.torch_compile:
        took = max(0.0, first - pace)
        said = (
            f"torch_compile took about {time(took)}: the first step took {time(first)}, those of late "
            f"{pace:.2g} s at the median."
        )
        return [said]
    quick, slow = SECONDS
    least, most = SAVED
    early, late = quick / (most * pace), slow / (least * pace)
    if total <= early or not _could(recipe, plan):
        return []
    said = (
        f"torch_compile could pay: on small llamas on CPU it took {quick} to {slow} s and saved "
        f"{least:.0%} to {most:.0%} of a step. At {pace:.2g} s a step that pays beyond {_about(early)} "
        f"to {_about(late)} steps; this run has {total:,}."
    )
    return [said]


def _could(recipe: Recipe, plan: Mapping[str, Any]) -> bool:
    """Tell whether the run could be compiled by itself, on what was measured."""
    if recipe.task not in TASKS or plan["device"] != "cpu" or plan["fused"]:
        return False
    return not recipe.replace(torch_compile=True).problems()


def _about(steps: float) -> str:
    return f"{float(f'{steps:.2g}'):,.0f}"
