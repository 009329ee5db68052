"""Bases stored in fewer bits: how they are loaded, and which tensors they are made of."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Any

import torch
import transformers
from transformers import PreTrainedModel

from workbench.registry.quantizations import QUANTIZATIONS, stored_as
from workbench.training.adaptation.heads import head_modules, new_modules


def quantization_config(name: str, heads: Sequence[str]) -> Any:
    """Return the quantization config of transformers for a base, all of it but its heads."""
    entry = QUANTIZATIONS[name]
    inner = []
    if entry.inner is not None:
        import torchao.quantization

        inner = [getattr(torchao.quantization, entry.inner)(**entry.inner_arguments)]
    config_class = getattr(transformers, entry.config)
    return config_class(*inner, **entry.arguments, **{entry.skips: list(heads)})


def stored_quantization(config: transformers.PreTrainedConfig) -> str | None:
    """Return the quantization in which a checkpoint is itself stored, from its config; None of others."""
    return stored_as(getattr(config, "quantization_config", None))


def modules_to_not_convert(model: PreTrainedModel, new_parameters: Sequence[str]) -> list[str]:
    """Return the modules of a quantized checkpoint that are loaded in full precision.

    They are those that its config names, or that transformers chooses by itself, and the modules of
    the task's new parameters, of which the checkpoint has no weights.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        The base's skeleton.
    new_parameters : sequence of str
        Newly initialized parameters.

    Returns
    -------
    list of str
        Names of modules; empty where the checkpoint is not quantized, or nothing is to be added to its
        config.
    """
    name = stored_quantization(model.config)
    if name is None or not new_parameters:
        return []
    modules = _stored_config(model.config).get(QUANTIZATIONS[name].skips)
    if modules is None:
        modules = _default_modules_to_not_convert(model)
    return list(dict.fromkeys([*modules, *sorted(new_modules(model, new_parameters))]))


def _stored_config(config: transformers.PreTrainedConfig) -> dict[str, Any]:
    """Return the entry of a quantized checkpoint's config that says how it is stored."""
    return config.quantization_config  # type: ignore[attr-defined]  # an entry of the file


def _default_modules_to_not_convert(model: PreTrainedModel) -> list[str]:
    """Return the modules that transformers leaves out by itself; the heads where it lacks the function."""
    try:
        from transformers.quantizers.base import get_keys_to_not_convert
    except ImportError:
        return list(head_modules(model))
    return sorted(get_keys_to_not_convert(model))


def set_modules_to_not_convert(
    config: transformers.PreTrainedConfig, modules: Sequence[str]
) -> None:
    """Have these modules of a quantized checkpoint loaded in full precision."""
    name = stored_quantization(config)
    if name is not None and modules:
        _stored_config(config)[QUANTIZATIONS[name].skips] = list(modules)


def quantization_config_of(model: PreTrainedModel, name: str, new_parameters: Sequence[str]) -> Any:
    """Return the quantization config of transformers with which a skeleton's weights will be loaded."""
    if stored_quantization(model.config) is None:
        return quantization_config(name, head_modules(model))
    from transformers.quantizers import AutoQuantizationConfig

    config = copy.deepcopy(model.config)
    set_modules_to_not_convert(config, modules_to_not_convert(model, new_parameters))
    return AutoQuantizationConfig.from_dict(_stored_config(config))


# Exported scripts carry this function's source.
def keep_packed(model) -> None:
    """Stop bitsandbytes from repacking 4-bit weights in place, which later steps misread."""
    for module in model.modules():
        if hasattr(module, "support_avx512bf16_for_cpu"):
            module.support_avx512bf16_for_cpu = False


# Exported scripts carry this function's source.
def widen(model) -> None:
    """Compute in float32 with a quantized checkpoint, the rest of which transformers loads in 16 bits."""
    halves = (torch.float16, torch.bfloat16)
    for module in model.modules():
        for name, weight in module.named_parameters(recurse=False):
            if getattr(weight, "quant_state", None) is not None:
                weight.quant_state.dtype = torch.float32
            elif weight.dtype not in halves:
                continue
            elif hasattr(weight, "__tensor_flatten__"):
                names, metadata = weight.__tensor_flatten__()
                parts = {part: getattr(weight, part) for part in names}
                metadata = {**metadata, "dtype": torch.float32}
                wide = type(weight).__tensor_unflatten__(parts, metadata, None, None)
                setattr(module, name, torch.nn.Parameter(wide, requires_grad=False))
            else:
                weight.data = weight.data.float()


def prepack(model: torch.nn.Module) -> None:
    """Do what bitsandbytes does to weights at their first use, which a clone made before would lack."""
    keep_packed(model)
    for layer in _layers_in_8_bits(model):
        if layer.weight.CB is not None:
            layer.init_8bit_state()


def extra_tensors(model: torch.nn.Module) -> Iterator[torch.Tensor]:
    """Yield the tensors of 8-bit layers that are neither parameters nor buffers."""
    for layer in _layers_in_8_bits(model):
        yield from (value for value in vars(layer.state).values() if torch.is_tensor(value))


def _layers_in_8_bits(model: torch.nn.Module) -> Iterator[Any]:
    """Yield the layers of bitsandbytes' class ``Linear8bitLt``."""
    return (module for module in model.modules() if hasattr(module, "init_8bit_state"))


def plain_tensors(tensor: torch.Tensor) -> Iterator[torch.Tensor]:
    """Yield the plain tensors that a tensor is made of: packed weights have values and scales."""
    if type(tensor) is not torch.Tensor and hasattr(tensor, "__tensor_flatten__"):
        names, _ = tensor.__tensor_flatten__()
        for name in names:
            yield from plain_tensors(getattr(tensor, name))
        return
    if tensor.layout is torch.sparse_coo:
        yield from (tensor._indices(), tensor._values())
        return
    yield tensor.detach()
    state = getattr(tensor, "quant_state", None)
    for level in (state, getattr(state, "state2", None)):
        if level is not None:
            yield from (value for value in vars(level).values() if torch.is_tensor(value))
