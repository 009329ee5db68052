"""LoRA's forward pass without what PEFT asks of every layer at every step.

On small models, as on a GPU at small batches, Python is most of a step: a LoRA layer of PEFT looks
through its adapters, casts what is cast already and calls five modules. The arithmetic here is the
same in the same order, so each loss keeps its bits, and scripts do without.
"""

from __future__ import annotations

from types import MethodType
from typing import Any

import torch
from peft.tuners.lora import Linear
from torch.nn.functional import linear


def lean(model: torch.nn.Module) -> None:
    """Give those layers a short forward pass that are plain LoRA on a plain Linear."""
    for layer in model.modules():
        if type(layer) is Linear and not _watched(layer):
            layer.plain_adapters = frozenset(
                name for name in layer.lora_A if _is_plain(layer, name)
            )
            layer.forward = MethodType(forward, layer)


def forward(layer: Linear, x: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
    """Return what ``Linear.forward`` of PEFT does."""
    active = layer._active_adapter
    name = active if isinstance(active, str) else active[0] if len(active) == 1 else None
    plain = name in layer.plain_adapters and not (layer._disable_adapters or layer.merged_adapters)
    if args or kwargs or not plain:
        return type(layer).forward(layer, x, *args, **kwargs)
    # Modules look attributes up in three places; their dictionaries are asked directly.
    parts = layer._modules
    base = parts["base_layer"]._parameters
    down, up = (parts[key]._modules[name]._parameters["weight"] for key in ("lora_A", "lora_B"))
    result = linear(x, base["weight"], base["bias"])
    dropout = parts["lora_dropout"]._modules[name]
    if type(dropout) is not torch.nn.Identity:
        x = dropout(x)
    return result + linear(linear(x, down), up) * layer.scaling[name]


def _is_plain(layer: Linear, name: str) -> bool:
    base, down, up = layer.base_layer, layer.lora_A[name], layer.lora_B[name]
    return (
        name not in layer.lora_variant
        and not layer.fan_in_fan_out
        and all(type(one) is torch.nn.Linear and not _watched(one) for one in (base, down, up))
        and down.bias is up.bias is None
        and base.weight.dtype == down.weight.dtype == up.weight.dtype
    )


def _watched(module: torch.nn.Module) -> bool:
    """Whether something is told when the module is called, or computes in its place."""
    hooks = (module._forward_hooks, module._forward_pre_hooks, module._backward_hooks)
    return any(hooks) or "forward" in vars(module)
