"""Bases stored in fewer bits: how they are loaded, shared between runs and weighed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
import transformers
from torch.utils._python_dispatch import is_traceable_wrapper_subclass

from workbench.catalog.quantizations import QUANTIZATIONS


def quantization_config(name: str, heads: Sequence[str]) -> Any:
    """Return the config of transformers that stores a base so, but for its heads."""
    entry = QUANTIZATIONS[name]
    first = []
    if entry.inner is not None:
        import torchao.quantization

        first = [getattr(torchao.quantization, entry.inner)()]
    kind = getattr(transformers, entry.config)
    return kind(*first, **entry.arguments, **{entry.skips: list(heads)})


# Exported scripts carry this function's source.
def keep_packed(model: torch.nn.Module) -> None:
    """Stop bitsandbytes from repacking 4-bit weights in place, which later steps misread."""
    for module in model.modules():
        if hasattr(module, "support_avx512bf16_for_cpu"):
            module.support_avx512bf16_for_cpu = False


def settle(model: torch.nn.Module) -> None:
    """Do now what bitsandbytes does to weights when they are first used, which clones would miss."""
    keep_packed(model)
    for module in model.modules():
        if hasattr(module, "init_8bit_state") and module.weight.CB is not None:
            module.init_8bit_state()


def beside_weights(model: torch.nn.Module) -> Iterator[torch.Tensor]:
    """Go through the tensors that 8-bit layers keep beside their parameters and buffers."""
    for module in model.modules():
        if hasattr(module, "init_8bit_state"):
            yield from (value for value in vars(module.state).values() if torch.is_tensor(value))


def plain(tensor: torch.Tensor) -> Iterator[torch.Tensor]:
    """Go through the plain tensors behind one: packed weights keep values and scales apart."""
    if is_traceable_wrapper_subclass(tensor):
        names, _ = tensor.__tensor_flatten__()
        for name in names:
            yield from plain(getattr(tensor, name))
        return
    if tensor.layout is torch.sparse_coo:
        yield from (tensor._indices(), tensor._values())
        return
    yield tensor.detach()
    state = getattr(tensor, "quant_state", None)
    for level in (state, getattr(state, "state2", None)):
        if level is not None:
            yield from (value for value in vars(level).values() if torch.is_tensor(value))
