"""Frozen blocks under the first trained one, skipped where what they return is known.

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
    """Carries what the highest frozen block has returned, where nothing above it is wanted."""


class FrozenBlocks:
    """The blocks under the first trained one, skipped wherever what they return is known.

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
        Takes what the backbone is given, by name; returns what the highest of ``blocks`` would
        return, or None where that is not known.
    keep : callable
        Takes what the highest of ``blocks`` has returned, where it was not known.
    """

    def __init__(self, backbone: torch.nn.Module, blocks: list[torch.nn.Module]):
        self.backbone, self.blocks = backbone, blocks
        self.recall: Callable[[dict[str, torch.Tensor]], torch.Tensor | None] = forget
        self.keep: Callable[[torch.Tensor], Any] = forget
        self._signature = inspect.signature(backbone.forward)
        self._hooks: list[Any] = []
        self._plain = False
        self._known: torch.Tensor | None = None

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
        known = None if inputs is None else self.recall(inputs)
        self._plain, self._known = inputs is not None, known

    def _end(self, *_: object) -> None:
        self._plain, self._known = False, None

    def _pass(
        self, forward: Callable, highest: bool, hidden_states: torch.Tensor, *args: Any, **more: Any
    ) -> Any:
        if self._known is not None:
            return self._known
        output = forward(hidden_states, *args, **more)
        if highest and self._plain:
            self.keep(output)
        return output


def forget(_: Any) -> None:
    """Know nothing and keep nothing."""


def plain_inputs(signature: inspect.Signature, args: tuple, kwargs: dict) -> dict | None:
    """Return what a backbone is given, by name; None where that is more than a plain batch.

    More are words generated so far, positions that do not follow from a mask, or a wish for what
    blocks return on the way.
    """
    given = dict(signature.bind(*args, **kwargs).arguments)
    given |= given.pop("kwargs", {})
    told = {
        name: value for name, value in given.items() if value is not None and value is not False
    }
    told.pop("return_dict", None)
    if "attention_mask" in told:
        told.pop("position_ids", None)
    return told if set(told) <= {"input_ids", "pixel_values", "attention_mask"} else None


def find_frozen(model: torch.nn.Module, batch: Mapping[str, Any]) -> FrozenBlocks | None:
    """Return the blocks under the first trained one, if there are some that can be skipped.

    That is tried on a batch: its loss must be the same to the last bit where they are skipped.
    """
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
    frozen = FrozenBlocks(readers[-1], blocks[:depth])
    return frozen if can_skip(model, frozen, batch) else None


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
    found = [getattr(part, name, None) for name in ("running_mean", "_compiled_call_impl")]
    flags = [getattr(part, name, False) for name in ("layerdrop", "gradient_checkpointing")]
    return found != [None, None] or any(flags)


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
    """Return what the highest frozen block returns in a call, which ends there."""

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
    """Name what changes the bits of a result beside the numbers that go into it."""
    kind = device.type
    cast = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else None
    stack = getattr(torch.overrides, "_get_current_function_mode_stack", list)
    modes = [type(mode).__name__ for mode in stack()]
    # Sums are taken in another order with more threads.
    return f"{torch.get_num_threads()} threads, autocast to {cast}, within {modes}"


def digest(*tensors: torch.Tensor) -> bytes:
    """Return a key for what these tensors hold and how torch computes with them at present."""
    told = blake2b(arithmetic(tensors[0].device).encode(), digest_size=16)
    for tensor in tensors:
        told.update(tensor.contiguous().cpu().numpy())
    return told.digest()
