"""What a run is fed: its rows encoded, put into batches, and scored, as its task has it."""

from __future__ import annotations

import json
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import torch

from workbench.recipe import Recipe
from workbench.registry.prompt_templates import SEPARATOR
from workbench.registry.tasks import TASKS
from workbench.sources.datasets.row_checks import labels_of
from workbench.training import evaluate
from workbench.training.inputs.collate import fixed_batches
from workbench.training.inputs.encoded_rows import EncodedRows
from workbench.training.inputs.largest_batch import padded
from workbench.training.inputs.row_order import drawn
from workbench.training.resolve import Resolved

_ENCODED: weakref.WeakValueDictionary[str, EncodedRows] = weakref.WeakValueDictionary()


def encode_rows(resolved: Resolved) -> tuple[EncodedRows, EncodedRows]:
    """Encode training and evaluation rows for the plan's task, or take those of a run that has the same."""
    fingerprint = _rows_fingerprint(resolved)

    def encoded(part: str, rows: list[dict]) -> EncodedRows:
        key = f"{part} of {fingerprint}"
        shared = _ENCODED.get(key)
        if shared is None:
            virtual_labels = resolved.plan.virtual_labels
            shared = _ENCODED[key] = resolved.inputs.encode_measured(rows, virtual_labels)
        return shared

    return encoded("train", resolved.train_rows), encoded("eval", resolved.eval_rows)


def _rows_fingerprint(resolved: Resolved) -> str:
    """Write down all that the encoded rows of a plan depend on."""
    plan, recipe = resolved.plan, resolved.plan.recipe
    fields = ["task", "max_train_samples", "max_eval_samples", "trust_remote_code"]
    fields += ["seed", "eval_fraction"] if plan.data["eval"] is None else []
    facts = [
        plan.model_path,
        resolved.fingerprint,
        plan.virtual_labels,
        {name: recipe[name] for name in fields},
        resolved.inputs.settings,
        [plan.columns, plan.conversation],
        plan.data,
    ]
    return json.dumps(facts, sort_keys=True)


def make_evaluation(
    resolved: Resolved,
    model: torch.nn.Module,
    eval_set: list[dict],
    collate: Callable[[list[dict]], dict],
    device: torch.device,
) -> Callable[[int], Iterator[dict]]:
    """Return the function of a step's number that evaluates the model on encoded rows."""
    recipe, plan, inputs = resolved.recipe, resolved.plan, resolved.inputs
    task = TASKS[recipe.task]
    size = recipe.per_device_eval_batch_size
    eval_loader = task.eval_loader.load()(eval_set, size, collate, device)
    arguments: list[Any] = [model, eval_loader]
    num_batches = len(eval_loader)
    if collate_prompts := inputs.prompt_collator():
        prompts = fixed_batches(eval_set, size, collate_prompts, device)
        num_batches += len(prompts)
        arguments += [prompts, inputs.processor, recipe.max_new_tokens, task.continues_prompts]
        # A template ends an answer where the next example would begin; a decoder ends by itself.
        if task.continues_prompts and plan.prompt.get("template") is not None:
            arguments.append(SEPARATOR)
    if task.labels == "tags":
        arguments += [plan.labels, getattr(evaluate, task.scorer(plan.labels))]
    evaluator = task.evaluate.load()
    return lambda step: evaluate.evaluation(evaluator(*arguments), num_batches, step)


def limit_notes(resolved: Resolved) -> list[str]:
    """Say where taking the first rows only has left labels out: many files are sorted by label."""
    recipe, labels = resolved.recipe, resolved.plan.labels
    role = TASKS[recipe.task].labels
    if role is None:
        return []
    notes = []
    for part, rows in (("train", resolved.train_rows), ("eval", resolved.eval_rows)):
        limit = getattr(recipe, f"max_{part}_samples")
        occurring = {
            label for row in rows for label in labels_of(row[resolved.plan.columns[role]], role)
        }
        if limit is not None and len(occurring) < len(labels):
            notes.append(
                f"The first {len(rows)} rows, which max_{part}_samples selects, have "
                f"{len(occurring)} of the {len(labels)} labels: if the rows are sorted by label, "
                "shuffle them first."
            )
    return notes


def largest_batch_step(rows: list[dict], recipe: Recipe, max_steps: int) -> int:
    """Return the step of the first epoch that trains on the widest batch."""
    sizes = [
        padded([rows[number] for number in batch]) for batch in drawn(len(rows), recipe, max_steps)
    ]
    return sizes.index(max(sizes)) // recipe.gradient_accumulation_steps + 1
