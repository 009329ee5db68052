"""From a recipe to a run that is ready to step. Exported scripts do the same, in the same order."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
import transformers
from accelerate import Accelerator

from workbench.recipe import Recipe
from workbench.registry.tasks import TASKS
from workbench.registry.techniques import get
from workbench.sources.datasets.load import Table
from workbench.sources.lookup import load_data
from workbench.training.adaptation.base_model import Base, check_unchanged
from workbench.training.adaptation.build import Adaptation, put_on_clone
from workbench.training.adaptation.checkpoint import lora_state
from workbench.training.adaptation.meters import MemoryMeter, count_parameters
from workbench.training.adaptation.optimizer import make_optimizer
from workbench.training.adaptation.refusals import in_words
from workbench.training.adaptation.warm_start import check_start, load_start
from workbench.training.batches import (
    encode_rows,
    largest_batch_step,
    limit_notes,
    make_evaluation,
)
from workbench.training.few_shot_run import prompt_evaluation
from workbench.training.inputs import collate as batches
from workbench.training.inputs.limits import START_ROWS
from workbench.training.inputs.row_order import shuffled
from workbench.training.loop import train
from workbench.training.plan import Plan, Resolved, resolve
from workbench.training.prepared import Prepared
from workbench.training.runtime.quiet_loading import quiet_transformers
from workbench.training.runtime.rng import Randomness, beside_notes, may_step_beside
from workbench.training.speedups.apply import guard, set_up
from workbench.training.speedups.comparison import first_batches
from workbench.training.speedups.frozen_prefix.choice import skip_frozen
from workbench.training.speedups.settings import use_mask_positions
from workbench.training.truncation import check_lengths


def prepare(recipe: Recipe, data: Callable[[Recipe], Table] = load_data) -> Prepared:
    """Load, adapt and encode everything that a recipe names.

    Parameters
    ----------
    recipe : Recipe
    data : callable, optional
        Reads a recipe's data, or has it read already.

    Raises
    ------
    RecipeError
        With all that is wrong, before any weight is loaded where that is knowable.
    """
    resolved = resolve(recipe, data)
    plan, recipe = resolved.plan, resolved.recipe
    if plan.trainable == "nothing":
        return prepare_prompts(resolved)
    rows, held = encode_rows(resolved)
    cut = check_lengths(resolved, (resolved.train_rows, rows), (resolved.eval_rows, held))
    few_rows = resolved.train_rows[:START_ROWS]
    chat = resolved.inputs.chat_notes(few_rows)
    collate = resolved.inputs.collator(plan.padding_side)
    accelerator = Accelerator()
    device = accelerator.device
    start = batches.fixed_batches(
        rows[: plan.start_rows], recipe.per_device_train_batch_size, collate, device
    )
    randomness = Randomness(recipe.seed)
    with randomness, quiet_transformers():
        model = build(plan, resolved.base, resolved.tokenizer, start)
    if get(recipe.technique).rereads_base:
        check_unchanged(plan.model_path, resolved.fingerprint, recipe.model)
    set_up(recipe, model, labelled_logits=plan.labelled_logits)
    optimizer = make_optimizer(plan.optimizer, model)
    initial_state = lora_state(model) if plan.saves_difference else None
    if recipe.start_from is not None:
        check_start(model, recipe.start_from, recipe.technique)
        load_start(model, recipe.start_from)
    scheduler = transformers.get_scheduler(
        recipe.lr_scheduler_type,
        optimizer,
        num_warmup_steps=recipe.warmup_steps,
        num_training_steps=plan.max_steps,
    )
    loader = shuffled(rows, recipe, batches.collate_flat if recipe.padding_free else collate)
    after_step = get(recipe.technique).after_step
    tail = partial(after_step.load(), model) if after_step is not None else None
    model, optimizer, loader = accelerator.prepare(model, optimizer, loader)
    loop_kwargs = {
        "accelerator": accelerator,
        "model": model,
        "optimizer": optimizer,
        "scheduler": scheduler,
        "train_loader": loader,
        "evaluate": make_evaluation(resolved, model, held, collate, device),
        "max_steps": plan.max_steps,
        "gradient_accumulation_steps": recipe.gradient_accumulation_steps,
        "max_grad_norm": recipe.max_grad_norm,
        "eval_steps": recipe.eval_steps,
        "eval_on_start": recipe.eval_on_start,
        "after_step": tail,
    }
    events = train(**loop_kwargs)
    few = batches.fixed_batches(rows[:2], 2, collate, device)[0]
    trained = accelerator.unwrap_model(model)
    off = guard(recipe, trained, first_batches(loader, 1, device)[0])
    steps, said = skip_frozen(
        recipe, resolved.base, plan.max_steps, trained, rows, held, few, events
    )
    return Prepared(
        plan=plan,
        model=model,
        tokenizer=resolved.tokenizer,
        steps=steps,
        loop_kwargs=loop_kwargs if steps is events else {},
        randomness=randomness,
        meter=MemoryMeter(model, optimizer),
        parameters=count_parameters(model, resolved.base.model),
        notes=[*plan.notes, *limit_notes(resolved), *cut, *chat, *said, *off, *beside_notes()],
        initial_state=initial_state,
        largest_batch_step=largest_batch_step(rows, recipe, plan.max_steps),
        shared_resources=(resolved.base, rows, held),
        own_thread_rng=may_step_beside(plan.to_dict()),
    )


def prepare_prompts(resolved: Resolved) -> Prepared:
    """Make a run whose only events are those of one evaluation of the base as it is."""
    plan, base = resolved.plan, resolved.base
    cut = check_lengths(resolved, (resolved.eval_rows, None))
    model = build(plan, base, resolved.tokenizer, [])
    set_up(resolved.recipe, model, labelled_logits=plan.labelled_logits)
    ask, notes = prompt_evaluation(resolved, model, Accelerator().device)
    return Prepared(
        plan=plan,
        model=model,
        tokenizer=resolved.tokenizer,
        steps=ask(0),
        loop_kwargs={},
        randomness=Randomness(resolved.recipe.seed),
        meter=MemoryMeter(model),
        parameters=count_parameters(model, base.model),
        notes=[*plan.notes, *limit_notes(resolved), *cut, *notes],
        initial_state=None,
        largest_batch_step=0,
        shared_resources=(base,),
        own_thread_rng=may_step_beside(plan.to_dict()),
    )


def build(plan: Plan, base: Base, tokenizer: Any, start: list[dict]) -> torch.nn.Module:
    """Make the model to train from the pristine base, drawing from the run's randomness."""
    technique = get(plan.recipe["technique"])
    adaptation = Adaptation(technique, plan.config, plan.selected, plan.new_parameters)

    def tell(model: torch.nn.Module) -> None:
        if plan.labels:
            model.config.id2label = dict(enumerate(plan.labels))
            model.config.label2id = {label: index for index, label in enumerate(plan.labels)}
        if TASKS[plan.recipe["task"]].reads_last_token(plan.padding_side):
            # A decoder's classifier reads the last token that is not padding.
            model.config.pad_token_id = tokenizer.pad_token_id
        if plan.mask_positions:
            use_mask_positions(model)

    with in_words(technique, base.model):
        return put_on_clone(adaptation, base, start, tell=tell)
