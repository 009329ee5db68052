"""From a recipe to a run that is ready to step. Exported scripts do the same, in the same order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
import transformers
from accelerate import Accelerator
from torch.utils.data import DataLoader

from workbench.catalog.tasks import TASKS
from workbench.catalog.techniques import TECHNIQUES
from workbench.recipe import Recipe
from workbench.training.adapt import adapt, new_head
from workbench.training.base import Base, clone
from workbench.training.feed import (
    cut_notes,
    encode_rows,
    fullest_step,
    make_collate,
    make_evaluation,
)
from workbench.training.loop import train
from workbench.training.meters import MemoryMeter, count_parameters
from workbench.training.plan import Plan, resolve
from workbench.training.randomness import Randomness


@dataclass
class Prepared:
    """A run before its first step.

    Parameters
    ----------
    plan : Plan
    model : torch.nn.Module
        The model to train, in memory of its own for whatever is trained.
    tokenizer : transformers.PreTrainedTokenizerBase
    steps : iterator of dict
        Asking for the next event trains one step; see :func:`workbench.training.loop.train`.
    randomness : Randomness
        To be entered around each request for an event.
    meter : MemoryMeter
    parameters : dict
        See :func:`workbench.training.meters.count_parameters`.
    notes : list of str
        What the user should know, such as rows that were cut.
    fullest : int
        The step of the first epoch whose batch is the largest.
    """

    plan: Plan
    model: torch.nn.Module
    tokenizer: Any
    steps: Iterator[dict]
    randomness: Randomness
    meter: MemoryMeter
    parameters: dict
    notes: list[str]
    fullest: int


def prepare(recipe: Recipe) -> Prepared:
    """Load, adapt and encode everything that a recipe names.

    Raises
    ------
    RecipeError
        With all that is wrong, before any weight is loaded where that is knowable.
    """
    resolved = resolve(recipe)
    plan, recipe = resolved.plan, resolved.recipe
    rows, held = encode_rows(resolved)
    randomness = Randomness(recipe.seed)
    with randomness:
        model = build(plan, resolved.base, resolved.tokenizer.pad_token_id)
    optimizer = make_optimizer(recipe, model)
    scheduler = transformers.get_scheduler(
        recipe.lr_scheduler_type,
        optimizer,
        num_warmup_steps=recipe.warmup_steps,
        num_training_steps=plan.max_steps,
    )
    collate = make_collate(resolved)
    # The loader draws from a generator of its own, so shuffling and dropout do not disturb each
    # other.
    loader = DataLoader(
        rows,
        batch_size=recipe.per_device_train_batch_size,
        shuffle=True,
        generator=torch.Generator().manual_seed(recipe.seed),
        collate_fn=collate,
    )
    accelerator = Accelerator()
    device = accelerator.device
    model, optimizer, loader = accelerator.prepare(model, optimizer, loader)
    steps = train(
        accelerator,
        model,
        optimizer,
        scheduler,
        loader,
        make_evaluation(resolved, model, held, collate, device),
        max_steps=plan.max_steps,
        gradient_accumulation_steps=recipe.gradient_accumulation_steps,
        max_grad_norm=recipe.max_grad_norm,
        eval_steps=recipe.eval_steps,
        eval_on_start=recipe.eval_on_start,
    )
    return Prepared(
        plan=plan,
        model=model,
        tokenizer=resolved.tokenizer,
        steps=steps,
        randomness=randomness,
        meter=MemoryMeter(model, optimizer),
        parameters=count_parameters(model, resolved.base.model),
        notes=[*plan.notes, *cut_notes(rows, plan.max_length)],
        fullest=fullest_step(rows, recipe, plan.max_steps),
    )


def build(plan: Plan, base: Base, pad_token_id: int) -> torch.nn.Module:
    """Make the model to train from the pristine base, drawing from the run's randomness."""
    technique = TECHNIQUES[plan.recipe["technique"]]
    fresh = set(plan.fresh)
    model = clone(base, lambda name: technique.trains == "all" or name in fresh)
    if plan.labels:
        model.config.id2label = dict(enumerate(plan.labels))
        model.config.label2id = {label: index for index, label in enumerate(plan.labels)}
    if TASKS[plan.recipe["task"]].collator(plan.padding_side) == "collate_left":
        # A decoder's classifier reads the last token that is not padding.
        model.config.pad_token_id = pad_token_id
    new_head(model, plan.fresh)
    return adapt(model, technique, plan.config, plan.fresh)


def make_optimizer(recipe: Recipe, model: torch.nn.Module) -> torch.optim.Optimizer:
    """Return the recipe's optimizer over the trained parameters."""
    kind = {
        "adamw_torch": torch.optim.AdamW,
        "sgd": torch.optim.SGD,
        "rmsprop": torch.optim.RMSprop,
    }[recipe.optim]
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return kind(trained, lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
