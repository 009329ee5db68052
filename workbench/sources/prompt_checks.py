"""Whether a base and data can be used with prompts, as far as that is known without weights."""

from __future__ import annotations

from collections.abc import Mapping

from workbench.errors import Problem
from workbench.registry.prompt_templates import data_problems
from workbench.registry.techniques import TECHNIQUES
from workbench.settings.fields import Settings
from workbench.sources.datasets.load import Table
from workbench.sources.models.describe import ModelFacts
from workbench.sources.run_length import training_rows


def base_problems(recipe: Settings, facts: ModelFacts) -> list[Problem]:
    """Return what is wrong with prompts on a base; nothing where something is trained."""
    if facts.kind != "encoder" or not _prompts(recipe):
        return []
    allowed = f"one that trains parameters with the model {facts.name!r}"
    why = "it is an encoder, which cannot continue a prompt: use a causal language model"
    return [Problem("technique", allowed, recipe.technique, why)]


def prompt_problems(recipe: Settings, table: Table) -> list[Problem]:
    """Return what is wrong with prompts on a recipe's data; nothing where something is trained."""
    if not _prompts(recipe) or not isinstance(recipe.technique_args, Mapping):
        return []
    args = {**TECHNIQUES[recipe.technique].defaults(), **recipe.technique_args}
    return data_problems(args, training_rows(recipe, table), table.labels)


def _prompts(recipe: Settings) -> bool:
    technique = TECHNIQUES.get(recipe.technique)
    return technique is not None and technique.trainable == "nothing"
