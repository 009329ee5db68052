"""Whether runs may be compared: only those that were asked the same, and scored on the same rows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.recipe import Recipe
from workbench.registry.tasks import ALL_TASKS


@dataclass(frozen=True)
class Question:
    """What a run is asked. Runs with equal questions can be ranked, and no others.

    Parameters
    ----------
    asked : tuple
        What the recipe alone tells: task, data, how many rows are scored. A loss per token means
        something else with another tokenizer, so for language models the base too.
    scored_on : str or None
        What only the plan tells: where the rows come from, which were held out, how they are read.
        None before there is a plan.
    """

    asked: tuple[Any, ...]
    scored_on: str | None

    def may_equal(self, other: Question) -> bool:
        """Whether both are the same as far as is known: one may have no plan yet."""
        known = None not in (self.scored_on, other.scored_on)
        return self.asked == other.asked and (not known or self.scored_on == other.scored_on)


def question_of(recipe: Recipe, plan: Mapping[str, Any]) -> Question:
    """Return what a run of this recipe is asked.

    Parameters
    ----------
    recipe : Recipe
    plan : mapping
        The run's plan, of ``plan.json``; empty as long as there is none.
    """
    task = ALL_TASKS[recipe.task]
    data = (recipe.data, recipe.data_revision, recipe.eval_data, recipe.max_eval_samples)
    base = (recipe.model, recipe.revision) if task.per_token_score else None
    answer = recipe.max_new_tokens if task.generation_collator else None
    asked = (recipe.task, *data, base, answer)
    return Question(asked, _scored_on(recipe, plan) if plan else None)


def in_words(recipe: Recipe, plan: Mapping[str, Any]) -> str:
    """Say what a run of this recipe is asked."""
    task = ALL_TASKS[recipe.task]
    base = f" with {Path(recipe.model).name}" if task.per_token_score else ""
    words = f"{task.title}: {Path(recipe.data).stem}{base}"
    if _length_counts(recipe) and recipe.max_length is not None:
        words += f", {recipe.max_length} tokens"
    if _is_split(plan):
        words += f", {recipe.eval_fraction:.0%} held out with seed {recipe.seed}"
    return words


def _scored_on(recipe: Recipe, plan: Mapping[str, Any]) -> str:
    # Without rows of their own to evaluate on, runs with other seeds are scored on other rows.
    split = (recipe.seed, recipe.eval_fraction) if _is_split(plan) else None
    length = None
    if _length_counts(recipe) and (length := recipe.max_length) is None:
        # Virtual tokens take their part of the same context.
        virtual = plan.get("config", {}).get("num_virtual_tokens") or 0
        length = plan.get("max_length", 0) + virtual
    files = plan.get("data", {}).get("sha256")
    rows = [split, length, files, plan.get("columns"), plan.get("loss")]
    if recipe.prompt_template is not None:
        rows.append(recipe.prompt_template)
    # As text a plan is the same whether it comes from a run or from its file.
    return json.dumps(rows, sort_keys=True, default=str)


def _length_counts(recipe: Recipe) -> bool:
    # A whole text's label is asked for however much of the text is read.
    return "label" not in ALL_TASKS[recipe.task].roles


def _is_split(plan: Mapping[str, Any]) -> bool:
    return "data" in plan and plan["data"].get("eval") is None
