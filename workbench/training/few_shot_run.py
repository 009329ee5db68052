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
from workbench.training.inputs.task_inputs import chat_notes, refusing, settings_of
from workbench.training.plan import START_ROWS, Resolved


def prompt_encoder(
    task: str,
    facts: dict[str, Any],
    settings: dict[str, Any],
    tokenizer: Any,
    train_rows: list[dict],
) -> Callable[[list[dict]], list[dict]]:
    """Return the function that encodes a task's rows as the prompts that the facts tell of."""
    prompt = TASKS[task].prompt
    if prompt is None:
        raise ValueError(f"{task} cannot be asked in a prompt")
    words = {"words": facts["words"]} if "words" in facts else {}
    function = partial(
        prompt.load(),
        tokenizer=tokenizer,
        examples=[train_rows[number] for number in facts["examples"]],
        template=facts["template"],
        **settings,
        **words,
    )
    return refusing(function, tokenizer)


def prompt_evaluation(
    resolved: Resolved, model: torch.nn.Module, device: torch.device
) -> tuple[Callable[[int], Iterator[dict]], list[str]]:
    """Return the function of a step's number that asks the model, and what is worth knowing."""
    recipe, plan, tokenizer = resolved.recipe, resolved.plan, resolved.tokenizer
    task, facts = TASKS[recipe.task], resolved.plan.prompt
    settings = settings_of(plan.columns, plan.labels, plan.max_length, plan.max_prompt_length)
    encode = prompt_encoder(recipe.task, facts, settings, tokenizer, resolved.train_rows)
    held = encode(resolved.eval_rows)
    size = recipe.per_device_eval_batch_size
    notes = _fewer_notes(held, len(facts["examples"]), plan.max_length)
    if facts["template"] is None:
        notes += chat_notes(recipe.task, tokenizer, plan.columns, resolved.eval_rows[:START_ROWS])
    if "words" in facts:
        collate = partial(batches.collate_words, pad_token_id=tokenizer.pad_token_id)
        empty = [
            {plan.columns["text"]: text, plan.columns["label"]: plan.labels[0]}
            for text in CONTENT_FREE
        ]
        blanks = encode(empty) if facts["calibrate"] else []
        asked = [batches.fixed_batches(rows, 1, collate, device) for rows in (held, blanks)]
        return partial(evaluate.evaluate_words, model, *asked, facts["normalize"]), notes
    collate = partial(task.collator(plan.padding_side).load(), pad_token_id=tokenizer.pad_token_id)
    given: list[Any] = [model, batches.fixed_batches(held, size, collate, device)]
    ends = {}
    if task.ask:
        ask = partial(task.ask.load(), pad_token_id=tokenizer.pad_token_id)
        given += [batches.fixed_batches(held, size, ask, device), tokenizer, recipe.max_new_tokens]
    if task.continues_prompts and facts["template"] is not None:
        ends["stop"] = SEPARATOR
    return partial(task.evaluate.load(), *given, **ends), notes


def _fewer_notes(held: list[dict], count: int, max_length: int) -> list[str]:
    """Say how many rows have fewer examples before them than were asked for."""
    fewer = [row["examples"] for row in held if row["examples"] < count]
    if not fewer:
        return []
    least = f"{len(fewer)} of {len(held)} rows have fewer than num_examples={count} examples before them"
    return [f"{least}, the least {min(fewer)}: no more fit in max_length={max_length} tokens."]
