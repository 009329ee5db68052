"""A run that trains nothing: its rows become prompts, and its one evaluation asks them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import torch

from workbench.registry.prompt_templates import CONTENT_FREE
from workbench.training.batches import make_evaluation
from workbench.training.evaluate import evaluate_words, evaluation
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
    inputs, plan = resolved.inputs, resolved.plan
    eval_set = _encode(resolved, resolved.eval_rows)
    notes = _fewer_examples_notes(eval_set, len(plan.prompt["examples"]), plan.max_length)
    if plan.prompt["template"] is None:
        notes += inputs.chat_notes(resolved.eval_rows[:START_ROWS])
    if "words" in plan.prompt:
        return _words_evaluation(resolved, model, eval_set, device), notes
    collate = inputs.collator(plan.padding_side)
    return make_evaluation(resolved, model, eval_set, collate, device), notes


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
    arguments = model, prompts, blanks, prompt["normalize"]
    return lambda step: evaluation(evaluate_words(*arguments), len(prompts), step)


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
