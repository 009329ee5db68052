"""The order in which a run takes its rows, drawn in one place for the run and for its forecast."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice, repeat
from typing import Any, TypeVar, cast

import torch
from torch.utils.data import DataLoader, Dataset

from workbench.recipe import Recipe

# A row: encoded, or the number of one.
R = TypeVar("R")


def shuffled(
    rows: Sequence[R], recipe: Recipe, collate: Callable[[list[R]], Any] = list
) -> DataLoader:
    """Return a loader of an epoch's batches, in another order each time that it is iterated over.

    The order is drawn from a generator of its own, so shuffling and dropout do not disturb each other.

    Parameters
    ----------
    rows : sequence
    recipe : Recipe
    collate : callable
        Makes a batch of a list of rows.
    """
    return DataLoader(
        # A loader asks a data set for its length and its items only, which every sequence has.
        cast("Dataset[R]", rows),
        batch_size=recipe.per_device_train_batch_size,
        shuffle=True,
        generator=torch.Generator().manual_seed(recipe.seed),
        collate_fn=collate,
    )


def drawn(
    count: int, recipe: Recipe, max_steps: int, *, epochs: int | None = 1
) -> Iterator[list[int]]:
    """Yield the row numbers of each batch that a run takes, drawn as its own loader draws them.

    Parameters
    ----------
    count : int
        Number of training rows.
    recipe : Recipe
    max_steps : int
        Optimizer steps of the run.
    epochs : int or None
        After how many to end; None for no earlier than the run.
    """
    loader = shuffled(range(count), recipe)
    passes = repeat(loader) if epochs is None else repeat(loader, epochs)
    batches = max_steps * recipe.gradient_accumulation_steps
    return islice(chain.from_iterable(passes), batches)


def in_turn(count: int, size: int) -> list[list[int]]:
    """Return the row numbers of each batch of an evaluation."""
    return [[*range(first, min(first + size, count))] for first in range(0, count, size)]
