"""Equal blocks of a model: two or three of them tell what any number of them takes.

Every block of a kind allocates alike, so whatever is alive at one moment of a step grows by the same
bytes with each block more.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import PreTrainedModel

from workbench.registry.technique import Technique
from workbench.training.adaptation.layer_lists import outermost
from workbench.training.adaptation.wrapping import unwrapped

MANY = 12  # models with at most so many blocks are run as they are
_LONGEST = 6  # blocks in a round: kinds of blocks may alternate in a longer pattern than two
_MIDDLE = "middle"
# Arguments that choose some layers and not others.
_LAYER_ARGUMENTS = ("layers_to_transform", "layers_pattern", "layer_replication", "adapter_layers")
_MODULE_ARGUMENTS = ("target_modules", "modules_to_save", "exclude_modules", "target_parameters")


@dataclass(frozen=True)
class Stack:
    """Blocks of a model that stand in a row.

    Parameters
    ----------
    path : str
        The name of their list.
    first : int
        Blocks before those that repeat.
    round : int
        Blocks after which they repeat.
    rounds : int
    """

    path: str
    first: int
    round: int
    rounds: int


def stacks(model: torch.nn.Module) -> list[Stack]:
    """Find the stacks of a model whose blocks repeat."""
    repeating = {}
    for path, module in model.named_modules():
        if isinstance(module, torch.nn.ModuleList) and len(module) > 1:
            stack = _rounds(path, [signature(block) for block in module])
            if stack is not None:
                repeating[path] = stack
    return [repeating[path] for path in outermost(repeating)]


def _rounds(path: str, signatures: Sequence[Any]) -> Stack | None:
    """Return how a list of blocks repeats, up to two blocks at its start aside; None if it does not."""
    count = len(signatures)
    for size in range(1, _LONGEST + 1):
        for first in range(3):
            later = range(first, count - size)
            if later and all(signatures[index] == signatures[index + size] for index in later):
                before = first + (count - first) % size
                return Stack(path, before, size, (count - before) // size)
    return None


def signature(block: torch.nn.Module) -> tuple:
    """Return what makes a block allocate as it does: its modules, their settings and parameters."""
    return tuple(
        (
            name,
            type(module).__name__,
            tuple(sorted(_settings(module).items(), key=str)),
            tuple(
                (attribute, tensor.shape, tensor.dtype, tensor.requires_grad)
                for attribute, tensor in module._parameters.items()
                if tensor is not None
            ),
        )
        for name, module in block.named_modules()
    )


def _settings(module: torch.nn.Module) -> Mapping[str, Any]:
    return {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, bool | int | float | str) and name not in ("layer_idx", "layer_id")
    }


def singles_out(technique: Technique, arguments: Mapping[str, Any]) -> bool:
    """Tell whether a technique treats some layers unlike others."""
    modules = [arguments.get(name) or () for name in _MODULE_ARGUMENTS]
    patterns = [value for name, value in arguments.items() if name.endswith("_pattern")]
    return (
        technique.selects_by_depth
        or any(arguments.get(name) is not None for name in _LAYER_ARGUMENTS)
        or any(patterns)
        or any(isinstance(names, str) for names in modules)
        or any(character.isdigit() for names in modules for name in names for character in name)
    )


def thinned(
    model: PreTrainedModel, stacks: Sequence[Stack], rounds: Sequence[int]
) -> PreTrainedModel:
    """Copy a skeleton with fewer rounds in each of its stacks, the first and the last among them.

    Parameters
    ----------
    model : PreTrainedModel
    stacks : sequence of Stack
    rounds : sequence of int
        How many rounds are left in each stack, at least two.
    """
    # What is dropped is not copied: a deep copy puts None in its place.
    memo: dict[int, Any] = {}
    for stack, count in zip(stacks, rounds, strict=True):
        blocks = list(model.get_submodule(stack.path)._modules.values())
        begin = stack.first + stack.round * (count - 1)
        for block in blocks[begin : len(blocks) - stack.round]:
            memo[id(block)] = None
    thin = copy.deepcopy(model, memo)
    for stack in stacks:
        parent, _, name = stack.path.rpartition(".")
        remaining = [block for block in thin.get_submodule(stack.path)._modules.values() if block]
        setattr(thin.get_submodule(parent), name, torch.nn.ModuleList(remaining))
    return thin


def equal(model: torch.nn.Module, stacks: Sequence[Stack]) -> bool:
    """Tell whether the rounds of an adapted model are still equal."""
    return all(
        len({signature(block) for block in _blocks(model, stack)[stack.first :: stack.round]}) == 1
        for stack in stacks
    )


def mark(model: torch.nn.Module, stacks: Sequence[Stack], phase: Callable[[str], None]) -> None:
    """Begin a phase where each stack's first round ends and where its last one begins.

    Between these, memory grows or shrinks evenly from round to round, so the peak is never there.

    Parameters
    ----------
    model : torch.nn.Module
    stacks : sequence of Stack
    phase : callable
        Called with the name of each phase as it begins.
    """
    for number, stack in enumerate(stacks):
        blocks = _blocks(model, stack)
        first, last = stack.first + stack.round - 1, len(blocks) - stack.round - 1
        for index in sorted({first, last}):
            _mark_at(blocks[index], number, index == first, index == last, phase)


def _mark_at(
    block: torch.nn.Module, number: int, first: bool, last: bool, phase: Callable[[str], None]
) -> None:
    def forward(*call: Any) -> None:
        if torch._C._current_graph_task_id() != -1:
            return  # computed again in the backward pass
        output = call[-1][0] if isinstance(call[-1], tuple) else call[-1]
        if first:
            phase(f"forward {number} {_MIDDLE}")
        if last:
            phase(f"forward {number} end")
        # Some techniques pass more than a tensor from block to block.
        if isinstance(output, torch.Tensor) and output.requires_grad:
            output.register_hook(backward)

    def backward(_: torch.Tensor) -> None:
        if last:
            phase(f"backward {number} {_MIDDLE}")
        if first:
            phase(f"backward {number} end")

    block.register_forward_hook(forward)


def extended(
    least: Mapping[str, Mapping[str, int]],
    others: Sequence[Mapping[str, Mapping[str, int]]],
    stacks: Sequence[Stack],
) -> dict[str, dict[str, int]]:
    """Return the peaks of a whole model from those of a thinned one.

    Parameters
    ----------
    least : mapping
        Of each phase the bytes of each kind, with two rounds in every stack.
    others : sequence of mapping
        The same with a third round in one of the stacks, one after another.
    stacks : sequence of Stack
    """
    return {
        phase: {
            kind: size
            + sum(
                (stack.rounds - 2) * (more[phase][kind] - size)
                for stack, more in zip(stacks, others, strict=True)
            )
            for kind, size in parts.items()
        }
        for phase, parts in least.items()
        if not phase.endswith(_MIDDLE)
    }


def _blocks(model: torch.nn.Module, stack: Stack) -> list[torch.nn.Module]:
    return list(unwrapped(model).get_submodule(stack.path).children())
