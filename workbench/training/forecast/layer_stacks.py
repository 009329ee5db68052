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

from workbench.registry.technique import Technique
from workbench.training.adaptation.layer_lists import outermost
from workbench.training.adaptation.wrapping import unwrapped

MANY = 12  # models of so few blocks are run whole
_LONGEST = 6  # kinds of blocks may take turns in rounds of so many
_MIDDLE = "middle"
# Arguments that mean some layers and not others.
_SINGLING = ("layers_to_transform", "layers_pattern", "layer_replication", "adapter_layers")
_NAMING = ("target_modules", "modules_to_save", "exclude_modules", "target_parameters")


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


def _rounds(path: str, kinds: Sequence[Any]) -> Stack | None:
    for size in range(1, _LONGEST + 1):
        for first in range(3):
            later = range(first, len(kinds) - size)
            if later and all(kinds[index] == kinds[index + size] for index in later):
                before = first + (len(kinds) - first) % size
                return Stack(path, before, size, (len(kinds) - before) // size)
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
    named = [arguments.get(name) or () for name in _NAMING]
    patterns = [value for name, value in arguments.items() if name.endswith("_pattern")]
    return (
        technique.selects_by_depth
        or any(arguments.get(name) is not None for name in _SINGLING)
        or any(patterns)
        or any(isinstance(one, str) for one in named)
        or any(character.isdigit() for one in named for name in one for character in name)
    )


def thinned(
    model: torch.nn.Module, found: Sequence[Stack], rounds: Sequence[int]
) -> torch.nn.Module:
    """Copy a skeleton with so many rounds in each of its stacks, the first and the last among them."""
    memo: dict[int, Any] = {}
    for stack, kept in zip(found, rounds, strict=True):
        blocks = model.get_submodule(stack.path)
        begin = stack.first + stack.round * (kept - 1)
        for block in list(blocks)[begin : len(blocks) - stack.round]:
            memo[id(block)] = None
    made = copy.deepcopy(model, memo)
    for stack in found:
        parent, _, name = stack.path.rpartition(".")
        left = [block for block in made.get_submodule(stack.path)._modules.values() if block]
        setattr(made.get_submodule(parent), name, torch.nn.ModuleList(left))
    return made


def equal(model: torch.nn.Module, found: Sequence[Stack]) -> bool:
    """Tell whether the rounds of an adapted model are still equal."""
    return all(
        len({signature(block) for block in _blocks(model, stack)[stack.first :: stack.round]}) == 1
        for stack in found
    )


def mark(model: torch.nn.Module, found: Sequence[Stack], phase: Callable[[str], None]) -> None:
    """Begin a phase where each stack's first round ends and where its last one begins.

    What lies between grows or shrinks evenly from round to round, so the most is never there.

    Parameters
    ----------
    phase : callable
        Told the name of each phase.
    """
    for number, stack in enumerate(found):
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
    found: Sequence[Stack],
) -> dict[str, dict[str, int]]:
    """Return the peaks of a whole model from those of a thinned one.

    Parameters
    ----------
    least : mapping
        Of each phase the bytes of each kind, with two rounds in every stack.
    others : sequence of mapping
        The same with a third round in one of the stacks, one after another.
    found : sequence of Stack
    """
    return {
        phase: {
            kind: size
            + sum(
                (stack.rounds - 2) * (more[phase][kind] - size)
                for stack, more in zip(found, others, strict=True)
            )
            for kind, size in parts.items()
        }
        for phase, parts in least.items()
        if not phase.endswith(_MIDDLE)
    }


def _blocks(model: torch.nn.Module, stack: Stack) -> list[torch.nn.Module]:
    return list(unwrapped(model).get_submodule(stack.path).children())
