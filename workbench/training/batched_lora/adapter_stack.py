"""Several LoRA runs over one frozen base as one model: their adapters in one tensor, a row for each run.

A batch holds the rows of all runs, one run after the other: its first dimension is runs * batch. The base
reads them all at once; where it carries adapters, one batched product computes those of all runs. Ranks
are padded with zeros to the highest, and stay zero: what they are multiplied with is zero on the other
side.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from peft.tuners.lora import LoraLayer
from peft.utils import ModulesToSaveWrapper
from torch import nn

from workbench.training.adaptation.quantize import extra_tensors
from workbench.training.adaptation.wrapping import unwrapped

# The order within a row, so that parameters which an optimizer treats alike are neighbours.
PARTS = ("lora_A", "lora_B", "weight", "bias")


@dataclass(frozen=True)
class ParameterSlot:
    """Where one parameter of each run is stored within that run's row.

    Parameters
    ----------
    module : str
        The linear's name in the base.
    part : {"lora_A", "lora_B", "weight", "bias"}
        LoRA's matrices, or those of a linear that each run trains a copy of.
    shape : tuple of int
        lora_A (r, in), lora_B transposed (r, out), with the highest rank of all runs; weight (out, in),
        bias (out,).
    offset : int
        Of the first number in the row.
    """

    module: str
    part: str
    shape: tuple[int, ...]
    offset: int

    @property
    def end(self) -> int:
        """The offset of the next slot."""
        return self.offset + math.prod(self.shape)

    def view(self, row: torch.Tensor, parameter: torch.Tensor) -> torch.Tensor:
        """Return the view of a row that stands for a run's parameter.

        Parameters
        ----------
        row : torch.Tensor
            Of shape (numbers,).
        parameter : torch.Tensor
            The run's own: lora_A (its r, in), lora_B (out, its r), weight (out, in) or bias (out,).

        Returns
        -------
        torch.Tensor
            Of the parameter's shape.
        """
        values = row[self.offset : self.end].view(self.shape)
        if self.part == "lora_A":
            return values[: parameter.shape[0]]
        if self.part == "lora_B":
            return values[: parameter.shape[1]].t()
        return values


def trained_linears(base: nn.Module) -> Iterator[tuple[str, str, nn.Parameter]]:
    """Yield what LoRA trains in a model: the linear's name, the part (see :data:`PARTS`), the parameter."""
    for name, module in base.named_modules():
        if isinstance(module, LoraLayer):
            for adapter in module.active_adapters:
                if adapter in module.lora_A:
                    yield name, "lora_A", _parameter(module.lora_A[adapter].weight)
                    yield name, "lora_B", _parameter(module.lora_B[adapter].weight)
        elif isinstance(module, ModulesToSaveWrapper):
            for inner, linear in trained_copy(module).named_modules(prefix=name):
                if isinstance(linear, nn.Linear):
                    yield inner, "weight", _parameter(linear.weight)
                    if linear.bias is not None:
                        yield inner, "bias", _parameter(linear.bias)


def _parameter(tensor: torch.Tensor | nn.Module) -> nn.Parameter:
    """Tell type checkers what PEFT's and PyTorch's own annotations do not."""
    return cast(nn.Parameter, tensor)


def trained_copy(wrapper: ModulesToSaveWrapper) -> nn.Module:
    """Return the copy of the base's module that a run trains."""
    return wrapper.modules_to_save[wrapper.active_adapters[0]]


class StackedLora(nn.Module):
    """A frozen linear with the LoRA of each run.

    Attributes
    ----------
    base_layer : torch.nn.Module
        The linear, of out features by in features.
    lora_A : torch.Tensor
        Of shape (runs, r, in).
    lora_B : torch.Tensor
        Of shape (runs, r, out), transposed.
    scale : torch.Tensor
        LoRA's scaling of each run, of shape (runs, 1, 1).
    """

    lora_A: torch.Tensor
    lora_B: torch.Tensor
    scale: torch.Tensor

    def __init__(self, base_layer: nn.Module):
        super().__init__()
        self.base_layer = base_layer

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Compute the base's product for all rows, and add each run's LoRA to its own rows.

        Parameters
        ----------
        x : torch.Tensor
            Of shape (runs * batch, seq, in) or (runs * batch, in), one run after the other.

        Returns
        -------
        torch.Tensor
            Of shape (runs * batch, seq, out) or (runs * batch, out).
        """
        runs, _, features = self.lora_A.shape
        y = self.base_layer(x)
        # (runs, batch * seq, in) by (runs, in, r)
        hidden = torch.bmm(x.reshape(runs, -1, features), self.lora_A.transpose(1, 2)) * self.scale
        return torch.baddbmm(y.reshape(runs, -1, y.shape[-1]), hidden, self.lora_B).view_as(y)


class StackedLinear(nn.Module):
    """A linear that each run trains a copy of, such as a new head.

    Attributes
    ----------
    weight : torch.Tensor
        Of shape (runs, out, in).
    bias : torch.Tensor or None
        Of shape (runs, out).
    """

    weight: torch.Tensor
    bias: torch.Tensor | None = None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Multiply each run's rows by its own weight.

        Parameters
        ----------
        x : torch.Tensor
            Of shape (runs * batch, seq, in) or (runs * batch, in), one run after the other.

        Returns
        -------
        torch.Tensor
            Of shape (runs * batch, seq, out) or (runs * batch, out).
        """
        runs, out, features = self.weight.shape
        y = torch.bmm(x.reshape(runs, -1, features), self.weight.transpose(1, 2))
        if self.bias is not None:
            y = y + self.bias[:, None]
        return y.view(*x.shape[:-1], out)


class AdapterStack:
    """The trained parameters of several runs, a row for each, and the model that computes with them.

    A step is :meth:`serve`, one :meth:`backward` for each micro-batch, and :meth:`collect`.

    Parameters
    ----------
    models : sequence of peft.PeftModel
        Over the tensors of one base; see :mod:`workbench.training.batched_lora.eligibility`.

    Attributes
    ----------
    model : torch.nn.Module
        The base with stacked linears; takes batches of runs * batch rows.
    slots : list of ParameterSlot
        Of a row.
    parameters : list of dict
        Of each run, its parameters by module and part.
    values, gradients : torch.Tensor
        Of shape (runs, numbers).
    """

    def __init__(self, models: Sequence[nn.Module]):
        bases = [unwrapped(model) for model in models]
        self.parameters = [
            {(name, part): parameter for name, part, parameter in trained_linears(base)}
            for base in bases
        ]
        self.slots = list(self._lay_out())
        example = next(iter(self.parameters[0].values()))
        self.values = example.new_zeros(len(models), self.slots[-1].end)
        self.gradients = torch.zeros_like(self.values)
        # Of shape (runs, 1, 1), by the linear's name.
        self._scales = {
            slot.module: torch.stack([_scale(base, slot.module, example) for base in bases])
            for slot in self.slots
            if slot.part == "lora_A"
        }
        self.model, self._linears = _stacked(bases, set(self._scales))
        self._served: tuple[int, ...] = ()
        # The gradients of the runs that are served, of shape (runs served, numbers).
        self._sums = self.gradients
        self._leaves: list[torch.Tensor] = []
        self._leaf_sums: list[torch.Tensor] = []
        self.load()

    def _lay_out(self) -> Iterator[ParameterSlot]:
        shapes: dict[tuple[str, str], tuple[int, ...]] = {}
        for parameters in self.parameters:
            for key, parameter in parameters.items():
                shape = tuple(parameter.t().shape if key[1] == "lora_B" else parameter.shape)
                shapes[key] = max(shape, shapes.get(key, shape))
        offset = 0
        for module, part in sorted(shapes, key=lambda key: PARTS.index(key[1])):
            slot = ParameterSlot(module, part, shapes[module, part], offset)
            offset = slot.end
            yield slot

    def load(self) -> None:
        """Copy each run's parameters into its row."""
        self.values.zero_()
        for run in range(len(self.parameters)):
            for slot, parameter in self.parameters_of(run):
                slot.view(self.values[run], parameter).copy_(parameter.data)

    def parameters_of(self, run: int) -> Iterator[tuple[ParameterSlot, nn.Parameter]]:
        """Yield a run's parameters with their slots; other runs may train more linears."""
        for slot in self.slots:
            parameter = self.parameters[run].get((slot.module, slot.part))
            if parameter is not None:
                yield slot, parameter

    def keep_runs(self, runs: Sequence[int]) -> None:
        """Drop the rows of all other runs; these are numbered from 0 in this order from now on."""
        indices = list(runs)
        self.parameters = [self.parameters[run] for run in indices]
        self.values, self.gradients = self.values[indices], self.gradients[indices]
        self._scales = {name: scale[indices] for name, scale in self._scales.items()}
        self._served = ()

    def serve(self, runs: tuple[int, ...]) -> None:
        """Let the model compute with the parameters of these runs only.

        The stacked linears get leaf tensors of shape (runs served, *slot.shape), views of
        :attr:`values` if all runs are served, else a copy of their rows that is good for one step.
        Their gradients are added up in a buffer of shape (runs served, numbers).

        Parameters
        ----------
        runs : tuple of int
            In the order in which their rows come in a batch.
        """
        if runs == self._served:
            return
        every = len(runs) == len(self.parameters)
        values = self.values if every else self.values[list(runs)]
        self._sums = self.gradients if every else torch.zeros_like(values)
        self._leaves, self._leaf_sums = [], []
        for slot in self.slots:
            columns, shape = slice(slot.offset, slot.end), (len(runs), *slot.shape)
            leaf = values[:, columns].view(shape).detach().requires_grad_()
            self._leaves.append(leaf)
            self._leaf_sums.append(self._sums[:, columns].view(shape))
            setattr(self._linears[slot.module], slot.part, leaf)
        for name, scale in self._scales.items():
            self._linears[name].scale = scale if every else scale[list(runs)]
        self._served = runs if every else ()

    def backward(self, loss: torch.Tensor) -> None:
        """Add the gradients of a loss to those of the runs that are served.

        Parameters
        ----------
        loss : torch.Tensor
            Of shape (): the sum of the runs' losses, each of which depends on its own row only.
        """
        gradients = torch.autograd.grad(loss, self._leaves, materialize_grads=True)
        torch._foreach_add_(self._leaf_sums, gradients)

    def collect(self, runs: tuple[int, ...]) -> None:
        """Copy the gradients of the served runs into their rows of :attr:`gradients`.

        Where all runs are served they were added up there.
        """
        if self._sums is not self.gradients:
            self.gradients[list(runs)] = self._sums

    def discard_gradients(self, runs: tuple[int, ...]) -> None:
        """Zero the gradients of runs whose step failed halfway."""
        self.gradients[list(runs)] = 0
        self._served = ()


def _scale(base: nn.Module, name: str, like: torch.Tensor) -> torch.Tensor:
    """Return a run's LoRA scaling of a linear, of shape (1, 1); 0 where the run does not adapt it."""
    layer = base.get_submodule(name)
    scaling = layer.scaling[layer.active_adapters[0]] if isinstance(layer, LoraLayer) else 0.0
    return like.new_full((1, 1), scaling)


def _stacked(
    bases: Sequence[nn.Module], adapted: Iterable[str]
) -> tuple[nn.Module, dict[str, Any]]:
    """Copy the modules around the base's tensors, with stacked linears where runs train.

    Returns
    -------
    torch.nn.Module
    dict of str to StackedLora or StackedLinear
        The stacked linears, by their names in the base.
    """
    first = bases[0]
    shared = [*first.parameters(), *first.buffers(), *extra_tensors(first)]
    model = copy.deepcopy(first, {id(tensor): tensor for tensor in shared})
    linears: dict[str, nn.Module] = {}
    for name in adapted:
        layer = model.get_submodule(name)
        plain = layer.get_base_layer() if isinstance(layer, LoraLayer) else layer
        linears[name] = StackedLora(plain)
    for name, module in list(model.named_modules()):
        if isinstance(module, ModulesToSaveWrapper):
            model.set_submodule(name, trained_copy(module))
            for inner, part in trained_copy(module).named_modules(prefix=name):
                if isinstance(part, nn.Linear):
                    linears[inner] = StackedLinear()
    for name, linear in linears.items():
        model.set_submodule(name, linear)
    return model, linears
