"""From a recipe to a run that is ready to step. Exported scripts do the same, in the same order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import torch

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
from workbench.training.inputs.collate import collate_flat, fixed_batches
from workbench.training.inputs.largest_batch import token_counts
from workbench.training.inputs.limits import START_ROWS, config_of
from workbench.training.inputs.row_order import shuffled
from workbench.training.loop import train
from workbench.training.plan import SINGLE_LABEL, Plan
from workbench.training.prepared import Prepared, loop_arguments
from workbench.training.resolve import Resolved, resolve
from workbench.training.runtime.accelerator import plain_accelerator
from workbench.training.runtime.quiet_loading import quiet_transformers
from workbench.training.runtime.rng import Randomness, beside_notes, may_step_beside
from workbench.training.speedups.apply import guard, set_up
from workbench.training.speedups.comparison import first_batches
from workbench.training.speedups.frozen_prefix.choice import skip_frozen
from workbench.training.speedups.settings import use_mask_positions
from workbench.training.truncation import check_lengths

Collate = Callable[[list[dict]], dict]


def prepare(recipe: Recipe, data: Callable[[Recipe], Table] = load_data) -> Prepared[Plan]:
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
    if resolved.plan.trainable == "nothing":
        return prepare_prompts(resolved)
    return prepare_training(resolved)


def prepare_training(resolved: Resolved) -> Prepared[Plan]:
    """Make a run that trains ready for its first step."""
    plan, recipe = resolved.plan, resolved.recipe
    rows, eval_set = encode_rows(resolved)
    notes = [*plan.notes, *limit_notes(resolved)]
    notes += check_lengths(
        resolved,
        (resolved.train_rows, rows.full_lengths),
        (resolved.eval_rows, eval_set.full_lengths),
        losses=Counter(rows.losses) + Counter(eval_set.losses),
    )
    notes += resolved.inputs.chat_notes(resolved.train_rows[:START_ROWS])
    collate = resolved.inputs.collator(plan.padding_side)
    accelerator = plain_accelerator()
    device = accelerator.device
    randomness = Randomness(recipe.seed)
    model = adapted_model(resolved, rows, collate, device, randomness)
    optimizer = make_optimizer(plan.optimizer, model)
    initial_state = lora_state(model) if plan.saves_difference else None
    if recipe.start_from is not None:
        check_start(model, recipe.start_from, recipe.technique)
        load_start(model, recipe.start_from)
    arguments = loop_arguments(recipe, get(recipe.technique), model, optimizer, plan.max_steps)
    loader = shuffled(rows, recipe, collate_flat if recipe.padding_free else collate)
    model, optimizer, loader = accelerator.prepare(model, optimizer, loader)
    loop_kwargs = {
        "accelerator": accelerator,
        "model": model,
        "optimizer": optimizer,
        "train_loader": loader,
        "evaluate": make_evaluation(resolved, model, eval_set, collate, device),
        **arguments,
    }
    events = train(**loop_kwargs)
    # What nobody has asked for is tried on a small batch, and left out where it changes the losses.
    trial_batch = fixed_batches(rows[:2], 2, collate, device)[0]
    trained = accelerator.unwrap_model(model)
    guard_notes = guard(recipe, trained, first_batches(loader, 1, device)[0])
    steps, prefix_notes = skip_frozen(
        recipe, resolved.base, plan.max_steps, trained, rows, eval_set, trial_batch, events
    )
    return Prepared(
        plan=plan,
        model=model,
        tokenizer=resolved.tokenizer,
        steps=steps,
        evaluate=loop_kwargs["evaluate"],
        loop_kwargs=loop_kwargs if steps is events else {},
        randomness=randomness,
        meter=MemoryMeter(
            model,
            optimizer,
            resolved.base.model,
            accumulates=recipe.gradient_accumulation_steps > 1,
        ),
        parameters=count_parameters(model, resolved.base.model),
        notes=[*notes, *prefix_notes, *guard_notes, *beside_notes()],
        initial_state=initial_state,
        largest_batch_step=largest_batch_step(rows, recipe, plan.max_steps),
        shared_resources=(resolved.base, rows, eval_set),
        own_thread_rng=may_step_beside(plan.to_dict()),
    )


def prepare_prompts(resolved: Resolved) -> Prepared[Plan]:
    """Make a run whose only events are those of one evaluation of the base as it is."""
    plan, base, rows = resolved.plan, resolved.base, resolved.eval_rows
    lengths = [max(token_counts(row)) for row in resolved.inputs.unlimited().encode(rows)]
    notes = [*plan.notes, *limit_notes(resolved), *check_lengths(resolved, (rows, lengths))]
    model = build(plan, base, resolved.tokenizer, [])
    set_up(resolved.recipe, model, labelled_logits=plan.labelled_logits)
    evaluate, prompt_notes = prompt_evaluation(resolved, model, plain_accelerator().device)
    return Prepared(
        plan=plan,
        model=model,
        tokenizer=resolved.tokenizer,
        steps=evaluate(0),
        evaluate=None,
        loop_kwargs={},
        randomness=Randomness(resolved.recipe.seed),
        meter=MemoryMeter(model, base=base.model),
        parameters=count_parameters(model, base.model),
        notes=[*notes, *prompt_notes],
        initial_state=None,
        largest_batch_step=0,
        shared_resources=(base,),
        own_thread_rng=may_step_beside(plan.to_dict()),
    )


def adapted_model(
    resolved: Resolved,
    rows: list[dict],
    collate: Collate,
    device: torch.device,
    randomness: Randomness,
) -> torch.nn.Module:
    """Build the model to train, and make it compute as the recipe's settings say.

    Parameters
    ----------
    resolved : Resolved
    rows : list of dict
        Encoded training rows: some techniques are initialised from the first of them.
    collate : callable
        Makes a batch of them.
    device : torch.device
        Of the batches.
    randomness : Randomness
        The run's own, which new parameters are drawn from.
    """
    plan, recipe = resolved.plan, resolved.recipe
    size = recipe.per_device_train_batch_size
    start = fixed_batches(rows[: plan.start_rows], size, collate, device)
    with randomness, quiet_transformers():
        model = build(plan, resolved.base, resolved.tokenizer, start)
    if get(recipe.technique).rereads_base:
        check_unchanged(plan.model_path, resolved.fingerprint, recipe.model)
    set_up(recipe, model, labelled_logits=plan.labelled_logits)
    return model


def build(plan: Plan, base: Base, tokenizer: Any, start: list[dict]) -> torch.nn.Module:
    """Make the model to train from the pristine base, drawing from the run's randomness.

    Parameters
    ----------
    plan : Plan
    base : Base
    tokenizer : transformers.PreTrainedTokenizerBase
    start : list of dict
        Batches for techniques that are initialised from data.
    """
    technique = get(plan.recipe["technique"])
    adaptation = Adaptation(technique, plan.config, plan.selected, plan.new_parameters)

    def configure(model: torch.nn.Module) -> None:
        config = config_of(model)
        if plan.labels:
            config.id2label = dict(enumerate(plan.labels))
            config.label2id = {label: index for index, label in enumerate(plan.labels)}
            if TASKS[plan.recipe["task"]].labels == "label":
                # The base may have been trained for several labels at once.
                config.problem_type = SINGLE_LABEL
        if TASKS[plan.recipe["task"]].reads_last_token(plan.padding_side):
            # A decoder's classifier reads the last token that is not padding.
            config.pad_token_id = tokenizer.pad_token_id
        if plan.mask_positions:
            use_mask_positions(model)

    with in_words(technique, base.model):
        return put_on_clone(adaptation, base, start, tell=configure)
