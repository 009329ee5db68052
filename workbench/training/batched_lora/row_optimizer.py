"""A run's optimizer, stepping over its row of an adapter stack instead of over the run's parameters."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import torch

from workbench.training.batched_lora.adapter_stack import PARTS, AdapterStack, ParameterSlot

# These treat each number by itself, so they can step many parameters as one, with a tenth of the calls.
ELEMENTWISE = (torch.optim.AdamW, torch.optim.SGD, torch.optim.RMSprop)


@dataclass
class _RowParameter:
    """A parameter of the row's optimizer.

    Parameters
    ----------
    parameter : torch.nn.Parameter
        A view of the row: of shape (numbers,) for a span of it, else of the run's own parameter's shape.
    part_of_row : slice or ParameterSlot
        What of the row it is: a span, or one slot.
    originals : list of torch.nn.Parameter
        The run's own parameters that it stands for: one, or all that lie in the span.
    """

    parameter: torch.nn.Parameter
    part_of_row: slice | ParameterSlot
    originals: list[torch.nn.Parameter]

    def view(self, row: torch.Tensor) -> torch.Tensor:
        """Return what it is of a row of shape (numbers,)."""
        if isinstance(self.part_of_row, slice):
            return row[self.part_of_row]
        return self.part_of_row.view(row, self.originals[0])


class RowOptimizer:
    """A copy of a run's optimizer over its row of a stack; the run's scheduler goes on setting its rates.

    Parameters
    ----------
    run_optimizer : torch.optim.Optimizer
        The run's own, which has not stepped yet.
    stack : AdapterStack
    run : int
        The run's row.

    Attributes
    ----------
    optimizer : torch.optim.Optimizer
        The one that steps.
    row, gradients : torch.Tensor
        The run's values and gradients in the stack, of shape (numbers,).
    """

    def __init__(self, run_optimizer: torch.optim.Optimizer, stack: AdapterStack, run: int):
        self.run_optimizer = run_optimizer
        self._slots = {id(parameter): slot for slot, parameter in stack.parameters_of(run)}
        self._row_parameters: list[_RowParameter] = []
        groups = [
            {**group, "params": list(self._replace(group["params"], stack))}
            for group in run_optimizer.param_groups
        ]
        self.optimizer = object.__new__(type(run_optimizer))
        # The scheduler has wrapped the step method of the run's own optimizer, which is not this one's.
        attributes = {name: value for name, value in vars(run_optimizer).items() if name != "step"}
        vars(self.optimizer).update(attributes, param_groups=groups, state=defaultdict(dict))
        self.bind_row(stack, run)

    def _replace(
        self, originals: list[torch.nn.Parameter], stack: AdapterStack
    ) -> Iterator[torch.nn.Parameter]:
        """Yield views of the row for a group's parameters: whole spans where the optimizer allows it."""
        if type(self.run_optimizer) not in ELEMENTWISE or not self._fill_spans(originals):
            for original in originals:
                slot = self._slots.get(id(original))
                # Some optimizers are given the frozen base too, of which they move nothing.
                yield original if slot is None else self._row_parameter(stack, slot, [original])
            return
        for part in PARTS:
            slots = [slot for slot in stack.slots if slot.part == part]
            same_part = [
                original for original in originals if self._slots[id(original)].part == part
            ]
            if same_part:
                span = slice(slots[0].offset, slots[-1].end)
                yield self._row_parameter(stack, span, same_part)

    def _fill_spans(self, originals: list[torch.nn.Parameter]) -> bool:
        """Tell whether these are all or none of the run's parameters of each part."""
        counts = Counter(self._slots[id(original)].part for original in originals)
        totals = Counter(slot.part for slot in self._slots.values())
        return all(counts[part] == totals[part] for part in counts)

    def _row_parameter(
        self,
        stack: AdapterStack,
        part_of_row: slice | ParameterSlot,
        originals: list[torch.nn.Parameter],
    ) -> torch.nn.Parameter:
        parameter = torch.nn.Parameter(stack.values.new_empty(0))
        self._row_parameters.append(_RowParameter(parameter, part_of_row, originals))
        return parameter

    def bind_row(self, stack: AdapterStack, run: int) -> None:
        """Let the optimizer's parameters and gradients be views of a run's row as it is stored now."""
        self._stack, self._run = stack, run
        self.row, self.gradients = stack.values[run], stack.gradients[run]
        for part in self._row_parameters:
            part.parameter.grad = None
            part.parameter.data = part.view(self.row)
            if part.originals[0].requires_grad:
                part.parameter.grad = part.view(self.gradients)
        self._frozen = [
            slot.view(self.gradients, parameter)
            for slot, parameter in stack.parameters_of(run)
            if not parameter.requires_grad
        ]

    def share_row(self) -> None:
        """Let the run's own parameters be views of its row, so that its model computes with what is learnt."""
        for slot, parameter in self._stack.parameters_of(self._run):
            parameter.data = slot.view(self.row, parameter)

    def step(self, max_grad_norm: float) -> float:
        """Clip the row's gradients, step and zero them; returns their norm before clipping.

        Nothing is stepped where the norm is not finite.
        """
        for gradient in self._frozen:
            gradient.zero_()
        norm = torch.linalg.vector_norm(self.gradients).item()
        if math.isfinite(norm):
            self.gradients.mul_(min(1.0, max_grad_norm / (norm + 1e-6)))
            for group, run_group in zip(
                self.optimizer.param_groups, self.run_optimizer.param_groups, strict=True
            ):
                group["lr"] = run_group["lr"]
            self.optimizer.step()
        self.gradients.zero_()
        return norm

    def return_row(self) -> None:
        """Copy what was learnt into memory of the run's own parameters and optimizer."""
        for slot, parameter in self._stack.parameters_of(self._run):
            parameter.data = slot.view(self.row, parameter).clone(
                memory_format=torch.contiguous_format
            )
        row_parameters = {id(part.parameter): part for part in self._row_parameters}
        for key, state in self.optimizer.state.items():
            part = row_parameters.get(id(key))
            if part is None:  # some optimizers know parameters by their names
                self.run_optimizer.state[key] = state
            elif isinstance(part.part_of_row, slice):
                for original in part.originals:
                    self.run_optimizer.state[original] = {
                        name: self._state_of(original, value, part.part_of_row)
                        for name, value in state.items()
                    }
            else:
                self.run_optimizer.state[part.originals[0]] = state

    def _state_of(self, original: torch.nn.Parameter, value: object, span: slice) -> object:
        """Cut one parameter's share out of a span's optimizer state.

        Parameters
        ----------
        original : torch.nn.Parameter
            The run's own.
        value : torch.Tensor or other
            Of shape (numbers of the span,), such as a mean of gradients, or (), such as a step count.
        span : slice
            Of the row.

        Returns
        -------
        torch.Tensor or other
            Of the parameter's shape, in memory of its own; what is no such tensor as it is.
        """
        if not torch.is_tensor(value):
            return value
        if value.dim() == 0:
            return value.clone()
        row = torch.zeros_like(self.row)
        row[span] = value
        slot = self._slots[id(original)]
        return slot.view(row, original).clone(memory_format=torch.contiguous_format)
