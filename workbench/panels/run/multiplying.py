"""Whether multiplying matrices in oneDNN could pay for a run, measured on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.recipe import Recipe

# Less than this many times as fast, and it is not worth other bits.
WORTH = 1.25
# A step that takes less time, in seconds, multiplies too small matrices.
SHORT = 0.01


def multiplying(recipe: Recipe, plan: Mapping[str, Any], pace: float | None) -> list[str]:
    """Say what there is to say about ``onednn``: where it is not set, and could pay.

    Parameters
    ----------
    recipe : Recipe
    plan : mapping
        The run's plan; empty before it has one.
    pace : float or None
        Seconds of a step at the median.
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
    said = (
        f"onednn could pay: here oneDNN multiplied two matrices {speedup:.1f} times as fast as the "
        "library that PyTorch takes. It changes the last bits of the losses."
    )
    return [said]
