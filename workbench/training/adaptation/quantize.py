"""Bases stored in fewer bits: how they are loaded, shared between runs and weighed."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Any

import torch
import transformers

from workbench.registry.quantizations import QUANTIZATIONS, stored_as
from workbench.training.adaptation.heads import head_modules, new_modules


def quantization_config(name: str, heads: Sequence[str]) -> Any:
    """Return the config of transformers that stores a base so, but for its heads."""
    entry = QUANTIZATIONS[name]
    first = []
    if entry.inner is not None:
        import torchao.quantization

        first = [getattr(torchao.quantization, entry.inner)(**entry.inner_arguments)]
    kind = getattr(transformers, entry.config)
    return kind(*first, **entry.arguments, **{entry.skips: list(heads)})


def stored_quantization(config: transformers.PreTrainedConfig) -> str | None:
    """Name the quantization in which a checkpoint is itself stored, as its config tells."""
    return stored_as(getattr(config, "quantization_config", None))


def whole_modules(model: torch.nn.Module, new_parameters: Sequence[str]) -> list[str]:
    """Name what stays in full precision when a checkpoint that is itself stored so is loaded.

    It names some modules itself, or takes those that transformers would choose; a task's new ones, which
    it does not know, have no weights yet that could be stored. Empty where nothing is to be added.

    Parameters
    ----------
    model : torch.nn.Module
        The base's skeleton.
    new_parameters : sequence of str
        Parameters that are drawn anew.
    """
    name = stored_quantization(model.config)
    if name is None or not new_parameters:
        return []
    named = model.config.quantization_config.get(QUANTIZATIONS[name].skips)
    if named is None:
        named = _kept_by_transformers(model)
    return list(dict.fromkeys([*named, *sorted(new_modules(model, new_parameters))]))


def _kept_by_transformers(model: torch.nn.Module) -> list[str]:
    """Name what transformers itself would not convert; the heads where it does not tell any more."""
    try:
        from transformers.quantizers.base import get_keys_to_not_convert
    except ImportError:
        return list(head_modules(model))
    return sorted(get_keys_to_not_convert(model))


def leave_whole(config: transformers.PreTrainedConfig, modules: Sequence[str]) -> None:
    """Have these modules of a checkpoint that is itself stored in fewer bits loaded in full precision."""
    name = stored_quantization(config)
    if name is not None and modules:
        config.quantization_config[QUANTIZATIONS[name].skips] = list(modules)


def storage(model: torch.nn.Module, name: str, new_parameters: Sequence[str]) -> Any:
    """Return the config of transformers by which a skeleton's weights are stored once it is loaded."""
    if stored_quantization(model.config) is None:
        return quantization_config(name, head_modules(model))
    from transformers.quantizers import AutoQuantizationConfig

    config = copy.deepcopy(model.config)
    leave_whole(config, whole_modules(model, new_parameters))
    return AutoQuantizationConfig.from_dict(config.quantization_config)


# Exported scripts carry this function's source.
def keep_packed(model: torch.nn.Module) -> None:
    """Stop bitsandbytes from repacking 4-bit weights in place, which later steps misread."""
    for module in model.modules():
        if hasattr(module, "support_avx512bf16_for_cpu"):
            module.support_avx512bf16_for_cpu = False


# Exported scripts carry this function's source.
def widen(model: torch.nn.Module) -> None:
    """Compute in float32 with a stored checkpoint, of which transformers leaves the rest in 16 bits."""
    halves = (torch.float16, torch.bfloat16)
    for module in model.modules():
        for name, weight in module.named_parameters(recurse=False):
            if getattr(weight, "quant_state", None) is not None:
                weight.quant_state.dtype = torch.float32
            elif weight.dtype not in halves:
                continue
            elif hasattr(weight, "__tensor_flatten__"):
                names, facts = weight.__tensor_flatten__()
                parts = {part: getattr(weight, part) for part in names}
                facts = {**facts, "dtype": torch.float32}
                wide = type(weight).__tensor_unflatten__(parts, facts, None, None)
                setattr(module, name, torch.nn.Parameter(wide, requires_grad=False))
            else:
                weight.data = weight.data.float()


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
    if type(tensor) is not torch.Tensor and hasattr(tensor, "__tensor_flatten__"):
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
