"""Dotted names of modules, and the endings by which PEFT's configs name them."""

from __future__ import annotations

from collections.abc import Iterable

import torch


def matches(name: str, endings: Iterable[str]) -> bool:
    """Tell whether a dotted name is, or ends with, one of these, part by part.

    Examples
    --------
    >>> matches("layers.0.mlp.up_proj", ["up_proj"]), matches("layers.0.mlp.up_proj", ["proj"])
    (True, False)
    """
    return any(name == ending or name.endswith(f".{ending}") for ending in endings)


def last_parts(name: str, number: int) -> str:
    """Return the last parts of a dotted name, so many or all.

    Examples
    --------
    >>> last_parts("layers.0.self_attn.q_proj", 2)
    'self_attn.q_proj'
    """
    return ".".join(name.split(".")[-number:])


def shortest_endings(model: torch.nn.Module, names: Iterable[str]) -> list[str]:
    """Return the shortest endings that name these modules of a model and no others.

    Parameters
    ----------
    model : torch.nn.Module
        Only its modules' names are read.
    names : iterable of str
        Whole names.
    """
    wanted = set(names)
    others = (name for name, _ in model.named_modules() if name not in wanted)
    taken = {ending for other in others for ending in _endings(other)}
    return sorted({next((e for e in _endings(name) if e not in taken), name) for name in wanted})


def _endings(name: str) -> list[str]:
    """Return the endings of a dotted name, the shortest first."""
    return [last_parts(name, number) for number in range(1, name.count(".") + 2)]
