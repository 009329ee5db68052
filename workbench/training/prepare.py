"""From a recipe to a run that is ready to step. Exported scripts do the same, in the same order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

import torch
import transformers
from accelerate import Accelerator
from torch.utils.data import DataLoader

from workbench.catalog.techniques import TECHNIQUES
from workbench.recipe import Recipe
from workbench.training import batches, encode, evaluate
from workbench.training.adapt import adapt, new_head
from workbench.training.base import Base, clone
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
    pad = resolved.tokenizer.pad_token_id
    collate = partial(collator(plan), pad_token_id=pad)
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
    if plan.labels and plan.padding_side == "left":
        # A decoder's classifier reads the last token that is not padding.
        model.config.pad_token_id = pad_token_id
    new_head(model, plan.fresh)
    return adapt(model, technique, plan.config, plan.fresh)


def encode_rows(resolved: Any) -> tuple[list[dict], list[dict]]:
    """Encode training and evaluation rows for the plan's task."""
    plan, recipe = resolved.plan, resolved.recipe
    columns = {f"{role}_column": column for role, column in plan.columns.items()}
    settings = {**columns, "max_length": plan.max_length}
    if recipe.task == "classify":
        settings["labels"] = plan.labels
    function = getattr(encode, f"encode_{recipe.task}")
    return tuple(
        function(rows, resolved.tokenizer, **settings)
        for rows in (resolved.train_rows, resolved.eval_rows)
    )


def collator(plan: Plan):
    """Return the collate function that the plan's task needs."""
    if not plan.labels:
        return batches.collate_tokens
    return batches.collate_left if plan.padding_side == "left" else batches.collate_right


def make_optimizer(recipe: Recipe, model: torch.nn.Module) -> torch.optim.Optimizer:
    """Return the recipe's optimizer over the trained parameters."""
    kind = {
        "adamw_torch": torch.optim.AdamW,
        "sgd": torch.optim.SGD,
        "rmsprop": torch.optim.RMSprop,
    }[recipe.optim]
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return kind(trained, lr=recipe.learning_rate, weight_decay=recipe.weight_decay)


def make_evaluation(resolved: Any, model: Any, held: list[dict], collate: Any, device: Any):
    """Return the function of a step's number that evaluates the model on the held-out rows."""
    recipe, pad = resolved.recipe, resolved.tokenizer.pad_token_id
    size = recipe.per_device_eval_batch_size
    loaded = batches.fixed_batches(held, size, collate, device)
    if recipe.task == "instruct":
        ask = partial(batches.collate_prompts, pad_token_id=pad)
        prompts = batches.fixed_batches(held, size, ask, device)
        return partial(
            evaluate.evaluate_instruct,
            model,
            loaded,
            prompts,
            resolved.tokenizer,
            recipe.max_new_tokens,
        )
    return partial(getattr(evaluate, f"evaluate_{recipe.task}"), model, loaded)


def cut_notes(rows: list[dict], max_length: int) -> list[str]:
    """Say how many rows fill all the room there is: what is longer was cut."""
    full = sum(len(row["input_ids"]) >= max_length for row in rows)
    if not full:
        return []
    return [f"{full} of {len(rows)} training rows reach {max_length} tokens, where rows are cut."]


def fullest_step(rows: list[dict], recipe: Recipe, max_steps: int) -> int:
    """Return the step of the first epoch that trains on the widest batch.

    The order is drawn as the loader will draw it.
    """
    generator = torch.Generator().manual_seed(recipe.seed)
    loader = DataLoader(
        [len(row["input_ids"]) for row in rows],
        batch_size=recipe.per_device_train_batch_size,
        shuffle=True,
        generator=generator,
        collate_fn=lambda lengths: len(lengths) * max(lengths),
    )
    sizes = list(islice(loader, max_steps * recipe.gradient_accumulation_steps))
    return sizes.index(max(sizes)) // recipe.gradient_accumulation_steps + 1
