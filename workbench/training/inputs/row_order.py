"""The order in which a run takes its rows, drawn in one place for the run and for whoever foresees it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice, repeat
from typing import Any

import torch
from torch.utils.data import DataLoader

from workbench.recipe import Recipe


def shuffled(
    rows: Sequence[Any], recipe: Recipe, collate: Callable[[list], Any] = list
) -> DataLoader:
    """Return the batches of an epoch, in another order each time that they are gone through.

    The order is drawn from a generator of its own, so shuffling and dropout do not disturb each other.

    Parameters
    ----------
    rows : sequence
    recipe : Recipe
    collate : callable
        Makes a batch of some rows.
    """
    return DataLoader(
        rows,
        batch_size=recipe.per_device_train_batch_size,
        shuffle=True,
        generator=torch.Generator().manual_seed(recipe.seed),
        collate_fn=collate,
    )


def drawn(
    count: int, recipe: Recipe, max_steps: int, *, epochs: int | None = 1
) -> Iterator[list[int]]:
    """Yield the rows' numbers of each batch that a run takes, drawn as its own loader draws them.

    Parameters
    ----------
    count : int
        Training rows.
    recipe : Recipe
    max_steps : int
        Optimizer steps of the run.
    epochs : int or None
        Of which the batches are wanted; None for all.
    """
    loader = shuffled(range(count), recipe)
    passes = repeat(loader) if epochs is None else repeat(loader, epochs)
    batches = max_steps * recipe.gradient_accumulation_steps
    return islice(chain.from_iterable(passes), batches)


def in_turn(count: int, size: int) -> list[list[int]]:
    """Return the rows' numbers of each batch of an evaluation."""
    return [[*range(first, min(first + size, count))] for first in range(0, count, size)]
