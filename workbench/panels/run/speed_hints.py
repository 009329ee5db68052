"""Hints at settings that could make a run faster: ``torch_compile`` and ``onednn``."""

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
# A speed-up below this factor is not worth that oneDNN changes the last bits of the losses.
WORTH = 1.25
# In a step that takes fewer seconds than this, the matrices are too small for oneDNN to pay.
SHORT = 0.01


def compile_hint(
    recipe: Recipe,
    plan: Mapping[str, Any],
    total: int,
    first: float | None,
    pace: float | None,
) -> list[str]:
    """Describe what compiling took, or, where it is off, when it could pay.

    There is no hint before a few steps were timed, where ``torch_compile`` cannot be set, and where the
    run is too short for it to pay.

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
        hint = (
            f"Compiling took about {time(took)}: the first step took {time(first)}, recent "
            f"steps {pace:.2g} s (median)."
        )
        return [hint]
    quick, slow = SECONDS
    least, most = SAVED
    early, late = quick / (most * pace), slow / (least * pace)
    if total <= early or not _could(recipe, plan):
        return []
    hint = (
        f"torch_compile could save time: on small Llama models on CPU, compiling took {quick} "
        f"to {slow} s and saved {least:.0%} to {most:.0%} of each step. At {pace:.2g} s per "
        f"step, it saves time in runs of more than {_about(early)} to {_about(late)} steps; "
        f"this run has {total:,}."
    )
    return [hint]


def onednn_hint(recipe: Recipe, plan: Mapping[str, Any], pace: float | None) -> list[str]:
    """Hint at ``onednn`` where it is off and was measured to be faster on this machine.

    Parameters
    ----------
    recipe : Recipe
    plan : mapping
        The run's plan; empty before it has one.
    pace : float or None
        Median seconds of a step.
    """
    if not plan or pace is None or pace < SHORT or plan["device"] != "cpu" or plan["fused"]:
        return []
    if recipe.onednn or recipe.quantization or recipe.replace(onednn=True).problems():
        return []
    # Here and not at the top: panels are there before torch is.
    from workbench.training.speedups.onednn_benchmark import onednn_speedup

    speedup = onednn_speedup()
    if speedup < WORTH:
        return []
    hint = (
        "onednn could save time: in a test on this machine, oneDNN multiplied two matrices "
        f"{speedup:.1f} times as fast as PyTorch's default library. It changes the last bits of "
        "the losses."
    )
    return [hint]


def _could(recipe: Recipe, plan: Mapping[str, Any]) -> bool:
    """Return whether the run could be compiled, on the kind of device that was measured."""
    if recipe.task not in TASKS or plan["device"] != "cpu" or plan["fused"]:
        return False
    return not recipe.replace(torch_compile=True).problems()


def _about(steps: float) -> str:
    return f"{float(f'{steps:.2g}'):,.0f}"
