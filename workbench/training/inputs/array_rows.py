"""Rows for a module from the notebook: tensors, arrays or a Dataset, made into batches for the loop."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset, default_collate

from workbench.errors import Problem, RecipeError

ALLOWED = "inputs and targets, such as (x, y), or a torch Dataset of such pairs"


@dataclass(frozen=True)
class Rows:
    """Rows to train or to evaluate on, by their numbers.

    Parameters
    ----------
    name : str
        Tells these rows from others: a checksum of the tensors, or a Dataset's class and length.
    order : sequence of int
        The numbers of the rows, in order.
    take : callable
        Takes a list of row numbers; returns their inputs, a tuple of tensors of shape (rows, ...), and
        their targets, mostly a tensor of shape (rows, ...).
    """

    name: str
    order: Sequence[int]
    take: Callable[[list[int]], tuple[tuple[Any, ...], Any]]

    def __len__(self) -> int:
        return len(self.order)

    def only(self, order: Sequence[int]) -> Rows:
        """Return the rows with these numbers."""
        return replace(self, order=order)

    def batch(self, numbers: list[int]) -> dict[str, Any]:
        """Make a batch of the rows with these numbers.

        Returns
        -------
        dict
            ``inputs`` and ``targets`` as ``take`` returns them, and for the loop, which counts targets
            and tokens by them, ``labels`` and ``attention_mask``: ones of shape (rows,).
        """
        inputs, targets = self.take(numbers)
        ones = torch.ones(len(numbers), dtype=torch.long)
        return {"inputs": inputs, "targets": targets, "labels": ones, "attention_mask": ones}


def make_rows(parameter: str, data: Any, dtype: torch.dtype) -> Rows:
    """Make rows of tensors, arrays or a Dataset.

    Parameters
    ----------
    parameter : str
        The parameter's name, for errors.
    data : tuple of array-like, or torch.utils.data.Dataset
        One or more inputs and, last, the targets, each of shape (rows, ...).
    dtype : torch.dtype
        The module's, which floating-point numbers are converted to.

    Raises
    ------
    RecipeError
        The data is of another kind, is empty, or its parts have different numbers of rows.
    """
    if isinstance(data, tuple | list):
        return _from_tensors(parameter, data, dtype)
    if isinstance(data, Dataset) and hasattr(data, "__len__"):
        return _from_dataset(parameter, data, dtype)
    raise RecipeError([Problem(parameter, ALLOWED, type(data).__name__)])


def _from_tensors(parameter: str, data: Sequence[Any], dtype: torch.dtype) -> Rows:
    try:
        parts = [_tensor(part, dtype) for part in data]
    except (TypeError, ValueError, RuntimeError) as error:
        types = ", ".join(type(part).__name__ for part in data)
        raise RecipeError([Problem(parameter, ALLOWED, types, str(error))]) from error
    shapes = [tuple(part.shape) for part in parts]
    if len(parts) < 2 or any(not shape for shape in shapes):
        raise RecipeError([Problem(parameter, ALLOWED, shapes)])
    if len({len(part) for part in parts}) > 1 or not len(parts[0]):
        allowed = "inputs and targets with the same number of rows, at least one"
        raise RecipeError([Problem(parameter, allowed, shapes, "these are their shapes")])

    def take(numbers: list[int]) -> tuple[tuple[Any, ...], Any]:
        *inputs, targets = (part[numbers] for part in parts)
        return tuple(inputs), targets

    return Rows(f"tensors-{_checksum(parts)[:12]}", range(len(parts[0])), take)


def _from_dataset(parameter: str, data: Any, dtype: torch.dtype) -> Rows:
    if not len(data):
        raise RecipeError([Problem(parameter, "a Dataset with at least one row", len(data))])
    first = data[0]
    if not isinstance(first, tuple | list) or len(first) < 2:
        raise RecipeError([Problem(parameter, ALLOWED, f"a row {type(first).__name__}")])

    def take(numbers: list[int]) -> tuple[tuple[Any, ...], Any]:
        columns = default_collate([tuple(data[number]) for number in numbers])
        *inputs, targets = (_tensor(column, dtype) for column in columns)
        return tuple(inputs), targets

    return Rows(f"{type(data).__name__}-{len(data)}", range(len(data)), take)


def _tensor(value: Any, dtype: torch.dtype) -> torch.Tensor:
    """Return a tensor without gradients; integers become int64, as losses want classes."""
    tensor = torch.as_tensor(value if torch.is_tensor(value) else np.asarray(value)).detach()
    if tensor.is_floating_point():
        return tensor.to(dtype)
    if tensor.is_complex() or tensor.dtype == torch.bool:
        return tensor
    return tensor.long()


def _checksum(parts: Sequence[torch.Tensor]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(f"{part.dtype} {tuple(part.shape)}".encode())
        digest.update(part.cpu().contiguous().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
