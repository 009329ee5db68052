"""Whether a run's frozen blocks are skipped: where its recipe says so, and they can be."""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from transformers import PreTrainedModel

from workbench.recipe import Recipe
from workbench.training.adaptation.base_model import Base
from workbench.training.runtime.rng import Randomness
from workbench.training.speedups.comparison import difference
from workbench.training.speedups.frozen_prefix.activation_store import Activations
from workbench.training.speedups.frozen_prefix.blocks import (
    FrozenBlocks,
    find_frozen,
    forget,
    in_mode,
    locate_frozen,
    reach,
)
from workbench.training.speedups.frozen_prefix.per_row import keep_rows

TESTED_WITH = {"torch": ">=2.11,<2.16", "transformers": ">=5.17,<5.24"}
NO_BLOCKS = (
    "it needs a model with one stack of blocks, the lowest of which are frozen and do not depend on "
    "trained parameters"
)
# For each base: its stores by the number of blocks. Rows are known by what they hold,
# so runs on any data can share one.
_SHARED: weakref.WeakKeyDictionary[torch.nn.Module, weakref.WeakValueDictionary[Any, Any]]
_SHARED = weakref.WeakKeyDictionary()


@dataclass(frozen=True)
class Trial:
    """Frozen blocks that can be skipped, and what they do in training.

    Parameters
    ----------
    frozen : FrozenBlocks
    hidden : torch.Tensor
        Their output for a batch, of shape (batch, seq, features).
    draws : bool
        Whether they draw random numbers, as dropout does.
    """

    frozen: FrozenBlocks
    hidden: torch.Tensor
    draws: bool


def obstacle(recipe: Recipe, model: torch.nn.Module) -> str | None:
    """Say why no block of a model can be skipped, as far as its structure tells; None where some can."""
    return difference(lambda: NO_BLOCKS if locate_frozen(model) is None else None)


def apply(trial: Trial, store: Activations, events: Iterator[dict]) -> Iterator[dict]:
    """Return a run's events with its frozen blocks skipped; what is stored goes with the run."""
    keep_rows(trial.frozen, store)
    return skipping(trial.frozen, events)


def guard(recipe: Recipe, model: torch.nn.Module, batch: Mapping[str, Any]) -> str | None:
    """Say why frozen blocks cannot be skipped: a batch's loss must be the same bits without their work."""
    trial = try_out(recipe, model, batch)
    return trial if isinstance(trial, str) else None


def try_out(recipe: Recipe, model: torch.nn.Module, batch: Mapping[str, Any]) -> Trial | str:
    """Return a model's frozen blocks if they can be skipped, else why not."""
    trials: list[Trial] = []

    def compare() -> str | None:
        frozen = find_frozen(model, batch)
        if frozen is None:
            return NO_BLOCKS
        hidden, draws = in_training(model, frozen, batch)
        if hidden is None:
            return "its blocks are called otherwise in training than in evaluation"
        trials.append(Trial(frozen, hidden, draws))
        return None

    # What is tried here draws from nobody's numbers, nor does anybody draw from these meanwhile.
    with Randomness(recipe.seed):
        return difference(compare) or trials[0]


def skip_frozen(
    recipe: Recipe,
    base: Base,
    max_steps: int,
    model: torch.nn.Module,
    rows: Sequence[dict],
    eval_rows: Sequence[dict],
    batch: Mapping[str, Any],
    events: Iterator[dict],
) -> tuple[Iterator[dict], list[str]]:
    """Return a run's events, with its frozen blocks skipped where they can be, and notes on it.

    Parameters
    ----------
    recipe : Recipe
    base : Base
    max_steps : int
    model : torch.nn.Module
        Adapted, and on its device.
    rows, eval_rows : sequence of dict
        Those to train and to evaluate on, encoded.
    batch : mapping
        Two of the former, padded, to try it on; scripts try it on the same.
    events : iterator of dict
        See :func:`workbench.training.loop.train`.
    """
    trial = try_out(recipe, model, batch)
    if isinstance(trial, str):
        note = f"cache_frozen_prefix has no effect here: {trial}."
        return events, [note] if recipe.cache_frozen_prefix else []
    activations, computed = in_words(trial.frozen, model)
    alone = "one row at a time and without dropout" if trial.draws else "one row at a time"
    if recipe.cache_frozen_prefix:
        width = batch["input_ids"].shape[1] if "input_ids" in batch else 1
        size = trial.hidden[0].numel() * trial.hidden.element_size() // width
        most = megabytes(sum(lengths_of([*rows, *eval_rows])) * size)
        note = (
            f"{activations} are cached (up to {most}): {computed} computed only once for each row, "
            f"{alone}."
        )
        return apply(trial, shared(base, trial.frozen), events), [note]
    per_step = recipe.per_device_train_batch_size * recipe.gradient_accumulation_steps
    # Rows behind one another come with positions, which is no plain batch.
    if recipe.padding_free or max_steps * per_step < 2 * len(rows):
        return events, []
    changed = "the losses" if trial.draws else "the last bits of the losses"
    advice = (
        f"With cache_frozen_prefix=True, {computed} computed only once for each training row, "
        f"{alone}: this is faster and changes {changed}."
    )
    return events, [advice]


def lengths_of(rows: Sequence[dict]) -> list[int]:
    """Return the lengths of what a model reads; images have none, they are all of one size."""
    return [len(row.get("input_ids", " ")) for row in rows]


def skipping(frozen: FrozenBlocks, events: Iterator[dict]) -> Iterator[dict]:
    """Go through a run's events with its frozen blocks skipped, and forget what was stored at the end."""
    frozen.attach()
    try:
        yield from events
    finally:
        frozen.detach()
        frozen.recall = frozen.keep = forget


def in_training(
    model: torch.nn.Module, frozen: FrozenBlocks, batch: Mapping[str, Any]
) -> tuple[torch.Tensor | None, bool]:
    """Return the frozen blocks' output for a batch in training, and whether they drew random numbers.

    The first is None where training goes another way than evaluation.
    """
    on_gpu = next(model.parameters()).is_cuda
    state = torch.cuda.get_rng_state if on_gpu else torch.get_rng_state
    frozen.attach()
    try:
        with in_mode(model, training=True), torch.no_grad():
            before = state()
            hidden = reach(frozen, lambda: model(**batch))
            return hidden, not torch.equal(state(), before)
    finally:
        frozen.detach()


def shared(base: Base, frozen: FrozenBlocks) -> Activations:
    """Return the store that is shared by all runs whose frozen blocks are those of the same base."""
    try:
        table = cast(PreTrainedModel, frozen.backbone).get_input_embeddings()
    except (AttributeError, NotImplementedError):  # a backbone that does not name them
        return Activations()
    below = [part for module in (table, *frozen.blocks) for part in module.parameters()]
    pointers = {part.data_ptr() for part in base.model.parameters()}
    if not all(part.data_ptr() in pointers for part in below):
        return Activations()
    stores = _SHARED.setdefault(base.model, weakref.WeakValueDictionary())
    depth = len(frozen.blocks)
    store = stores.get(depth)
    if store is None:
        store = stores[depth] = Activations()
    return store


def in_words(frozen: FrozenBlocks, model: torch.nn.Module) -> tuple[str, str]:
    """Say whose activations are kept, and which blocks are computed once."""
    count = len(frozen.blocks)
    stack = next(part for part in model.modules() if frozen.blocks[0] in part.children())
    total = len(list(stack.children()))
    if count == total:
        return "The outputs of the last block", f"all {total} blocks are"
    which = "block 1 is" if count == 1 else f"blocks 1 to {count} are"
    return f"The outputs of block {count} of {total}", which


def megabytes(size: int) -> str:
    """Write a number of bytes in MB."""
    return f"{size / 1e6:,.1f} MB"
