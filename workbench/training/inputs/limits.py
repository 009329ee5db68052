"""Which rows a run takes, how many tokens each may have, and on which side they are padded."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from inspect import signature
from typing import Any

import peft
import torch
import transformers

from workbench.errors import Problem, RecipeError
from workbench.recipe import Recipe
from workbench.registry.tasks import TASKS
from workbench.registry.techniques import config_class, get
from workbench.settings.checks import warmup_problems
from workbench.sources.datasets.equal_rows import keys
from workbench.sources.datasets.load import Table
from workbench.sources.run_length import planned_steps
from workbench.training.inputs.split import split_rows

# Enough rows to see in which directions a layer's inputs vary, few enough to take seconds.
START_ROWS = 64
# Rows among which two different ones are looked for, before all are compared.
EQUAL_ROWS = 100


def split_settings(task: str, table: Table) -> dict[str, Any]:
    """Return the arguments of :func:`split_rows` that follow from a table; empty where it is split already."""
    if table.eval is not None:
        return {}
    settings: dict[str, Any] = {"columns": list(table.inputs)}
    role = TASKS[task].labels
    if role is not None:
        settings[f"{role}_column"] = table.columns[role]
    elif len(table.columns) > 1 and _all_equal(table.train, settings["columns"]):
        # All prompts are the same one, so that only the answers tell rows apart.
        settings["columns"] = list(table.columns.values())
    # Equal rows cannot be kept apart from themselves: single ones are held out, and a note says so.
    return {} if _all_equal(table.train, settings["columns"]) else settings


def _all_equal(rows: Sequence[dict], columns: Sequence[str]) -> bool:
    some = keys(rows[:EQUAL_ROWS], columns)
    return len(set(some)) == 1 and len(set(keys(rows, columns))) == 1


def choose_rows(
    recipe: Recipe, table: Table, split: Mapping[str, Any] | None = None
) -> tuple[list[dict], list[dict]]:
    """Return the rows to train and to evaluate on.

    Parameters
    ----------
    recipe : Recipe
    table : Table
    split : mapping, optional
        How a run has split the table, from its plan; by default as :func:`split_settings` says.
    """
    train_rows, eval_rows = table.train, table.eval
    if eval_rows is None:
        settings = split_settings(recipe.task, table) if split is None else split
        train_rows, eval_rows = split_rows(
            train_rows, recipe.eval_fraction, recipe.seed, **settings
        )
        if not train_rows:
            allowed = "small enough to leave rows to train on"
            number = len(eval_rows)
            hint = f"the data has {number} row{'s' * (number != 1)}, so add rows, or set eval_data"
            raise RecipeError([Problem("eval_fraction", allowed, recipe.eval_fraction, hint)])
    return train_rows[: recipe.max_train_samples], eval_rows[: recipe.max_eval_samples]


def count_steps(recipe: Recipe, rows: int) -> int:
    """Return how many optimizer steps a recipe means for so many training rows.

    Raises
    ------
    RecipeError
        The warm-up takes as many steps or more.
    """
    steps = planned_steps(recipe, rows)
    # A number that is set was checked with the other settings.
    if recipe.max_steps is None and (problems := warmup_problems(recipe, steps)):
        raise RecipeError(problems)
    return steps


def token_limit(recipe: Recipe, context: int | None, model_max_length: float = math.inf) -> int:
    """Return how many tokens a row may have; 0 for images, which have none.

    Virtual tokens take their part of the context.

    Parameters
    ----------
    recipe : Recipe
    context : int or None
        How many tokens the base reads at once, if its config says so.
    model_max_length : float
        The same as its tokenizer has it.

    Raises
    ------
    RecipeError
        The context cannot hold what the recipe asks for.
    """
    if TASKS[recipe.task].reads_images:
        return 0
    # T5 and its like have relative positions, so any length goes, though they were trained on 512 tokens.
    unlimited = context is None and "encoder-decoder" in TASKS[recipe.task].model_kinds
    if unlimited and recipe.max_length is not None:
        return recipe.max_length
    # A tokenizer without a limit has a huge number here. Some models have positions that a text
    # cannot use, and there the tokenizer's number is the right one.
    context = int(min(context or (512 if unlimited else 1024), model_max_length))
    virtual = recipe.technique_args.get("num_virtual_tokens") or 0
    available = context - virtual
    why = f"the model's context is {context} tokens"
    if available < 8:
        problem = Problem("num_virtual_tokens", f"at most {context - 8}", virtual, why)
    elif recipe.max_length is not None and recipe.max_length > available:
        why += f", of which {virtual} are virtual tokens" if virtual else ""
        problem = Problem("max_length", f"at most {available}", recipe.max_length, why)
    elif TASKS[recipe.task].continues_prompts and recipe.max_new_tokens > available - 8:
        why += ", and each answer follows a prompt"
        allowed = f"at most {available - 8}"
        problem = Problem("max_new_tokens", allowed, recipe.max_new_tokens, why)
    else:
        return recipe.max_length or available
    raise RecipeError([problem])


def prompt_token_limit(recipe: Recipe, context: int | None, model_max_length: float) -> int:
    """Return how many tokens a prompt may have so that its answer fits; 0 where none is generated.

    See :func:`token_limit` for the parameters.
    """
    if not TASKS[recipe.task].continues_prompts:
        return 0
    available = token_limit(recipe.replace(max_length=None), context, model_max_length)
    limit = token_limit(recipe, context, model_max_length)
    return min(limit, available - recipe.max_new_tokens)


def config_of(model: torch.nn.Module) -> transformers.PreTrainedConfig:
    """Return the config of a model of transformers, which torch's own modules do not have."""
    config = model.config
    if not isinstance(config, transformers.PreTrainedConfig):
        raise TypeError(f"{type(model).__name__} has no config of transformers")
    return config


def padding_side(model: torch.nn.Module) -> str:
    """Return the side on which a model's rows with one label are padded: right for encoders.

    Their attention is bidirectional, and a classifier reads the first token or the mean. A decoder's
    classifier reads the last token.
    """
    masked, causal = (
        _has_auto_model(model, f"MODEL_FOR_{kind}_LM") for kind in ("MASKED", "CAUSAL")
    )
    return "right" if masked or not causal else "left"


def _has_auto_model(model: torch.nn.Module, mapping: str) -> bool:
    """Tell whether one of transformers' auto classes knows a model's type."""
    config = config_of(model)
    # The names are not public, but reading them takes less time than the public mapping.
    names = getattr(transformers.models.auto.modeling_auto, f"{mapping}_MAPPING_NAMES", None)
    if names is None:
        return type(config) in getattr(transformers, f"{mapping}_MAPPING")
    return config.model_type in names


def counts_positions(recipe: Recipe, model: torch.nn.Module) -> bool:
    """Tell whether a base needs ``position_ids`` that count from a row's first token.

    Without them, padding on the left would move the positions. Decoders have rows with one label
    padded there, and prompts to be answered: ``generate`` makes ``position_ids`` for those, but PEFT
    leaves them out where virtual tokens come first.
    """
    task, technique = TASKS[recipe.task], get(recipe.technique)
    if (
        technique.trainable == "nothing"
        or "position_ids" not in signature(model.forward).parameters
    ):
        return False
    # Rotary positions are relative, so padding on the left does not change them.
    if getattr(config_of(model).get_text_config(), "rope_parameters", None):
        return False
    if task.continues_prompts:
        config = config_class(technique.name) if technique.config else None
        return config is not None and issubclass(config, peft.config.PromptLearningConfig)
    return task.reads_last_token(padding_side(model))
