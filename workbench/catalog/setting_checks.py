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
        names = ("gradient_checkpointing", "torch_compile", "cache_frozen_prefix")
        why = dict.fromkeys(names, "it trains nothing")
    elif not technique.recomputes:
        why["gradient_checkpointing"] = "what its layers compute cannot be computed a second time"
    found = [
        Problem(name, f"False with {technique.title}", True, reason)
        for name, reason in why.items()
        if getattr(recipe, name) is True
    ]
    if recipe.cache_frozen_prefix is True:
        found += [
            Problem("cache_frozen_prefix", f"False with {name}", True, "it passes blocks by")
            for name in ("gradient_checkpointing", "torch_compile")
            if getattr(recipe, name) is True
        ]
    return found
