"""One pristine base in memory; every run trains on a clone that shares its tensors.

What is shared is always frozen, and whatever a run trains is private to it, so runs cannot disturb
one another and nothing is ever unloaded back.
"""

from __future__ import annotations

import contextlib
import copy
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
import transformers

from workbench.training.randomness import Randomness

_LOCK = threading.Lock()
_CACHE: dict[tuple, Base] = {}


@dataclass(frozen=True)
class Base:
    """A pretrained model as it was loaded.

    Parameters
    ----------
    model : torch.nn.Module
        All parameters frozen. Never trained, never given away: see :func:`clone`.
    fresh : tuple of str
        Parameters that are drawn anew: what the checkpoint does not have, and the whole head of a
        task with labels, as a head that it has was made for other labels.
    heads : tuple of str
        Modules beside the backbone, which stay as they are when the base is quantised.
    resized : bool
        Whether the checkpoint has a head for another number of labels.
    """

    model: torch.nn.Module
    fresh: tuple[str, ...]
    heads: tuple[str, ...]
    resized: bool


def load_base(
    path: str,
    auto_class: str,
    *,
    num_labels: int | None,
    quantization: str | None,
    trust_remote_code: bool = False,
    device: str = "cpu",
) -> Base:
    """Return the pristine base, from memory if it was the last one used."""
    key = (path, auto_class, num_labels, quantization, trust_remote_code, device)
    with _LOCK:
        if key not in _CACHE:
            # One base at a time: a second would double the memory that sharing saves. Runs that
            # still train on clones of the old one keep its tensors alive by themselves.
            _CACHE.clear()
            _CACHE[key] = _load(*key)
        return _CACHE[key]


def _load(path, auto_class, num_labels, quantization, trust_remote_code, device) -> Base:
    settings = {"dtype": torch.float32, "trust_remote_code": trust_remote_code}
    if num_labels is not None:
        settings |= {"num_labels": num_labels, "ignore_mismatched_sizes": True}
    shape = skeleton(path, auto_class, num_labels, trust_remote_code)
    heads = find_heads(shape)
    if quantization == "nf4":
        settings["quantization_config"] = nf4(heads)
    with quiet_transformers(), Randomness(0):
        model, info = getattr(transformers, auto_class).from_pretrained(
            path, output_loading_info=True, **settings
        )
    if quantization == "nf4":
        keep_packed(model)
    elif device != "cpu":
        model.to(device)
    model.requires_grad_(False).eval()
    fresh = set(info["missing_keys"])
    if num_labels is not None:
        fresh |= set(parameters_of(model, heads))
    return Base(model, tuple(sorted(fresh)), heads, bool(info["mismatched_keys"]))


def find_heads(model: torch.nn.Module) -> tuple[str, ...]:
    """Name the modules beside a model's backbone."""
    children = [name for name, _ in model.named_children()]
    if model.base_model_prefix in children:
        return tuple(name for name in children if name != model.base_model_prefix)
    # Some models have encoder, decoder and head side by side.
    output = model.get_output_embeddings()
    return tuple(name for name, module in model.named_children() if module is output)


def parameters_of(model: torch.nn.Module, heads: Sequence[str]) -> list[str]:
    """Name the parameters of some of a model's direct children."""
    return [name for name, _ in model.named_parameters() if name.split(".")[0] in heads]


def nf4(heads: Sequence[str]) -> transformers.BitsAndBytesConfig:
    """The storage that QLoRA describes: 4-bit NormalFloat, its scales quantised too.

    Heads are left alone: a new one has no weights yet that could be stored.
    """
    return transformers.BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.float32,
        llm_int8_skip_modules=list(heads),
    )


def keep_packed(model: torch.nn.Module) -> None:
    """Stop bitsandbytes from repacking 4-bit weights in place, which later steps misread."""
    for module in model.modules():
        if hasattr(module, "support_avx512bf16_for_cpu"):
            module.support_avx512bf16_for_cpu = False


def clone(base: Base, private: Callable[[str], bool]) -> torch.nn.Module:
    """Copy a base's modules around its own tensors, but copy the private parameters.

    Parameters
    ----------
    base : Base
    private : callable
        Takes a parameter's name; true for those that the run will change.
    """
    model = base.model
    memo = {id(buffer): buffer for buffer in model.buffers()}
    for name, parameter in model.named_parameters():
        if not private(name):
            memo[id(parameter)] = parameter
    return copy.deepcopy(model, memo)


def skeleton(
    path: str, auto_class: str, num_labels: int | None, trust_remote_code: bool
) -> torch.nn.Module:
    """Build the model on the meta device: shapes only, in a moment, for any size."""
    settings = {} if num_labels is None else {"num_labels": num_labels}
    config = transformers.AutoConfig.from_pretrained(
        path, trust_remote_code=trust_remote_code, **settings
    )
    with quiet_transformers(), torch.device("meta"):
        return getattr(transformers, auto_class).from_config(
            config, trust_remote_code=trust_remote_code
        )


@contextlib.contextmanager
def quiet_transformers() -> Iterator[None]:
    """Keep transformers from printing: from a thread, words would land in some other cell."""
    log = transformers.utils.logging
    verbosity, bars = log.get_verbosity(), log.is_progress_bar_enabled()
    log.set_verbosity_error()
    log.disable_progress_bar()
    try:
        yield
    finally:
        log.set_verbosity(verbosity)
        if bars:
            log.enable_progress_bar()
