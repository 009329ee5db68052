"""LoRA's forward pass without what PEFT asks of every layer at every step.

On small models, as on a GPU at small batches, Python is most of a step: a LoRA layer of PEFT looks
through its adapters, casts what is cast already and calls five modules. The arithmetic here is the
same in the same order, so each loss keeps its bits, and scripts do without. That is tried once a run, on
a few of its rows, as it costs about two steps of so many rows: see :func:`obstacle`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from types import MethodType
from typing import Any

import peft
import torch
from peft.tuners.lora import Linear
from torch.nn.functional import linear

from workbench.errors import is_out_of_memory
from workbench.training.speedups.frozen_prefix.blocks import in_mode

TRIED = {"torch": ">=2.11,<2.16", "peft": ">=0.20,<0.22"}
# Two passes of the same arithmetic add up in another order on a GPU.
_CLOSE = {"rtol": 1e-3, "atol": 1e-5}


def obstacle(model: torch.nn.Module, batch: Mapping[str, torch.Tensor]) -> str | None:
    """Say why short forward passes are not what PEFT's own are on a batch; None where they are.

    The loss and all gradients must be the same bits; on a GPU, whose bits nobody promises, they must be
    close. Draws torch's numbers and computes in training mode: buffers and modes are put back, numbers
    are the caller's to put back.
    """
    layers = _short(model)
    if not layers:
        return None
    buffers = {name: buffer.clone() for name, buffer in model.named_buffers()}
    try:
        with in_mode(model, training=True):
            short = _pass(model, batch)
            _put_back(model, buffers)
            remove(model)
            try:
                plain = _pass(model, batch)
            finally:
                apply(model)
    except Exception as error:
        if is_out_of_memory(error):
            raise
        return f"{type(error).__name__}: {error}".splitlines()[0]
    finally:
        _put_back(model, buffers)
    close = _CLOSE if next(model.parameters()).is_cuda else {"rtol": 0.0, "atol": 0.0}
    pairs = zip(short, plain, strict=True)
    if all(torch.allclose(mine, theirs, **close, equal_nan=True) for mine, theirs in pairs):
        return None
    return f"the faster one gives different numbers than PEFT {peft.__version__}"


def _pass(model: torch.nn.Module, batch: Mapping[str, torch.Tensor]) -> list[torch.Tensor]:
    """Return a batch's loss and the gradients, which are kept nowhere."""
    trained = [part for part in model.parameters() if part.requires_grad]
    device = next(model.parameters()).device
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        loss = model(**batch).loss
        gradients = torch.autograd.grad(loss, trained, allow_unused=True)
    return [loss.detach(), *(part for part in gradients if part is not None)]


def _put_back(model: torch.nn.Module, buffers: Mapping[str, torch.Tensor]) -> None:
    with torch.no_grad():
        for name, buffer in model.named_buffers():
            buffer.copy_(buffers[name])


def _short(model: torch.nn.Module) -> list[Linear]:
    return [layer for layer in model.modules() if "plain_adapters" in vars(layer)]


def remove(model: torch.nn.Module) -> None:
    """Let all layers go PEFT's own way again."""
    for layer in _short(model):
        del layer.forward, layer.plain_adapters


def apply(model: torch.nn.Module) -> None:
    """Give those layers a short forward pass that are plain LoRA on a plain Linear."""
    for layer in model.modules():
        if type(layer) is not Linear or _watched(layer):
            continue
        with contextlib.suppress(AttributeError):  # in a PEFT whose layers are others
            plain = frozenset(name for name in layer.lora_A if _is_plain(layer, name))
            if plain:
                layer.plain_adapters = plain
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
