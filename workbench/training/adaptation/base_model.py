"""One pristine base in memory; every run trains on a clone that shares its tensors.

What is shared is always frozen, and whatever a run trains is private to it, so runs cannot disturb
one another and nothing is ever unloaded back.
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

from workbench.errors import ModelError
from workbench.sources.models.fingerprint import Fingerprint, fingerprint
from workbench.sources.models.folders import WITHOUT_ADAPTER
from workbench.training.adaptation.base_checks import check_adapter_left_out, check_new_head
from workbench.training.adaptation.conv1d import convert_conv1d
from workbench.training.adaptation.heads import find_new_parameters, head_modules
from workbench.training.adaptation.quantize import (
    beside_weights,
    leave_whole,
    plain,
    quantization_config,
    settle,
    stored_quantization,
    whole_modules,
    widen,
)
from workbench.training.adaptation.running_stats import moving_statistics
from workbench.training.runtime.quiet_loading import loading
from workbench.training.runtime.rng import Randomness

# Numbers that are added up at a time.
PIECE = 2**20

_LOCK = threading.Lock()
# Every base that some run still holds, and the one that was used last.
_BASES: weakref.WeakValueDictionary[tuple, Base] = weakref.WeakValueDictionary()
_LATEST: list[Base] = []


@dataclass(frozen=True)
class Base:
    """A pretrained model as it was loaded.

    Parameters
    ----------
    model : torch.nn.Module
        All parameters frozen. Never trained, never given away: see :func:`clone`.
    new_parameters : tuple of str
        Parameters that are drawn anew; see :func:`workbench.training.adaptation.heads.new_parameters`.
    heads : tuple of str
        Modules beside the backbone, which stay as they are when the base is quantised.
    resized : bool
        Whether the checkpoint has a head for another number of labels.
    sums : tuple of int
        The bits of each parameter and buffer, added up.
    """

    model: torch.nn.Module
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
    """Return the pristine base, from memory if a run holds it or it was the last one used.

    Parameters
    ----------
    convert_conv1d : bool
        Whether to rewrite Conv1D layers as Linear ones.
    name : str, optional
        What to call it where something is wrong; None takes the path.
    files : tuple, optional
        The fingerprint of the folder, whose base is wanted in this state; None takes the one that
        it has now.

    Raises
    ------
    ModelError
        It cannot be loaded, or not whole, or its files are no longer those.
    """
    name = name or path
    files = fingerprint(path) if files is None else files
    asked = (path, auto_class, num_labels, quantization, trust_remote_code, convert_conv1d, device)
    key = (*asked, files)
    with _LOCK:
        base = _BASES.get(key)
        # A notebook can reach a base through its runs, by model.merge_and_unload() for one.
        if base is None or not is_pristine(base):
            # One base that nobody holds is enough: a second would double the memory that sharing
            # saves. It goes before the new one comes.
            base = None
            _LATEST.clear()
            with loading(name):
                base = read_base(*asked, name)
        check_unchanged(path, files, name)
        _BASES[key] = base
        _LATEST[:] = [base]
        return base


def check_unchanged(path: str, files: Fingerprint, name: str) -> None:
    """Refuse a model whose files were written while it was read: it would be a bit of each."""
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
    named = path, auto_class, num_labels, trust_remote_code, convert
    shape = shared_skeleton(*named, fingerprint(path))
    check_adapter_left_out(path, name)
    heads = head_modules(shape)
    new_parameters = find_new_parameters(shape, path) if num_labels is not None else ()
    settings = {
        "dtype": torch.float32,
        "trust_remote_code": trust_remote_code,
        "adapter_kwargs": WITHOUT_ADAPTER,
    }
    settings["config"] = config = read_config(path, num_labels, trust_remote_code)
    stored = stored_quantization(config)
    if stored is not None:
        leave_whole(config, whole_modules(shape, new_parameters))
    elif quantization is not None:
        settings["quantization_config"] = quantization_config(quantization, heads)
    with Randomness(0):
        model, info = getattr(transformers, auto_class).from_pretrained(
            path, output_loading_info=True, ignore_mismatched_sizes=True, **settings
        )
    _check_whole(info, new_parameters, name)
    check_new_head(model, shape, new_parameters, name)
    if stored is not None:
        widen(model)
    if quantization is not None or stored is not None:
        settle(model)
    elif device != "cpu":
        model.to(device)
    if convert:
        convert_conv1d(model)
    model.requires_grad_(False).eval()
    return Base(model, new_parameters, heads, bool(info["mismatched_keys"]), sums(model))


def _check_whole(info: Mapping[str, Any], new_parameters: Sequence[str], name: str) -> None:
    """Refuse a checkpoint for which transformers has invented weights that are not new."""
    # A new head brings its running statistics.
    layers = {key.rpartition(".")[0] for key in new_parameters}
    lost = sorted(key for key in info["missing_keys"] if key.rpartition(".")[0] not in layers)
    if lost:
        more = f" and {len(lost) - 1} more" if len(lost) > 1 else ""
        raise ModelError(
            f"The model {name!r} must have all the weights that the task needs, but lacks "
            f"{lost[0]!r}{more}: copy or download it again, or use a model that was saved for "
            "this task."
        )
    odd = sorted(key for key in info["mismatched_keys"] if key[0] not in new_parameters)
    if odd:
        key, stored, wanted = odd[0]
        raise ModelError(
            f"The model {name!r} must have weights as its config.json describes them, but stores "
            f"{key!r} as {tuple(stored)} and not {tuple(wanted)}: copy or download it again."
        )


def sums(model: torch.nn.Module) -> tuple[int, ...]:
    """Add up the bits of each tensor: another sum means that somebody wrote into the base."""
    whole = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
    # In pieces, because adding up in 64 bits takes a copy in 64 bits.
    return tuple(
        sum(int(piece.sum(dtype=torch.int64)) for piece in flat.split(PIECE))
        for tensor in (*model.parameters(), *model.buffers())
        for part in plain(tensor)
        for flat in [part.reshape(-1).view(whole.get(part.element_size(), torch.uint8))]
    )


def clone(base: Base, private: Callable[[str], bool]) -> torch.nn.Module:
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
    shared = [*buffers, *beside_weights(model)]
    memo: dict[int, torch.Tensor] = {id(tensor): tensor for tensor in shared}
    for name, parameter in model.named_parameters():
        if not private(name):
            memo[id(parameter)] = _view(parameter)
    return copy.deepcopy(model, memo)


def _view(parameter: torch.nn.Parameter) -> torch.nn.Parameter:
    """Return another parameter over the same memory, so that flags and ``.data`` are its own."""
    if type(parameter) is not torch.nn.Parameter:
        return parameter  # packed weights carry their scales with them
    return torch.nn.Parameter(parameter.data, requires_grad=False)


def own(model: torch.nn.Module, base: Base) -> torch.nn.Module:
    """Give a run memory of its own for whatever it trains and still shares with the base."""
    shared = {part.data_ptr() for parameter in base.model.parameters() for part in plain(parameter)}
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
) -> torch.nn.Module:
    """Build the model on the meta device: shapes only, in a moment, for any size."""
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
) -> torch.nn.Module:
    """Return a skeleton that is built once for all who ask for it: to be copied, and never changed.

    Parameters
    ----------
    files : tuple
        The fingerprint of the folder, so that it is built anew when the folder has changed.
    """
    return skeleton(path, auto_class, num_labels, trust_remote_code, convert)


def read_config(
    path: str, num_labels: int | None, trust_remote_code: bool
) -> transformers.PreTrainedConfig:
    """Read a base's config, for a task with so many labels."""
    settings = {} if num_labels is None else {"num_labels": num_labels}
    return transformers.AutoConfig.from_pretrained(
        path, trust_remote_code=trust_remote_code, **settings
    )
