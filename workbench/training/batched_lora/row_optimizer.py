"""A run's optimizer over its row of a stack, in the place of the one over its own parameters."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import torch

from workbench.training.batched_lora.stack import PARTS, Slot, Stack

# What treats each number by itself can step many parameters as one, with a tenth of the calls.
ELEMENTWISE = (torch.optim.AdamW, torch.optim.SGD, torch.optim.RMSprop)


@dataclass
class _StandIn:
    """A parameter of the twin, for some of the run's own."""

    parameter: torch.nn.Parameter
    place: slice | Slot
    owners: list[torch.nn.Parameter]

    def of(self, row: torch.Tensor) -> torch.Tensor:
        if isinstance(self.place, slice):
            return row[self.place]
        return self.place.of(row, self.owners[0])


class RowOptimizer:
    """An optimizer with the settings of a run's own, which goes on ruling the learning rates.

    Parameters
    ----------
    optimizer : torch.optim.Optimizer
        The run's own, which has not stepped yet.
    stack : Stack
    run : int
        The run's row.

    Attributes
    ----------
    optimizer : torch.optim.Optimizer
        The one that steps.
    """

    def __init__(self, optimizer: torch.optim.Optimizer, stack: Stack, run: int):
        self.own = optimizer
        self._slots = {id(parameter): slot for slot, parameter in stack.of(run)}
        self._stand_ins: list[_StandIn] = []
        groups = [
            {**group, "params": list(self._replace(group["params"], stack))}
            for group in optimizer.param_groups
        ]
        self.optimizer = object.__new__(type(optimizer))
        # A scheduler has wrapped the step of the one object that it knows.
        kept = {name: value for name, value in vars(optimizer).items() if name != "step"}
        vars(self.optimizer).update(kept, param_groups=groups, state=defaultdict(dict))
        self.point(stack, run)

    def _replace(
        self, owners: list[torch.nn.Parameter], stack: Stack
    ) -> Iterator[torch.nn.Parameter]:
        """Stand in for what the optimizer treats alike: in whole spans where that is the same."""
        if type(self.own) not in ELEMENTWISE or not self._fill_spans(owners):
            for owner in owners:
                slot = self._slots.get(id(owner))
                # Some optimizers are given the frozen base too, of which they move nothing.
                yield owner if slot is None else self._stand_in(stack, slot, [owner])
            return
        for part in PARTS:
            places = [slot for slot in stack.slots if slot.part == part]
            mine = [owner for owner in owners if self._slots[id(owner)].part == part]
            if mine:
                yield self._stand_in(stack, slice(places[0].offset, places[-1].end), mine)

    def _fill_spans(self, owners: list[torch.nn.Parameter]) -> bool:
        """Tell whether these are all or none of the run's parameters of each part."""
        mine = Counter(self._slots[id(owner)].part for owner in owners)
        all_of_them = Counter(slot.part for slot in self._slots.values())
        return all(mine[part] == all_of_them[part] for part in mine)

    def _stand_in(
        self, stack: Stack, place: slice | Slot, owners: list[torch.nn.Parameter]
    ) -> torch.nn.Parameter:
        made = torch.nn.Parameter(stack.values.new_empty(0))
        self._stand_ins.append(_StandIn(made, place, owners))
        return made

    def point(self, stack: Stack, run: int) -> None:
        """Take the run's row from where it lies now."""
        self._stack, self._run = stack, run
        self.row, self.gradients = stack.values[run], stack.gradients[run]
        for one in self._stand_ins:
            one.parameter.grad = None
            one.parameter.data = one.of(self.row)
            if one.owners[0].requires_grad:
                one.parameter.grad = one.of(self.gradients)
        self._frozen = [
            slot.of(self.gradients, parameter)
            for slot, parameter in stack.of(run)
            if not parameter.requires_grad
        ]

    def lend(self) -> None:
        """Let the run's own parameters be views of its row."""
        for slot, parameter in self._stack.of(self._run):
            parameter.data = slot.of(self.row, parameter)

    def step(self, max_grad_norm: float) -> float:
        """Clip, step and forget the gradients; returns their norm before clipping.

        If it is not finite, nothing is stepped.
        """
        for gradient in self._frozen:
            gradient.zero_()
        norm = torch.linalg.vector_norm(self.gradients).item()
        if math.isfinite(norm):
            self.gradients.mul_(min(1.0, max_grad_norm / (norm + 1e-6)))
            for mine, theirs in zip(
                self.optimizer.param_groups, self.own.param_groups, strict=True
            ):
                mine["lr"] = theirs["lr"]
            self.optimizer.step()
        self.gradients.zero_()
        return norm

    def give_back(self) -> None:
        """Give the run's own parameters and optimizer what was learnt, in memory of their own."""
        for slot, parameter in self._stack.of(self._run):
            parameter.data = slot.of(self.row, parameter).clone(
                memory_format=torch.contiguous_format
            )
        named = {one.parameter: one.owners[0] for one in self._stand_ins}
        for key, state in self.optimizer.state.items():
            spans = [one for one in self._stand_ins if one.parameter is key]
            if spans and isinstance(spans[0].place, slice):
                for owner in spans[0].owners:
                    self.own.state[owner] = {
                        name: self._part(value, spans[0].place, owner)
                        for name, value in state.items()
                    }
            else:
                # Some optimizers know parameters by their names.
                self.own.state[named.get(key, key)] = state

    def _part(self, value: object, span: slice, owner: torch.nn.Parameter) -> object:
        """Cut what belongs to one parameter out of what a span's state holds."""
        if not torch.is_tensor(value):
            return value
        if value.dim() == 0:
            return value.clone()
        row = torch.zeros_like(self.row)
        row[span] = value
        return self._slots[id(owner)].of(row, owner).clone(memory_format=torch.contiguous_format)
