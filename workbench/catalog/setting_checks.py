"""Which settings of how a model computes go with a technique."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.catalog.technique import Technique
from workbench.errors import Problem

if TYPE_CHECKING:
    from workbench.recipe import Recipe


def setting_problems(recipe: Recipe, technique: Technique) -> list[Problem]:
    """Return the settings that cannot do what they say with a recipe's technique."""
    why = {}
    if technique.trains == "nothing":
        why = dict.fromkeys(("gradient_checkpointing", "torch_compile"), "it trains nothing")
    elif not technique.recomputes:
        why["gradient_checkpointing"] = "what its layers compute cannot be computed a second time"
    return [
        Problem(name, f"False with {technique.title}", True, reason)
        for name, reason in why.items()
        if getattr(recipe, name) is True
    ]
