"""What an adapted model takes, before anything is loaded: on disk and beside the base in memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from peft import get_peft_model_state_dict
from torch.overrides import TorchFunctionMode

from workbench.recipe import OPTIMIZERS, Recipe
from workbench.registry.techniques import get
from workbench.training.adaptation.meters import count_parameters
from workbench.training.adaptation.running_stats import moving_statistics


def measure(recipe: Recipe, adapted: torch.nn.Module, base: torch.nn.Module) -> dict[str, Any]:
    """Return the counts and bytes of an adapted skeleton.

    Returns
    -------
    dict
        ``trainable``, ``total``, ``injected``, ``disk`` and ``memory``; see
        :class:`workbench.training.inspection.anatomy.Structure`.
    """
    counts = count_parameters(adapted, base)
    trained = [parameter for parameter in adapted.parameters() if parameter.requires_grad]
    tensors, scalar_bytes = _optimizer_state(recipe)
    gradients = sum(parameter.nbytes for parameter in trained)
    return {
        **{name: counts[name] for name in ("trainable", "total", "injected")},
        "disk": _disk(recipe, adapted),
        "memory": {
            "weights": _bytes(adapted) - _bytes(base),
            "gradients": gradients,
            "optimizer": tensors * gradients + scalar_bytes * len(trained),
        },
    }


def _disk(recipe: Recipe, adapted: torch.nn.Module) -> int | None:
    """Return the bytes of the weights that are saved; None where making them looks at values.

    Their names and shapes, which a file begins with, take some more.
    """
    try:
        return sum(tensor.nbytes for tensor in _saved(recipe, adapted).values())
    except (RuntimeError, NotImplementedError):
        return None


def _bytes(model: torch.nn.Module) -> int:
    return sum(tensor.nbytes for tensor in [*model.parameters(), *model.buffers()])


def _optimizer_state(recipe: Recipe) -> tuple[int, int]:
    """Return how many tensors of its shape an optimizer keeps for a parameter, and the bytes of others."""
    if not get(recipe.technique).optimizer_wraps:
        return 2, 0  # Adam's two moments; its count of steps is a plain number
    parameter = torch.nn.Parameter(torch.zeros(3))
    parameter.grad = torch.zeros(3)
    optimizer = getattr(torch.optim, OPTIMIZERS[recipe.optim])([parameter], lr=0.1)
    optimizer.step()
    state = [value for value in optimizer.state[parameter].values() if torch.is_tensor(value)]
    same = [value for value in state if value.shape == parameter.shape]
    return len(same), sum(value.nbytes for value in state if value.shape != parameter.shape)


def _saved(recipe: Recipe, adapted: torch.nn.Module) -> Mapping[str, torch.Tensor]:
    """Return what :mod:`workbench.training.adaptation.checkpoint` writes, by name."""
    technique = get(recipe.technique)
    if technique.trainable == "nothing":
        return {}
    if technique.trainable == "selected":
        parameters = adapted.named_parameters()
        trained = {name: value for name, value in parameters if value.requires_grad}
        return {**trained, **moving_statistics(adapted)}
    if technique.trainable == "all":
        # Tied weights are saved once.
        names = {*(name for name, _ in adapted.named_parameters())}
        names |= {name for name, _ in adapted.named_buffers()}
        return {name: value for name, value in adapted.state_dict().items() if name in names}
    with _StayOnMeta():
        state = dict(get_peft_model_state_dict(adapted, save_embedding_layers=False))
    if technique.saves_difference:
        for name, value in state.items():
            if "lora_A" in name:
                state[name] = torch.cat([value, value], dim=0)
            elif "lora_B" in name:
                state[name] = torch.cat([value, value], dim=1)
    return state


class _StayOnMeta(TorchFunctionMode):
    """Leaves tensors of the meta device there when they are asked for on the CPU."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        if function is torch.Tensor.cpu and args[0].is_meta:
            return args[0]
        return function(*args, **(kwargs or {}))
