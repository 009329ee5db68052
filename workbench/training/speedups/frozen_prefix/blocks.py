"""Frozen blocks under the first trained one, skipped where their output is stored.

Exported scripts carry this where their recipe keeps frozen prefixes.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from hashlib import blake2b
from typing import Any

import torch

from workbench.training.adaptation.layer_lists import layer_lists


class Reached(Exception):
    """Carries the output of the highest frozen block, where nothing above it is wanted."""


class FrozenBlocks:
    """The blocks under the first trained one, skipped wherever their output is stored.

    The backbone still embeds what it reads and makes its masks and positions, which the blocks
    above need; only the frozen blocks' own work is left out. The module tree and the names of its
    parameters stay as they are.

    Parameters
    ----------
    backbone : torch.nn.Module
        The model without its head.
    blocks : list of torch.nn.Module
        The frozen blocks, the lowest first.

    Attributes
    ----------
    recall : callable
        Takes the backbone's inputs by name; returns the output of the highest of ``blocks``, of shape
        (batch, seq, features), or None where that is not stored.
    keep : callable
        Takes that output where it had to be computed.
    """

    def __init__(self, backbone: torch.nn.Module, blocks: list[torch.nn.Module]):
        self.backbone, self.blocks = backbone, blocks
        self.recall: Callable[[dict[str, torch.Tensor]], torch.Tensor | None] = forget
        self.keep: Callable[[torch.Tensor], Any] = forget
        self._signature = inspect.signature(backbone.forward)
        self._hooks: list[Any] = []
        self._plain = False
        self._stored: torch.Tensor | None = None

    def attach(self) -> None:
        """Skip these blocks from now on."""
        self._hooks = [
            self.backbone.register_forward_pre_hook(self._begin, with_kwargs=True),
            self.backbone.register_forward_hook(self._end, always_call=True),
        ]
        for block in self.blocks:
            block.forward = partial(self._pass, block.forward, block is self.blocks[-1])

    def detach(self) -> None:
        """Leave the backbone as it was."""
        for hook in self._hooks:
            hook.remove()
        for block in self.blocks:
            del block.forward

    def _begin(self, _: torch.nn.Module, args: tuple, kwargs: dict) -> None:
        inputs = plain_inputs(self._signature, args, kwargs)
        self._stored = None if inputs is None else self.recall(inputs)
        self._plain = inputs is not None

    def _end(self, *_: object) -> None:
        self._plain, self._stored = False, None

    def _pass(
        self,
        forward: Callable,
        highest: bool,
        hidden_states: torch.Tensor,
        *args: Any,
        **kwargs: Any,
    ) -> Any:
        if self._stored is not None:
            return self._stored
        output = forward(hidden_states, *args, **kwargs)
        if highest and self._plain:
            self.keep(output)
        return output


def forget(_: Any) -> None:
    """Recall nothing, and store nothing."""


def plain_inputs(signature: inspect.Signature, args: tuple, kwargs: dict) -> dict | None:
    """Return a backbone's inputs by name; None where they are more than a plain batch.

    That is a cache of generated tokens, positions that do not follow from a mask, or a request for the
    hidden states of all layers.
    """
    arguments = dict(signature.bind(*args, **kwargs).arguments)
    arguments |= arguments.pop("kwargs", {})
    inputs = {
        name: value for name, value in arguments.items() if value is not None and value is not False
    }
    inputs.pop("return_dict", None)
    if "attention_mask" in inputs:
        inputs.pop("position_ids", None)
    return inputs if set(inputs) <= {"input_ids", "pixel_values", "attention_mask"} else None


def find_frozen(model: torch.nn.Module, batch: Mapping[str, Any]) -> FrozenBlocks | None:
    """Return the blocks under the first trained one, if there are some that can be skipped.

    That is tried on a batch: its loss must be the same to the last bit where they are skipped.
    """
    frozen = locate_frozen(model)
    return frozen if frozen is not None and can_skip(model, frozen, batch) else None


def locate_frozen(model: torch.nn.Module) -> FrozenBlocks | None:
    """Return the blocks under the first trained one, if the model has one stack of blocks with such."""
    modules = dict(model.named_modules())
    lists = layer_lists(model, at_least=2)
    if len(lists) != 1 or any(map(is_more_than_called, modules.values())):
        return None
    [(path, layers)] = lists.items()
    blocks = list(layers)
    depth = [*map(is_adapted, blocks), True].index(True)
    # Of what the list stands in, the innermost part that reads a batch.
    within = (part for name, part in modules.items() if path.startswith(f"{name}."))
    readers = [part for part in within if {"input_ids", "pixel_values"} & set(parameters_of(part))]
    if not depth or not readers:
        return None
    return FrozenBlocks(readers[-1], blocks[:depth])


def parameters_of(part: torch.nn.Module) -> Iterable[str]:
    """Name what a module's forward takes."""
    return inspect.signature(part.forward).parameters


def is_adapted(block: torch.nn.Module) -> bool:
    """Tell whether something in a block is trained, or was put into it by PEFT."""
    return any(part.requires_grad for part in block.parameters()) or any(
        hasattr(part, "adapter_layer_names") for part in block.modules()
    )


def is_more_than_called(part: torch.nn.Module) -> bool:
    """Tell whether a module gathers statistics, is compiled, left out at random or called again."""
    state = [getattr(part, name, None) for name in ("running_mean", "_compiled_call_impl")]
    flags = [getattr(part, name, False) for name in ("layerdrop", "gradient_checkpointing")]
    return state != [None, None] or any(flags)


def can_skip(model: torch.nn.Module, frozen: FrozenBlocks, batch: Mapping[str, Any]) -> bool:
    """Try whether a batch has the same loss where the frozen blocks are skipped."""
    frozen.attach()
    try:
        with in_mode(model, training=False):
            hidden = reach(frozen, lambda: model(**batch))
            if not isinstance(hidden, torch.Tensor) or hidden.requires_grad:
                return False
            with torch.no_grad():
                loss = model(**batch).loss
                frozen.recall = lambda inputs: hidden
                return torch.equal(model(**batch).loss, loss)
    finally:
        frozen.recall = forget
        frozen.detach()


def reach(frozen: FrozenBlocks, call: Callable[[], Any]) -> Any:
    """Return the output of the highest frozen block in a call, which ends there."""

    def stop(hidden: Any) -> None:
        raise Reached(hidden)

    before = frozen.recall, frozen.keep
    frozen.recall, frozen.keep = forget, stop
    try:
        call()
    except Reached as reached:
        return reached.args[0]
    finally:
        frozen.recall, frozen.keep = before
    return None


@contextmanager
def in_mode(model: torch.nn.Module, training: bool) -> Iterator[None]:
    """Put a model into training or evaluation mode for a while."""
    modes = [(part, part.training) for part in model.modules()]
    model.train(training)
    try:
        yield
    finally:
        for part, before in modes:
            part.training = before


def arithmetic(device: torch.device) -> str:
    """Name what changes the bits of a result besides the numbers that go into it."""
    enabled = torch.is_autocast_enabled(device.type)
    cast = torch.get_autocast_dtype(device.type) if enabled else None
    stack = getattr(torch.overrides, "_get_current_function_mode_stack", list)
    modes = [type(mode).__name__ for mode in stack()]
    # Sums are taken in another order with more threads.
    return f"{torch.get_num_threads()} threads, autocast to {cast}, within {modes}"


def digest(*tensors: torch.Tensor) -> bytes:
    """Return a key for what these tensors hold and how torch computes with them at present."""
    key = blake2b(arithmetic(tensors[0].device).encode(), digest_size=16)
    for tensor in tensors:
        key.update(tensor.contiguous().cpu().numpy().data)
    return key.digest()
