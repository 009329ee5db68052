"""Several LoRA runs over one frozen base as one model: their adapters in one tensor, a row for each.

A batch holds every run's rows, one run after the other. The base reads them all at once; where it
carries adapters, one batched product serves all runs. Ranks are filled up with zeros to the highest,
and stay zero: what they are multiplied with is zero on the other side.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from peft.tuners.lora import LoraLayer
from peft.utils import ModulesToSaveWrapper

from workbench.training.adaptation.quantize import extra_tensors

# The order in which a row holds them, so that what an optimizer treats alike lies side by side.
PARTS = ("down", "up", "weight", "bias")


@dataclass(frozen=True)
class Slot:
    """Where one parameter of every run lies in its row.

    Parameters
    ----------
    module : str
        The linear's name in the base.
    part : {"down", "up", "weight", "bias"}
        LoRA's first matrix, its second (transposed), or of a linear that each run has of its own.
    shape : tuple of int
        With the highest rank.
    offset : int
    """

    module: str
    part: str
    shape: tuple[int, ...]
    offset: int

    @property
    def end(self) -> int:
        """Where the next one begins."""
        return self.offset + math.prod(self.shape)

    def of(self, row: torch.Tensor, parameter: torch.Tensor) -> torch.Tensor:
        """Return the part of a row that stands for a run's parameter, in that one's shape."""
        whole = row[self.offset : self.end].view(self.shape)
        if self.part == "down":
            return whole[: parameter.shape[0]]
        if self.part == "up":
            return whole[: parameter.shape[1]].t()
        return whole


def trained_linears(base: torch.nn.Module) -> Iterator[tuple[str, str, torch.nn.Parameter]]:
    """Go through what LoRA trains in a model: the linear's name, the part, and the parameter."""
    for name, module in base.named_modules():
        if isinstance(module, LoraLayer):
            for adapter in module.active_adapters:
                if adapter in module.lora_A:
                    yield name, "down", module.lora_A[adapter].weight
                    yield name, "up", module.lora_B[adapter].weight
        elif isinstance(module, ModulesToSaveWrapper):
            for inner, linear in own_module(module).named_modules(prefix=name):
                if isinstance(linear, torch.nn.Linear):
                    yield inner, "weight", linear.weight
                    if linear.bias is not None:
                        yield inner, "bias", linear.bias


def own_module(wrapper: ModulesToSaveWrapper) -> torch.nn.Module:
    """Return the module that a run trains in the place of the base's."""
    return wrapper.modules_to_save[wrapper.active_adapters[0]]


class StackedLora(torch.nn.Module):
    """A frozen linear with the LoRA of each run beside it."""

    down: torch.Tensor
    up: torch.Tensor
    scale: torch.Tensor

    def __init__(self, base_layer: torch.nn.Module):
        super().__init__()
        self.base_layer = base_layer

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Take the rows of all runs, one run after the other."""
        runs, _, features = self.down.shape
        y = self.base_layer(x)
        hidden = torch.bmm(x.reshape(runs, -1, features), self.down.transpose(1, 2)) * self.scale
        return torch.baddbmm(y.reshape(runs, -1, y.shape[-1]), hidden, self.up).view_as(y)


class StackedLinear(torch.nn.Module):
    """A linear that each run has of its own."""

    weight: torch.Tensor
    bias: torch.Tensor | None = None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Take the rows of all runs, one run after the other."""
        runs, out, features = self.weight.shape
        y = torch.bmm(x.reshape(runs, -1, features), self.weight.transpose(1, 2))
        if self.bias is not None:
            y = y + self.bias[:, None]
        return y.view(*x.shape[:-1], out)


class Stack:
    """The trained parameters of several runs, a row for each, and the model that computes with them.

    Parameters
    ----------
    models : sequence of peft.PeftModel
        Over the tensors of one base; see :mod:`workbench.training.batched_lora.eligibility`.

    Attributes
    ----------
    model : torch.nn.Module
        The base with stacked linears.
    slots : list of Slot
    values, gradients : torch.Tensor
        Of shape (runs, numbers).
    """

    def __init__(self, models: Sequence[torch.nn.Module]):
        bases = [model.get_base_model() for model in models]
        self.parameters = [
            {(name, part): parameter for name, part, parameter in trained_linears(base)}
            for base in bases
        ]
        self.slots = list(self._lay_out())
        example = next(iter(self.parameters[0].values()))
        self.values = example.new_zeros(len(models), self.slots[-1].end)
        self.gradients = torch.zeros_like(self.values)
        self._scales = {
            slot.module: torch.stack([_scale(base, slot.module, example) for base in bases])
            for slot in self.slots
            if slot.part == "down"
        }
        self.model, self._linears = _stacked(bases, set(self._scales))
        self._served: tuple[int, ...] = ()
        self._sums = self.gradients
        self.load()

    def _lay_out(self) -> Iterator[Slot]:
        shapes: dict[tuple[str, str], tuple[int, ...]] = {}
        for parameters in self.parameters:
            for key, parameter in parameters.items():
                shape = tuple(parameter.t().shape if key[1] == "up" else parameter.shape)
                shapes[key] = max(shape, shapes.get(key, shape))
        offset = 0
        for module, part in sorted(shapes, key=lambda key: PARTS.index(key[1])):
            slot = Slot(module, part, shapes[module, part], offset)
            offset = slot.end
            yield slot

    def load(self) -> None:
        """Copy each run's parameters into its row."""
        self.values.zero_()
        for run in range(len(self.parameters)):
            for slot, parameter in self.of(run):
                slot.of(self.values[run], parameter).copy_(parameter.data)

    def of(self, run: int) -> Iterator[tuple[Slot, torch.nn.Parameter]]:
        """Go through a run's parameters with where they lie; others may have more than it."""
        for slot in self.slots:
            parameter = self.parameters[run].get((slot.module, slot.part))
            if parameter is not None:
                yield slot, parameter

    def keep(self, runs: Sequence[int]) -> None:
        """Go on with these runs only, whose rows move up."""
        chosen = list(runs)
        self.parameters = [self.parameters[run] for run in chosen]
        self.values, self.gradients = self.values[chosen], self.gradients[chosen]
        self._scales = {name: scale[chosen] for name, scale in self._scales.items()}
        self._served = ()

    def serve(self, runs: tuple[int, ...]) -> None:
        """Let the model take the rows of these runs, and forget older gradients of theirs."""
        if runs == self._served:
            return
        every = len(runs) == len(self.parameters)
        values = self.values if every else self.values[list(runs)]
        self._sums = self.gradients if every else torch.zeros_like(values)
        self._leaves, self._places = [], []
        for slot in self.slots:
            part, shape = slice(slot.offset, slot.end), (len(runs), *slot.shape)
            leaf = values[:, part].view(shape).detach().requires_grad_()
            self._leaves.append(leaf)
            self._places.append(self._sums[:, part].view(shape))
            setattr(self._linears[slot.module], slot.part, leaf)
        for name, scale in self._scales.items():
            self._linears[name].scale = scale if every else scale[list(runs)]
        # Gathered values are a copy, good for one step.
        self._served = runs if every else ()

    def backward(self, loss: torch.Tensor) -> None:
        """Add the gradients of a loss to those of the runs that are served."""
        found = torch.autograd.grad(loss, self._leaves, materialize_grads=True)
        torch._foreach_add_(self._places, found)

    def collect(self, runs: tuple[int, ...]) -> None:
        """Put the gradients that were added up into the runs' rows."""
        if self._sums is not self.gradients:
            self.gradients[list(runs)] = self._sums

    def drop(self, runs: tuple[int, ...]) -> None:
        """Forget the gradients of runs whose step did not come to its end."""
        self.gradients[list(runs)] = 0
        self._served = ()


def _scale(base: torch.nn.Module, name: str, like: torch.Tensor) -> torch.Tensor:
    layer = base.get_submodule(name)
    adapted = isinstance(layer, LoraLayer)
    return like.new_full((1, 1), layer.scaling[layer.active_adapters[0]] if adapted else 0.0)


def _stacked(
    bases: Sequence[torch.nn.Module], adapted: Iterable[str]
) -> tuple[torch.nn.Module, dict[str, torch.nn.Module]]:
    """Copy the modules around the base's tensors, with stacked linears where runs train."""
    first = bases[0]
    shared = [*first.parameters(), *first.buffers(), *extra_tensors(first)]
    model = copy.deepcopy(first, {id(tensor): tensor for tensor in shared})
    linears: dict[str, torch.nn.Module] = {}
    for name in adapted:
        layer = model.get_submodule(name)
        plain = layer.get_base_layer() if isinstance(layer, LoraLayer) else layer
        linears[name] = StackedLora(plain)
    for name, module in list(model.named_modules()):
        if isinstance(module, ModulesToSaveWrapper):
            model.set_submodule(name, own_module(module))
            for inner, part in own_module(module).named_modules(prefix=name):
                if isinstance(part, torch.nn.Linear):
                    linears[inner] = StackedLinear()
    for name, linear in linears.items():
        model.set_submodule(name, linear)
    return model, linears
