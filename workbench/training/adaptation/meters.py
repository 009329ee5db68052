"""What a run costs, counted: parameters, and bytes by what they are for."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator

import psutil
import torch

from workbench.training.adaptation.quantize import beside_weights, plain


def count_parameters(model: torch.nn.Module, base: torch.nn.Module) -> dict:
    """Count trainable, total and injected parameters, in all and for each module.

    Parameters
    ----------
    model : torch.nn.Module
        The model to train.
    base : torch.nn.Module
        What it was made from: whatever is not in there was injected.

    Returns
    -------
    dict
        ``trainable``, ``total``, ``injected`` (counts) and ``by_module``, the trainable
        parameters of each module that has some.
    """
    by_module: dict[str, int] = {}
    total = trainable = 0
    for name, parameter in model.named_parameters():
        count = _numel(parameter)
        total += count
        if parameter.requires_grad:
            trainable += count
            owner = name.rpartition(".")[0]
            by_module[owner] = by_module.get(owner, 0) + count
    before = sum(_numel(parameter) for parameter in base.parameters())
    return {
        "trainable": trainable,
        "total": total,
        "injected": total - before,
        "by_module": by_module,
    }


def _numel(parameter: torch.Tensor) -> int:
    """Count a parameter's numbers: 4-bit storage packs two of them into a byte."""
    state = getattr(parameter, "quant_state", None)
    return parameter.numel() if state is None else state.shape.numel()


def storage_bytes(tensors: Iterable[torch.Tensor]) -> int:
    """Add up the memory behind tensors, each storage once."""
    storages = {}
    for tensor in tensors:
        for part in plain(tensor):
            storage = part.untyped_storage()
            storages[storage._cdata] = storage.nbytes()
    return sum(storages.values())


def _weights(model: torch.nn.Module) -> Iterator[torch.Tensor]:
    for tensor in [*model.parameters(), *model.buffers(), *beside_weights(model)]:
        yield from plain(tensor)


class MemoryMeter:
    """Bytes of one run: weights, gradients, optimizer state and saved activations.

    The activations are those that autograd keeps for the backward pass, counted as it packs them:
    each storage once, without weights. On CUDA the allocator's own figures come too.
    """

    def __init__(self, model: torch.nn.Module, optimizer: torch.optim.Optimizer | None = None):
        self.model, self.optimizer = model, optimizer
        self.gradients = sum(
            parameter.numel() * parameter.element_size()
            for parameter in model.parameters()
            if parameter.requires_grad
        )
        self.weights = storage_bytes(_weights(model))
        self.activations = 0
        self.phases: dict[str, dict[str, int]] = {}

    @contextlib.contextmanager
    def counting(self) -> Iterator[None]:
        """Count what autograd saves inside the block; the largest count is kept."""
        known = {tensor.untyped_storage()._cdata for tensor in _weights(self.model)}
        saved: dict[int, int] = {}
        used = False

        def pack(tensor: torch.Tensor) -> torch.Tensor:
            nonlocal used
            if used:  # a backward pass is over: this is the next forward pass, counted by itself
                saved.clear()
                used = False
            for part in plain(tensor):
                storage = part.untyped_storage()
                if storage._cdata not in known:
                    saved[storage._cdata] = storage.nbytes()
                    self.activations = max(self.activations, sum(saved.values()))
            return tensor

        def unpack(tensor: torch.Tensor) -> torch.Tensor:
            nonlocal used
            used = True
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack, unpack):
            yield

    def phase(self, name: str) -> None:
        """Note CUDA's allocator at the end of a phase (load, train, eval), and begin the next."""
        if torch.cuda.is_available():
            self.phases[name] = {
                "allocated": torch.cuda.memory_allocated(),
                "reserved": torch.cuda.memory_reserved(),
                "peak": max(
                    torch.cuda.max_memory_allocated(), self.phases.get(name, {}).get("peak", 0)
                ),
            }
            torch.cuda.reset_peak_memory_stats()

    def read(self) -> dict:
        """Return the figures in bytes; ``peak`` is what training needs at its fullest."""
        optimizer = storage_bytes(
            value
            for state in (self.optimizer.state.values() if self.optimizer else ())
            for value in state.values()
            if torch.is_tensor(value)
        )
        parts = {
            "weights": self.weights,
            "gradients": self.gradients,
            "optimizer": optimizer,
            "activations": self.activations,
        }
        figures = {**parts, "peak": sum(parts.values()), "rss": psutil.Process().memory_info().rss}
        if self.phases:
            figures["cuda"] = self.phases
        return figures
