"""Which rows a run takes, how many tokens each may have, and how they are padded."""

from __future__ import annotations

import math
from inspect import signature

import peft
import torch
import transformers

from workbench.errors import Problem, RecipeError
from workbench.recipe import Recipe
from workbench.registry.tasks import TASKS
from workbench.registry.techniques import config_class, get
from workbench.settings.checks import warmup_problems
from workbench.sources.datasets.load import Table
from workbench.training.inputs.tokenize import split_rows

# Enough rows to see in which directions a layer's inputs vary, few enough to take seconds.
START_ROWS = 64


def choose_rows(recipe: Recipe, table: Table) -> tuple[list[dict], list[dict]]:
    """Return the rows to train and to evaluate on."""
    train_rows, eval_rows = table.train, table.eval
    if eval_rows is None:
        train_rows, eval_rows = split_rows(train_rows, recipe.eval_fraction, recipe.seed)
        if not train_rows:
            allowed = "small enough to leave rows to train on"
            number = len(eval_rows)
            hint = f"the data has {number} row{'s' * (number != 1)}, so add rows, or set eval_data"
            raise RecipeError([Problem("eval_fraction", allowed, recipe.eval_fraction, hint)])
    return train_rows[: recipe.max_train_samples], eval_rows[: recipe.max_eval_samples]


def count_steps(recipe: Recipe, rows: int) -> int:
    """Return how many optimizer steps a recipe means for so many training rows."""
    per_step = recipe.per_device_train_batch_size * recipe.gradient_accumulation_steps
    steps = recipe.max_steps or max(1, math.ceil(rows * recipe.num_train_epochs / per_step))
    if problems := warmup_problems(recipe, steps):
        raise RecipeError(problems)
    return steps


def longest(recipe: Recipe, context: int | None, model_max_length: float = math.inf) -> int:
    """Return how many tokens a row may have: virtual tokens take their part of the context.

    Images are no tokens: their model has one size for all, and 0 is returned.

    Raises
    ------
    RecipeError
        The context cannot hold what the recipe asks for.
    """
    if TASKS[recipe.task].reads_images:
        return 0
    # T5 and its kin count distances, so any length goes, though they were trained on 512 tokens.
    endless = context is None and "encoder-decoder" in TASKS[recipe.task].model_kinds
    if endless and recipe.max_length is not None:
        return recipe.max_length
    # A tokenizer that knows no limit says a number beyond all bounds; some models count positions
    # that a text cannot use, and there the tokenizer knows better.
    context = int(min(context or (512 if endless else 1024), model_max_length))
    virtual = recipe.technique_args.get("num_virtual_tokens") or 0
    room = context - virtual
    why = f"the model's context is {context} tokens"
    if room < 8:
        found = Problem("num_virtual_tokens", f"at most {context - 8}", virtual, why)
    elif recipe.max_length is not None and recipe.max_length > room:
        why += f", of which {virtual} are virtual tokens" if virtual else ""
        found = Problem("max_length", f"at most {room}", recipe.max_length, why)
    elif _answers(recipe) and recipe.max_new_tokens > room - 8:
        why += ", and each answer follows a prompt"
        found = Problem("max_new_tokens", f"at most {room - 8}", recipe.max_new_tokens, why)
    else:
        return recipe.max_length or room
    raise RecipeError([found])


def longest_prompt(recipe: Recipe, context: int | None, model_max_length: float) -> int:
    """Return how many tokens of a prompt leave room for its answer; 0 where none are generated."""
    if not _answers(recipe):
        return 0
    room = longest(recipe.replace(max_length=None), context, model_max_length)
    return min(longest(recipe, context, model_max_length), room - recipe.max_new_tokens)


def _answers(recipe: Recipe) -> bool:
    """Tell whether answers are generated behind their prompts, in the same context."""
    task = TASKS[recipe.task]
    return task.generation_collator is not None and task.peft_task_type == "CAUSAL_LM"


def padding_side(model: torch.nn.Module) -> str:
    """Return the side on which a model's rows with one label are padded: right for encoders.

    Their attention looks both ways, so that a classifier reads the first token or the mean.
    """
    masked, causal = (
        _has_auto_model(model, f"MODEL_FOR_{kind}_LM") for kind in ("MASKED", "CAUSAL")
    )
    return "right" if masked or not causal else "left"


def _has_auto_model(model: torch.nn.Module, mapping: str) -> bool:
    """Tell whether one of transformers' auto classes knows a model's type."""
    names = getattr(transformers.models.auto.modeling_auto, f"{mapping}_MAPPING_NAMES", None)
    if names is None:  # which are no public names, but take less time to ask
        return type(model.config) in getattr(transformers, f"{mapping}_MAPPING")
    return model.config.model_type in names


def counts_positions(recipe: Recipe, model: torch.nn.Module) -> bool:
    """Tell whether a base must be told positions, so that padding on the left moves none.

    Rows with one label are padded there in decoders. So are prompts to be answered: transformers
    tells their positions, but PEFT leaves those out where virtual tokens come first.
    """
    task, technique = TASKS[recipe.task], get(recipe.technique)
    if (
        technique.trainable == "nothing"
        or "position_ids" not in signature(model.forward).parameters
    ):
        return False
    # Rotary positions count distances, which padding on the left does not change.
    if getattr(model.config.get_text_config(), "rope_parameters", None):
        return False
    if task.continues_prompts:
        config = config_class(technique.name) if technique.config else None
        return config is not None and issubclass(config, peft.config.PromptLearningConfig)
    return task.reads_last_token(padding_side(model))
