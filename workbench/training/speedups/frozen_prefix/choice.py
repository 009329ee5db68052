"""Whether a run's frozen blocks are skipped, and how: as its recipe says, or where no bit changes."""

from __future__ import annotations

import math
import weakref
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

import torch

from workbench.recipe import Recipe
from workbench.training.adaptation.base_model import Base
from workbench.training.runtime.rng import Randomness
from workbench.training.speedups.frozen_prefix.activation_store import Activations
from workbench.training.speedups.frozen_prefix.blocks import (
    FrozenBlocks,
    find_frozen,
    forget,
    in_mode,
    reach,
)
from workbench.training.speedups.frozen_prefix.padded import (
    PaddedActivations,
    PaddedRows,
    share_of_repeats,
)
from workbench.training.speedups.frozen_prefix.per_row import keep_rows

# Of a run's batches: where fewer come again, keeping activations costs more than it saves.
WORTH = 0.1
NOTHING = (
    "cache_frozen_prefix does nothing here: it needs a model with one stack of blocks, the lowest of "
    "which are not trained and read nothing that is."
)
# For each base: its stores by their kind and the number of blocks. Rows are known by what they hold,
# so runs on any data can share one.
_SHARED: weakref.WeakKeyDictionary[torch.nn.Module, weakref.WeakValueDictionary[Any, Any]]
_SHARED = weakref.WeakKeyDictionary()

Store = TypeVar("Store", bound=Activations)


def skip_frozen(
    recipe: Recipe,
    base: Base,
    max_steps: int,
    model: torch.nn.Module,
    rows: Sequence[dict],
    held: Sequence[dict],
    batch: Mapping[str, Any],
    events: Iterator[dict],
) -> tuple[Iterator[dict], list[str]]:
    """Return a run's events, with its frozen blocks skipped where they can be, and what to say of it.

    Parameters
    ----------
    recipe : Recipe
    base : Base
    max_steps : int
    model : torch.nn.Module
        Adapted, and on its device.
    rows, held : sequence of dict
        Those to train and to evaluate on, encoded.
    batch : mapping
        A few of the former, to try it on.
    events : iterator of dict
        See :func:`workbench.training.loop.train`.
    """
    # What is tried here draws from nobody's numbers, nor does anybody draw from these meanwhile.
    with Randomness(recipe.seed):
        frozen = find_frozen(model, batch)
        hidden, draws = in_training(model, frozen, batch) if frozen else (None, False)
    if frozen is None or hidden is None:
        return events, [NOTHING] if recipe.cache_frozen_prefix else []
    lengths, others = lengths_of(rows), lengths_of(held)
    width = batch["input_ids"].shape[1] if "input_ids" in batch else 1
    size = hidden[0].numel() * hidden.element_size() // width
    kept, computed = in_words(frozen, model)
    alone = "alone and without dropout" if draws else "alone"
    if recipe.cache_frozen_prefix:
        keep_rows(frozen, shared(Activations, base, frozen))
        room = megabytes((sum(lengths) + sum(others)) * size)
        note = f"{kept} are kept (up to {room}): {computed} computed once for each row, {alone}."
        return skipping(frozen, events), [note]
    share, total = share_of_repeats(lengths, recipe, max_steps)
    evaluated = padded_length(others, recipe.per_device_eval_batch_size)
    # Rows behind one another come with positions, which is no plain batch.
    plain = not recipe.padding_free
    if share >= WORTH and plain and not draws and is_by_rows(recipe, frozen):
        PaddedRows(frozen, shared(PaddedActivations, base, frozen), training=True)
        room = megabytes((total + evaluated) * size)
        note = f"{kept} are kept (up to {room}): {computed} computed once for each row."
        return skipping(frozen, events), [note]
    per_step = recipe.per_device_train_batch_size * recipe.gradient_accumulation_steps
    changed = "the losses" if draws else "the last bits of the losses"
    advice = (
        f"With cache_frozen_prefix {computed} computed once for each training row, {alone}: that is "
        f"faster, and changes {changed}."
    )
    notes = [advice] if plain and max_steps * per_step >= 2 * len(rows) else []
    if math.ceil(max_steps / recipe.eval_steps) + recipe.eval_on_start < 2:
        return events, notes
    PaddedRows(frozen, shared(PaddedActivations, base, frozen), training=False)
    room = megabytes(evaluated * size)
    note = (
        f"{kept} are kept for evaluations (up to {room}): {computed} computed once for each of their "
        "batches."
    )
    return skipping(frozen, events), [note, *notes]


def lengths_of(rows: Sequence[dict]) -> list[int]:
    """Return the lengths of what a model reads; images have none, they are all of one size."""
    return [len(row.get("input_ids", " ")) for row in rows]


def padded_length(lengths: Sequence[int], size: int) -> int:
    """Return the length of all rows together, padded in batches of some size in their order."""
    parts = [lengths[start : start + size] for start in range(0, len(lengths), size)]
    return sum(max(part) * len(part) for part in parts)


def skipping(frozen: FrozenBlocks, events: Iterator[dict]) -> Iterator[dict]:
    """Go through a run's events with its frozen blocks skipped; what is kept goes with the run."""
    frozen.attach()
    try:
        yield from events
    finally:
        frozen.detach()
        frozen.recall = frozen.keep = forget


def in_training(
    model: torch.nn.Module, frozen: FrozenBlocks, batch: Mapping[str, Any]
) -> tuple[torch.Tensor | None, bool]:
    """Return what the frozen blocks return for a batch in training, and whether they drew numbers.

    The first is None where training goes another way than evaluation.
    """
    cuda = next(model.parameters()).is_cuda
    state = torch.cuda.get_rng_state if cuda else torch.get_rng_state
    frozen.attach()
    try:
        with in_mode(model, training=True), torch.no_grad():
            before = state()
            hidden = reach(frozen, lambda: model(**batch))
            return hidden, not torch.equal(state(), before)
    finally:
        frozen.detach()


def is_by_rows(recipe: Recipe, frozen: FrozenBlocks) -> bool:
    """Tell whether the numbers of a row cannot depend on those of others in its batch.

    With 8 bits a scale may be that of the whole batch, and experts are given all tokens that chose
    them at once.
    """
    names = (name for block in frozen.blocks for name, _ in block.named_modules())
    return recipe.quantization is None and not any("expert" in name for name in names)


def shared(kind: type[Store], base: Base, frozen: FrozenBlocks) -> Store:
    """Return the store that is shared by all runs whose frozen blocks are those of the same base."""
    table = frozen.backbone.get_input_embeddings()
    below = [part for module in (table, *frozen.blocks) for part in module.parameters()]
    pointers = {part.data_ptr() for part in base.model.parameters()}
    if not all(part.data_ptr() in pointers for part in below):
        return kind()
    stores = _SHARED.setdefault(base.model, weakref.WeakValueDictionary())
    key = kind, len(frozen.blocks)
    store = stores.get(key)
    if store is None:
        store = stores[key] = kind()
    return store


def in_words(frozen: FrozenBlocks, model: torch.nn.Module) -> tuple[str, str]:
    """Say whose activations are kept, and which blocks are computed once."""
    count = len(frozen.blocks)
    stack = next(part for part in model.modules() if frozen.blocks[0] in part.children())
    total = len(list(stack.children()))
    if count == total:
        return "The activations under the head", f"all {total} blocks are"
    which = "block 1 is" if count == 1 else f"blocks 1 to {count} are"
    return f"The activations under block {count + 1} of {total}", which


def megabytes(size: int) -> str:
    """Write a number of bytes in MB."""
    return f"{size / 1e6:,.1f} MB"
