"""What the guards share: a batch computed without leaving a trace, and two results held against each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain, islice, repeat
from typing import Any, TypeVar

import torch
from accelerate.utils import send_to_device
from torch.utils.data import DataLoader

from workbench.errors import is_out_of_memory
from workbench.training.speedups.frozen_prefix.blocks import in_mode

Batch = Mapping[str, Any]
T = TypeVar("T")


def first_batches(loader: DataLoader, count: int, device: torch.device) -> list[dict]:
    """Return the first batches of a run, which its loader will yield again.

    Parameters
    ----------
    loader : DataLoader
        With a generator of its own, prepared by accelerate or not, and not iterated yet.
    count : int
        Epochs follow each other until there are so many.
    device : torch.device
    """
    loader = getattr(loader, "base_dataloader", loader)
    state = loader.generator.get_state()
    try:
        batches = islice(chain.from_iterable(repeat(loader)), count)
        return [send_to_device(batch, device) for batch in batches]
    finally:
        loader.generator.set_state(state)


def difference(compare: Callable[[], str | None]) -> str | None:
    """Return what a comparison returns, or in a sentence what made it fail.

    Raises
    ------
    MemoryError, torch.OutOfMemoryError
        Memory ran out, which says nothing of the speed-up.
    """
    try:
        return compare()
    except Exception as error:
        if is_out_of_memory(error):
            raise
        return (f"{type(error).__name__}: {error}".strip().splitlines()[0]).rstrip(".")


def difference_from_plain(
    compute_plain: Callable[[], T], compare: Callable[[T], str | None]
) -> str | None:
    """Return what a comparison with a plain result returns, or in a sentence what made it fail.

    Where the plain computation fails there is nothing to compare: the run fails without the speed-up
    too, and says so itself.
    """
    try:
        plain = compute_plain()
    except Exception as error:
        if is_out_of_memory(error):
            raise
        return None
    return difference(lambda: compare(plain))


@contextmanager
def without_trace(model: torch.nn.Module, *, training: bool) -> Iterator[None]:
    """Put modes, buffers and torch's generators back afterwards."""
    with _generators_restored(model), buffers_restored(model), in_mode(model, training=training):
        yield


@contextmanager
def buffers_restored(model: torch.nn.Module) -> Iterator[None]:
    """Put a model's buffers, such as running statistics, back afterwards."""
    before = {name: buffer.clone() for name, buffer in model.named_buffers()}
    try:
        yield
    finally:
        with torch.no_grad():
            for name, buffer in model.named_buffers():
                buffer.copy_(before[name])


def _generators_restored(model: torch.nn.Module) -> Any:
    device = next(model.parameters()).device
    return torch.random.fork_rng([device] if device.type == "cuda" else [])


def loss_of(model: torch.nn.Module, batch: Batch, forward: Callable | None = None) -> torch.Tensor:
    """Return a batch's loss in evaluation mode, of shape ().

    Parameters
    ----------
    model : torch.nn.Module
    batch : mapping
    forward : callable, optional
        What to call in place of the model.
    """
    with without_trace(model, training=False), torch.no_grad():
        return (forward or model)(**batch).loss


def loss_and_gradients(model: torch.nn.Module, batch: Batch) -> list[torch.Tensor]:
    """Return a batch's loss in training mode, and the gradients of all trained parameters it reaches."""
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    with without_trace(model, training=True), torch.enable_grad():
        loss = model(**batch).loss
        gradients = torch.autograd.grad(loss, trained, allow_unused=True)
    return [loss.detach(), *(gradient for gradient in gradients if gradient is not None)]


def are_close(
    results: Sequence[torch.Tensor], plain: Sequence[torch.Tensor], rtol: float, atol: float = 0.0
) -> bool:
    """Tell whether tensors are the same within a tolerance; with none, to the bit."""
    return len(results) == len(plain) and all(
        torch.allclose(mine, theirs, rtol=rtol, atol=atol, equal_nan=True)
        for mine, theirs in zip(results, plain, strict=True)
    )


def loss_differs(
    model: torch.nn.Module, batch: Batch, plain_forward: Callable, rtol: float
) -> str | None:
    """Say how a batch's loss differs from the one that ``plain_forward`` computes; None if it is close."""

    def compare(plain: torch.Tensor) -> str | None:
        loss = loss_of(model, batch)
        if are_close([loss], [plain], rtol):
            return None
        return f"the loss of the first batch is {loss:.6g} with it and {plain:.6g} without"

    return difference_from_plain(lambda: loss_of(model, batch, plain_forward), compare)
