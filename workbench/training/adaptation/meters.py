"""What a run costs: its parameters, and bytes of memory by what they are for."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator

import psutil
import torch

from workbench.training.adaptation.quantize import extra_tensors, plain_tensors


def count_parameters(model: torch.nn.Module, base: torch.nn.Module) -> dict:
    """Count trainable, total and injected parameters, in all and for each module.

    Parameters
    ----------
    model : torch.nn.Module
        The model to train.
    base : torch.nn.Module
        What it was made from: parameters beyond its own were injected.

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
    in_base = sum(_numel(parameter) for parameter in base.parameters())
    return {
        "trainable": trainable,
        "total": total,
        "injected": total - in_base,
        "by_module": by_module,
    }


def _numel(parameter: torch.Tensor) -> int:
    """Count a parameter's numbers, of which 4-bit storage packs two into a byte."""
    state = getattr(parameter, "quant_state", None)
    return parameter.numel() if state is None else state.shape.numel()


def storage_bytes(tensors: Iterable[torch.Tensor]) -> int:
    """Add up the memory behind tensors, each storage once."""
    storages = {}
    for tensor in tensors:
        for part in plain_tensors(tensor):
            storage = part.untyped_storage()
            storages[storage._cdata] = storage.nbytes()
    return sum(storages.values())


def _weights(model: torch.nn.Module) -> Iterator[torch.Tensor]:
    for tensor in [*model.parameters(), *model.buffers(), *extra_tensors(model)]:
        yield from plain_tensors(tensor)


class MemoryMeter:
    """Bytes of one run: weights, adapters, gradients, optimizer state and saved activations.

    Each is counted at its largest. They are not all there at once: a step frees the activations in the
    backward pass, which makes the gradients, and then the gradients.

    The activations are those that autograd saves for the backward pass, counted as it packs them: each
    storage once, without weights. On CUDA the allocator's own figures are added.

    Parameters
    ----------
    model : torch.nn.Module
        The model to train.
    optimizer : torch.optim.Optimizer, optional
    base : torch.nn.Module, optional
        What the model was made from: its tensors are ``weights``, and those that only the model has
        are ``adapters``. Without it all are ``weights``.
    accumulates : bool
        Whether gradients are kept from one forward pass to the next.
    """

    def __init__(
        self,
        model: torch.nn.Module,
        optimizer: torch.optim.Optimizer | None = None,
        base: torch.nn.Module | None = None,
        *,
        accumulates: bool = False,
    ):
        self.model, self.optimizer, self._accumulates = model, optimizer, accumulates
        self.gradients = sum(
            parameter.numel() * parameter.element_size()
            for parameter in model.parameters()
            if parameter.requires_grad
        )
        shared = list(_weights(model if base is None else base))
        self.weights = storage_bytes(shared)
        self.adapters = storage_bytes([*shared, *_weights(model)]) - self.weights
        self.activations = 0
        self.phases: dict[str, dict[str, int]] = {}

    @contextlib.contextmanager
    def counting(self) -> Iterator[None]:
        """Count what autograd saves inside the block, and store the largest count."""
        weights = {tensor.untyped_storage()._cdata for tensor in _weights(self.model)}
        saved: dict[int, int] = {}
        in_backward = False

        def pack(tensor: torch.Tensor) -> torch.Tensor:
            nonlocal in_backward
            if in_backward:  # that pass is over: another forward pass begins, counted by itself
                saved.clear()
                in_backward = False
            for part in plain_tensors(tensor):
                storage = part.untyped_storage()
                if storage._cdata not in weights:
                    saved[storage._cdata] = storage.nbytes()
                    self.activations = max(self.activations, sum(saved.values()))
            return tensor

        def unpack(tensor: torch.Tensor) -> torch.Tensor:
            nonlocal in_backward
            in_backward = True
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack, unpack):
            yield

    def phase(self, name: str) -> None:
        """Store the figures of CUDA's allocator at the end of a phase (load, train, eval)."""
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
        """Return the figures in bytes.

        ``peak`` is the most that is there at a time, but for temporary results.
        """
        optimizer = storage_bytes(
            value
            for state in (self.optimizer.state.values() if self.optimizer else ())
            for value in state.values()
            if torch.is_tensor(value)
        )
        parts = {
            "weights": self.weights,
            "adapters": self.adapters,
            "gradients": self.gradients,
            "optimizer": optimizer,
            "activations": self.activations,
        }
        peak = sum(parts.values())
        if not self._accumulates:
            peak -= min(self.gradients, self.activations)
        figures = {**parts, "peak": peak, "rss": psutil.Process().memory_info().rss}
        if self.phases:
            # A copy: what was told of a moment must not change with the next.
            figures["cuda"] = {name: dict(phase) for name, phase in self.phases.items()}
        return figures
