"""One pristine base in memory; every run trains on a clone that shares its tensors.

What is shared is always frozen, and whatever a run trains is private to it, so runs cannot change one
another's weights, and no adapter is ever taken off the base again.
"""

from __future__ import annotations

import copy
import functools
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import transformers
from transformers import PreTrainedModel

from workbench.errors import ModelError
from workbench.registry.quantizations import QUANTIZATIONS
from workbench.sources.models.fingerprint import Fingerprint, fingerprint
from workbench.sources.models.folders import WITHOUT_ADAPTER
from workbench.training.adaptation.base_checks import check_adapter_left_out, check_new_head
from workbench.training.adaptation.conv1d import convert_conv1d
from workbench.training.adaptation.heads import find_new_parameters, head_modules
from workbench.training.adaptation.quantize import (
    extra_tensors,
    modules_to_not_convert,
    plain_tensors,
    prepack,
    quantization_config,
    set_modules_to_not_convert,
    stored_quantization,
    widen,
)
from workbench.training.adaptation.running_stats import moving_statistics
from workbench.training.runtime.quiet_loading import loading
from workbench.training.runtime.rng import Randomness

# How many numbers are added up at a time.
CHUNK = 2**20

_LOCK = threading.Lock()
# Every base that a run still refers to, and the one that was used last.
_BASES: weakref.WeakValueDictionary[tuple, Base] = weakref.WeakValueDictionary()
_LATEST: list[Base] = []


@dataclass(frozen=True)
class Base:
    """A pretrained model as it was loaded.

    Parameters
    ----------
    model : torch.nn.Module
        All parameters frozen. It is never trained itself: see :func:`clone`.
    new_parameters : tuple of str
        Newly initialized parameters; see :func:`workbench.training.adaptation.heads.find_new_parameters`.
    heads : tuple of str
        Modules outside the backbone, which stay in full precision when the base is quantized.
    resized : bool
        Whether the checkpoint has a head for another number of labels.
    sums : tuple of int
        The bits of each parameter and buffer, added up.
    """

    model: PreTrainedModel
    new_parameters: tuple[str, ...]
    heads: tuple[str, ...]
    resized: bool
    sums: tuple[int, ...]


def load_base(
    path: str,
    auto_class: str,
    *,
    num_labels: int | None,
    quantization: str | None,
    trust_remote_code: bool = False,
    convert_conv1d: bool = False,
    device: str = "cpu",
    name: str | None = None,
    files: Fingerprint | None = None,
) -> Base:
    """Return the pristine base, from memory if a run refers to it or it was the last one used.

    Parameters
    ----------
    convert_conv1d : bool
        Whether to rewrite Conv1D layers as Linear ones.
    name : str, optional
        What to call it where something is wrong; None takes the path.
    files : tuple, optional
        The fingerprint that the folder must have; None takes the one that it has now.

    Raises
    ------
    ModelError
        It cannot be loaded, or lacks weights, or its files have changed.
    """
    name = name or path
    files = fingerprint(path) if files is None else files
    settings = (
        path,
        auto_class,
        num_labels,
        quantization,
        trust_remote_code,
        convert_conv1d,
        device,
    )
    key = (*settings, files)
    with _LOCK:
        base = _BASES.get(key)
        # A notebook can write into a base through a run's model, as by model.merge_and_unload().
        if base is None or not is_pristine(base):
            # Only one base is kept that no run refers to, as a second would take the memory that
            # sharing saves. It is freed before the new one is read.
            base = None
            _LATEST.clear()
            with loading(name):
                base = read_base(*settings, name)
        check_unchanged(path, files, name)
        _BASES[key] = base
        _LATEST[:] = [base]
        return base


def check_unchanged(path: str, files: Fingerprint, name: str) -> None:
    """Refuse a model whose files were written while it was read, as its weights may be of both."""
    if fingerprint(path) != files:
        raise ModelError(
            f"The model {name!r} must not change while it is loaded, but its files have "
            "changed: start again when all of them are written."
        )


def is_pristine(base: Base) -> bool:
    """Tell whether a base's parameters and buffers are the bits that were loaded."""
    return sums(base.model) == base.sums


def read_base(
    path: str,
    auto_class: str,
    num_labels: int | None,
    quantization: str | None,
    trust_remote_code: bool,
    convert: bool,
    device: str,
    name: str,
) -> Base:
    """Load a base from its files; :func:`load_base` remembers it."""
    shapes = shared_skeleton(
        path, auto_class, num_labels, trust_remote_code, convert, fingerprint(path)
    )
    check_adapter_left_out(path, name)
    heads = head_modules(shapes)
    new_parameters = find_new_parameters(shapes, path) if num_labels is not None else ()
    settings = {
        "dtype": torch.float32,
        "trust_remote_code": trust_remote_code,
        "adapter_kwargs": WITHOUT_ADAPTER,
    }
    settings["config"] = config = read_config(path, num_labels, trust_remote_code)
    stored = stored_quantization(config)
    if stored is not None:
        set_modules_to_not_convert(config, modules_to_not_convert(shapes, new_parameters))
    elif quantization is not None:
        settings["quantization_config"] = quantization_config(quantization, heads)
    with Randomness(0):
        model, info = getattr(transformers, auto_class).from_pretrained(
            path, output_loading_info=True, ignore_mismatched_sizes=True, **settings
        )
    _check_complete(info, new_parameters, name)
    check_new_head(model, shapes, new_parameters, name)
    if stored is not None:
        widen(model)
    packed = stored if stored is not None else quantization
    if packed is not None:
        prepack(model)
    # bitsandbytes packs weights on the device where they will be used, torchao leaves them on the CPU.
    if device != "cpu" and (packed is None or QUANTIZATIONS[packed].package != "bitsandbytes"):
        model.to(device)
    if convert:
        convert_conv1d(model)
    model.requires_grad_(False).eval()
    return Base(model, new_parameters, heads, bool(info["mismatched_keys"]), sums(model))


def _check_complete(info: Mapping[str, Any], new_parameters: Sequence[str], name: str) -> None:
    """Refuse a checkpoint that lacks weights, which transformers has then initialized at random."""
    # A new head's running statistics are missing too.
    layers = {key.rpartition(".")[0] for key in new_parameters}
    missing = sorted(key for key in info["missing_keys"] if key.rpartition(".")[0] not in layers)
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise ModelError(
            f"The model {name!r} must have all the weights that the task needs, but lacks "
            f"{missing[0]!r}{more}: copy or download it again, or use a model that was saved for "
            "this task."
        )
    mismatched = sorted(key for key in info["mismatched_keys"] if key[0] not in new_parameters)
    if mismatched:
        key, stored, expected = mismatched[0]
        raise ModelError(
            f"The model {name!r} must have weights as its config.json describes them, but stores "
            f"{key!r} as {tuple(stored)} and not {tuple(expected)}: copy or download it again."
        )


def sums(model: torch.nn.Module) -> tuple[int, ...]:
    """Add up the bits of each tensor: another sum means that something wrote into the base."""
    integers = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
    # In chunks, because adding up in 64 bits takes a copy in 64 bits.
    return tuple(
        sum(int(chunk.sum(dtype=torch.int64)) for chunk in flat.split(CHUNK))
        for tensor in (*model.parameters(), *model.buffers())
        for part in plain_tensors(tensor)
        for flat in [part.reshape(-1).view(integers.get(part.element_size(), torch.uint8))]
    )


def clone(base: Base, private: Callable[[str], bool]) -> PreTrainedModel:
    """Copy a base's modules around its own tensors, but copy the private ones and running statistics.

    Parameters
    ----------
    base : Base
    private : callable
        Takes a parameter's or buffer's name; true for those that the run will change.
    """
    model = base.model
    written = moving_statistics(model)
    buffers = [
        buffer
        for name, buffer in model.named_buffers()
        if name not in written and not private(name)
    ]
    shared = [*buffers, *extra_tensors(model)]
    memo: dict[int, torch.Tensor] = {id(tensor): tensor for tensor in shared}
    for name, parameter in model.named_parameters():
        if not private(name):
            memo[id(parameter)] = _view(parameter)
    return copy.deepcopy(model, memo)


def _view(parameter: torch.nn.Parameter) -> torch.nn.Parameter:
    """Return another parameter over the same memory, with ``requires_grad`` and ``.data`` of its own."""
    if type(parameter) is not torch.nn.Parameter:
        return parameter  # packed weights have their scales as attributes
    return torch.nn.Parameter(parameter.data, requires_grad=False)


def copy_shared_trained(model: torch.nn.Module, base: Base) -> torch.nn.Module:
    """Copy the trained parameters that still share their memory with the base; returns the model."""
    shared = {
        part.data_ptr()
        for parameter in base.model.parameters()
        for part in plain_tensors(parameter)
    }
    for parameter in model.parameters():
        if parameter.requires_grad and parameter.data_ptr() in shared:
            parameter.data = parameter.data.clone()
    return model


def skeleton(
    path: str,
    auto_class: str,
    num_labels: int | None,
    trust_remote_code: bool,
    convert: bool = False,
) -> PreTrainedModel:
    """Build the model on the meta device: shapes without values, fast for any size."""
    config = read_config(path, num_labels, trust_remote_code)
    with torch.device("meta"):
        model = getattr(transformers, auto_class).from_config(
            config, trust_remote_code=trust_remote_code, dtype=torch.float32
        )
    return convert_conv1d(model) if convert else model


@functools.lru_cache(maxsize=4)
def shared_skeleton(
    path: str,
    auto_class: str,
    num_labels: int | None,
    trust_remote_code: bool,
    convert: bool,
    files: Fingerprint,
) -> PreTrainedModel:
    """Return a skeleton that all callers share: it is to be copied before it is changed.

    Parameters
    ----------
    files : tuple
        The fingerprint of the folder, so that a changed folder gives another skeleton.
    """
    return skeleton(path, auto_class, num_labels, trust_remote_code, convert)


def read_config(
    path: str, num_labels: int | None, trust_remote_code: bool
) -> transformers.PreTrainedConfig:
    """Read a base's config, with the task's number of labels."""
    settings = {} if num_labels is None else {"num_labels": num_labels}
    return transformers.AutoConfig.from_pretrained(
        path, trust_remote_code=trust_remote_code, **settings
    )
