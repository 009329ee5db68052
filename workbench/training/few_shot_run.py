"""A run that trains nothing: its rows become prompts, and its one evaluation asks them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch

from workbench.registry.prompt_templates import CONTENT_FREE, SEPARATOR
from workbench.registry.tasks import TASKS
from workbench.training import evaluate
from workbench.training.inputs.collate import collate_words, fixed_batches
from workbench.training.inputs.limits import START_ROWS
from workbench.training.resolve import Resolved


def prompt_evaluation(
    resolved: Resolved, model: torch.nn.Module, device: torch.device
) -> tuple[Callable[[int], Iterator[dict]], list[str]]:
    """Return how a base is scored on prompts, and notes for the user.

    Parameters
    ----------
    resolved : Resolved
    model : torch.nn.Module
    device : torch.device

    Returns
    -------
    callable
        Takes a step's number and yields the events of an evaluation.
    list of str
    """
    inputs, prompt = resolved.inputs, resolved.plan.prompt
    eval_set = _encode(resolved, resolved.eval_rows)
    notes = _fewer_examples_notes(eval_set, len(prompt["examples"]), resolved.plan.max_length)
    if prompt["template"] is None:
        notes += inputs.chat_notes(resolved.eval_rows[:START_ROWS])
    make = _words_evaluation if "words" in prompt else _answers_evaluation
    return make(resolved, model, eval_set, device), notes


def _encode(resolved: Resolved, rows: list[dict]) -> list[dict]:
    return resolved.inputs.encode_prompts(rows, resolved.plan.prompt, resolved.train_rows)


def _words_evaluation(
    resolved: Resolved, model: torch.nn.Module, eval_set: list[dict], device: torch.device
) -> Callable[[int], Iterator[dict]]:
    """Score by which label's words are the likeliest behind a prompt."""
    plan, prompt = resolved.plan, resolved.plan.prompt
    pad_token_id = resolved.inputs.processor.pad_token_id
    collate = partial(collate_words, pad_token_id=pad_token_id)
    blanks = None
    if prompt["calibrate"]:
        rows = [
            {plan.columns["text"]: text, plan.columns["label"]: plan.labels[0]}
            for text in CONTENT_FREE
        ]
        blanks = fixed_batches(_encode(resolved, rows), 1, collate, device)
    prompts = fixed_batches(eval_set, 1, collate, device)
    return partial(evaluate.evaluate_words, model, prompts, blanks, prompt["normalize"])


def _answers_evaluation(
    resolved: Resolved, model: torch.nn.Module, eval_set: list[dict], device: torch.device
) -> Callable[[int], Iterator[dict]]:
    """Score as a run that trains is scored on its task."""
    recipe, plan, inputs = resolved.recipe, resolved.plan, resolved.inputs
    task, size = TASKS[recipe.task], recipe.per_device_eval_batch_size
    collate = inputs.collator(plan.padding_side)
    arguments: list[Any] = [model, fixed_batches(eval_set, size, collate, device)]
    if prompt_collate := inputs.prompt_collator():
        prompts = fixed_batches(eval_set, size, prompt_collate, device)
        arguments += [prompts, inputs.processor, recipe.max_new_tokens]
    # Behind a template a base goes on with another example after its answer.
    stops = task.continues_prompts and plan.prompt["template"] is not None
    keywords = {"stop": SEPARATOR} if stops else {}
    return partial(task.evaluate.load(), *arguments, **keywords)


def _fewer_examples_notes(eval_set: list[dict], count: int, max_length: int) -> list[str]:
    """Say how many rows have fewer examples before them than the recipe has."""
    fewer = [row["examples"] for row in eval_set if row["examples"] < count]
    if not fewer:
        return []
    least = (
        f"{len(fewer)} of {len(eval_set)} rows have fewer than num_examples={count} examples in "
        "their prompt"
    )
    return [f"{least}, at least {min(fewer)}: more would exceed max_length={max_length} tokens."]
