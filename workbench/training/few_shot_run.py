"""A run that trains nothing: its prompts as plain data, its rows as prompts, its one evaluation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch

from workbench.registry.prompt_templates import CONTENT_FREE, SEPARATOR
from workbench.registry.tasks import TASKS
from workbench.training import evaluate
from workbench.training.inputs import collate as batches
from workbench.training.inputs.limits import START_ROWS
from workbench.training.plan import Resolved


def prompt_evaluation(
    resolved: Resolved, model: torch.nn.Module, device: torch.device
) -> tuple[Callable[[int], Iterator[dict]], list[str]]:
    """Return the function of a step's number that asks the model, and what is worth knowing."""
    recipe, plan, inputs = resolved.recipe, resolved.plan, resolved.inputs
    task, facts = TASKS[recipe.task], resolved.plan.prompt
    encode = partial(inputs.encode_prompts, prompt=facts, train_rows=resolved.train_rows)
    held = encode(resolved.eval_rows)
    size = recipe.per_device_eval_batch_size
    notes = _fewer_notes(held, len(facts["examples"]), plan.max_length)
    if facts["template"] is None:
        notes += inputs.chat_notes(resolved.eval_rows[:START_ROWS])
    given: list[Any]
    if "words" in facts:
        collate = partial(batches.collate_words, pad_token_id=inputs.processor.pad_token_id)
        empty = [
            {plan.columns["text"]: text, plan.columns["label"]: plan.labels[0]}
            for text in CONTENT_FREE
        ]
        asked = batches.fixed_batches(held, 1, collate, device)
        blanks = None
        if facts["calibrate"]:
            blanks = batches.fixed_batches(encode(empty), 1, collate, device)
        given = [model, asked, blanks, facts["normalize"]]
        return partial(evaluate.evaluate_words, *given), notes
    collate = inputs.collator(plan.padding_side)
    given = [model, batches.fixed_batches(held, size, collate, device)]
    ends = {}
    if ask := inputs.prompt_collator():
        prompts = batches.fixed_batches(held, size, ask, device)
        given += [prompts, inputs.processor, recipe.max_new_tokens]
    if task.continues_prompts and facts["template"] is not None:
        ends["stop"] = SEPARATOR
    return partial(task.evaluate.load(), *given, **ends), notes


def _fewer_notes(held: list[dict], count: int, max_length: int) -> list[str]:
    """Say how many rows have fewer examples before them than were asked for."""
    fewer = [row["examples"] for row in held if row["examples"] < count]
    if not fewer:
        return []
    least = (
        f"{len(fewer)} of {len(held)} rows have fewer than num_examples={count} examples in "
        "their prompt"
    )
    return [f"{least}, at least {min(fewer)}: more would exceed max_length={max_length} tokens."]
