"""Whether a recipe goes with a base whose checkpoint is itself stored in fewer bits."""

from __future__ import annotations

import dataclasses

from workbench.errors import Problem
from workbench.registry.techniques import find
from workbench.settings.checks import quantization_problems
from workbench.settings.fields import Settings
from workbench.sources.models.describe import ModelFacts


def storage_problems(recipe: Settings, facts: ModelFacts) -> list[Problem]:
    """Return what is wrong with a recipe on a base as its checkpoint is stored.

    Examples
    --------
    >>> from workbench.sources.models.describe import facts
    >>> stored = dataclasses.replace(facts("village-3m"), name="village-4bit", quantization="nf4")
    >>> for problem in storage_problems(Settings(quantization="int8"), stored):
    ...     print(problem)
    quantization must be 'nf4' (or None) with the model 'village-4bit', but is 'int8': its checkpoint \
is quantized already and cannot be quantized again.
    """
    stored, technique = facts.quantization, find(recipe.technique)
    if stored is None or technique is None:
        return []
    if recipe.quantization not in (None, stored):
        allowed = f"{stored!r} (or None) with the model {facts.name!r}"
        why = "its checkpoint is quantized already and cannot be quantized again"
        return [Problem("quantization", allowed, recipe.quantization, why)]
    # What the recipe says itself is checked with its other settings.
    problems = [] if recipe.quantization else quantization_problems(stored, technique)
    if problems:
        return [_with_reason(problem, facts) for problem in problems]
    if technique.reads_whole_weights:
        why = (
            f"it is initialized from weights in full precision, and the model {facts.name!r} is "
            f"quantized with {stored!r}: use its checkpoint in full precision"
        )
        allowed = f"a different one with the model {facts.name!r}"
        return [Problem("technique", allowed, recipe.technique, why)]
    return []


def _with_reason(problem: Problem, facts: ModelFacts) -> Problem:
    """Add to a problem that it comes from the checkpoint, and what to do."""
    why = f"the checkpoint of {facts.name!r} is quantized with it"
    why += f", and {problem.hint}" if problem.hint else ""
    return dataclasses.replace(problem, hint=f"{why}; use its checkpoint in full precision")
