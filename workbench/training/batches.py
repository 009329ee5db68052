"""What a run is fed: its rows encoded, put into batches, and scored, as its task has it."""

from __future__ import annotations

import json
import weakref
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch

from workbench.recipe import Recipe
from workbench.registry.tasks import TASKS
from workbench.sources.datasets.row_checks import labels_of
from workbench.training import evaluate
from workbench.training.inputs import collate as batches
from workbench.training.inputs.largest_batch import padded
from workbench.training.inputs.row_order import drawn
from workbench.training.inputs.task_inputs import EncodedRows
from workbench.training.resolve import Resolved

_ENCODED: weakref.WeakValueDictionary[str, EncodedRows] = weakref.WeakValueDictionary()


def encode_rows(resolved: Resolved) -> tuple[EncodedRows, EncodedRows]:
    """Encode training and evaluation rows for the plan's task, or take those of a run that has the same."""
    same = _same_rows(resolved)

    def encoded(part: str, rows: list[dict]) -> EncodedRows:
        key = f"{part} of {same}"
        shared = _ENCODED.get(key)
        if shared is None:
            virtual_labels = resolved.plan.virtual_labels
            shared = _ENCODED[key] = resolved.inputs.encode_measured(rows, virtual_labels)
        return shared

    return encoded("train", resolved.train_rows), encoded("eval", resolved.eval_rows)


def _same_rows(resolved: Resolved) -> str:
    """Write down all that the encoded rows of a plan depend on."""
    plan, recipe = resolved.plan, resolved.plan.recipe
    chosen = ["task", "max_train_samples", "max_eval_samples", "trust_remote_code"]
    chosen += ["seed", "eval_fraction"] if plan.data["eval"] is None else []
    facts = [
        plan.model_path,
        resolved.fingerprint,
        plan.virtual_labels,
        {name: recipe[name] for name in chosen},
        resolved.inputs.settings,
        plan.data,
    ]
    return json.dumps(facts, sort_keys=True)


def make_evaluation(
    resolved: Resolved,
    model: torch.nn.Module,
    held: list[dict],
    collate: Callable[[list[dict]], dict],
    device: torch.device,
) -> Callable[[int], Iterator[dict]]:
    """Return the function of a step's number that evaluates the model on the held-out rows."""
    recipe, plan, inputs = resolved.recipe, resolved.plan, resolved.inputs
    task = TASKS[recipe.task]
    size = recipe.per_device_eval_batch_size
    given: list[Any] = [model, task.eval_loader.load()(held, size, collate, device)]
    if ask := inputs.prompt_collator():
        prompts = batches.fixed_batches(held, size, ask, device)
        given += [prompts, inputs.processor, recipe.max_new_tokens]
    if task.labels == "tags":
        given += [plan.labels, getattr(evaluate, task.scorer(plan.labels))]
    return partial(task.evaluate.load(), *given)


def limit_notes(resolved: Resolved) -> list[str]:
    """Say where taking the first rows only has left labels out: many files are sorted by label."""
    recipe, labels = resolved.recipe, resolved.plan.labels
    role = TASKS[recipe.task].labels
    if role is None:
        return []
    notes = []
    for part, rows in (("train", resolved.train_rows), ("eval", resolved.eval_rows)):
        limit = getattr(recipe, f"max_{part}_samples")
        kept = {
            label for row in rows for label in labels_of(row[resolved.plan.columns[role]], role)
        }
        if limit is not None and len(kept) < len(labels):
            notes.append(
                f"The first {len(rows)} rows, which max_{part}_samples selects, have "
                f"{len(kept)} of the {len(labels)} labels: if the rows are sorted by label, "
                "shuffle them first."
            )
    return notes


def largest_batch_step(rows: list[dict], recipe: Recipe, max_steps: int) -> int:
    """Return the step of the first epoch that trains on the widest batch."""
    sizes = [
        padded([rows[number] for number in batch]) for batch in drawn(len(rows), recipe, max_steps)
    ]
    return sizes.index(max(sizes)) // recipe.gradient_accumulation_steps + 1
