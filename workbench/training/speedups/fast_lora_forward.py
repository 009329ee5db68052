"""LoRA's forward pass without what PEFT asks of every layer at every step.

On small models, as on a GPU at small batches, Python is most of a step: a LoRA layer of PEFT looks
through its adapters, casts what is cast already and calls five modules. The arithmetic here is the
same in the same order, so each loss keeps its bits, and scripts do without. The guard computes the
run's first batch both ways, which takes about as long as two steps.
"""

from __future__ import annotations

import contextlib
from types import MethodType
from typing import Any, cast

import peft
import torch
from peft.tuners.lora import Linear
from torch.nn.functional import linear

from workbench.recipe import Recipe
from workbench.training.speedups.comparison import (
    Batch,
    are_close,
    difference_from_plain,
    loss_and_gradients,
)

TESTED_WITH = {"torch": ">=2.11,<2.16", "peft": ">=0.20,<0.22"}
# Two passes of the same arithmetic add up in another order on a GPU, whose bits nobody promises.
RTOL_CUDA, ATOL_CUDA = 1e-3, 1e-5


def obstacle(recipe: Recipe, model: torch.nn.Module) -> str | None:
    """Say why no layer of a model can have the short forward pass; None where some can."""
    if recipe.torch_compile:
        return "torch_compile takes Python out of a step itself"
    if not any(_plain_adapters(layer) for layer in model.modules()):
        return "it has no plain LoRA layer"
    return None


def apply(model: torch.nn.Module) -> None:
    """Give the short forward pass to those layers that are plain LoRA on a plain Linear."""
    for layer in model.modules():
        if adapters := _plain_adapters(layer):
            vars(layer).update(plain_adapters=adapters, forward=MethodType(forward, layer))


def remove(model: torch.nn.Module) -> None:
    """Give all layers PEFT's own forward pass back."""
    for layer in _fast_layers(model):
        del layer.forward, layer.plain_adapters


def guard(recipe: Recipe, model: torch.nn.Module, batch: Batch) -> str | None:
    """Say how short forward passes differ from PEFT's own on a batch; None where they do not.

    The loss and all gradients must be the same bits; on a GPU they must be close. Modes, buffers and
    torch's generators are put back.
    """
    if not _fast_layers(model):
        return None

    def compute_plain() -> list[torch.Tensor]:
        remove(model)
        try:
            return loss_and_gradients(model, batch)
        finally:
            apply(model)

    def compare(plain: list[torch.Tensor]) -> str | None:
        fast = loss_and_gradients(model, batch)
        on_gpu = next(model.parameters()).is_cuda
        if are_close(fast, plain, *((RTOL_CUDA, ATOL_CUDA) if on_gpu else (0.0, 0.0))):
            return None
        return f"the faster one gives different numbers than PEFT {peft.__version__}"

    return difference_from_plain(compute_plain, compare)


def forward(layer: Linear, x: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
    """Return what ``Linear.forward`` of PEFT does.

    Parameters
    ----------
    layer : peft.tuners.lora.Linear
    x : torch.Tensor
        Of shape (..., in features).

    Returns
    -------
    torch.Tensor
        Of shape (..., out features).
    """
    active = layer._active_adapter
    name = active if isinstance(active, str) else active[0] if len(active) == 1 else None
    plain = name in vars(layer)["plain_adapters"]
    if args or kwargs or not plain or layer._disable_adapters or layer.merged_adapters:
        return type(layer).forward(layer, x, *args, **kwargs)
    # Modules look attributes up in three places; their dictionaries are asked directly.
    modules = cast(dict[str, Any], layer._modules)
    base = modules["base_layer"]._parameters
    lora_A = modules["lora_A"]._modules[name]._parameters["weight"]  # (rank, in features)
    lora_B = modules["lora_B"]._modules[name]._parameters["weight"]  # (out features, rank)
    result = linear(x, base["weight"], base["bias"])
    dropout = modules["lora_dropout"]._modules[name]
    if type(dropout) is not torch.nn.Identity:
        x = dropout(x)
    return result + linear(linear(x, lora_A), lora_B) * layer.scaling[name]


def _fast_layers(model: torch.nn.Module) -> list[torch.nn.Module]:
    return [layer for layer in model.modules() if "plain_adapters" in vars(layer)]


def _plain_adapters(layer: torch.nn.Module) -> frozenset[str]:
    """Name the adapters of a layer that are plain LoRA; none where PEFT's layers are not what they were."""
    if type(layer) is not Linear or _is_hooked(layer):
        return frozenset()
    with contextlib.suppress(AttributeError, LookupError, TypeError):
        return frozenset(name for name in layer.lora_A if _is_plain(layer, name))
    return frozenset()


def _is_plain(layer: Linear, name: str) -> bool:
    base, lora_A, lora_B = layer.base_layer, layer.lora_A[name], layer.lora_B[name]
    linears = (base, lora_A, lora_B)
    return (
        name not in layer.lora_variant
        and not layer.fan_in_fan_out
        and all(type(part) is torch.nn.Linear and not _is_hooked(part) for part in linears)
        and lora_A.bias is lora_B.bias is None
        and base.weight.dtype == lora_A.weight.dtype == lora_B.weight.dtype
    )


def _is_hooked(module: torch.nn.Module) -> bool:
    """Whether something is called with the module, or in its place."""
    hooks = (module._forward_hooks, module._forward_pre_hooks, module._backward_hooks)
    return any(hooks) or "forward" in vars(module)
