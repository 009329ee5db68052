"""Which layers of a plain module a technique wraps or trains where nobody names them."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from functools import cache
from typing import Any

import torch
from peft import get_peft_model

from workbench.errors import ModelError
from workbench.recipe import Recipe
from workbench.registry.technique import Technique
from workbench.registry.techniques import config_class, get
from workbench.training.adaptation.derived_arguments import Known, stand_in
from workbench.training.adaptation.layer_lists import in_layer_lists
from workbench.training.adaptation.optimizer import make_optimizer, optimizer_facts
from workbench.training.adaptation.target_modules import (
    LINEARS,
    find_apart,
    find_ia3,
    find_linears,
)
from workbench.tuners.name_endings import shortest_endings

CONVOLUTIONS = ("Conv1d", "Conv2d", "Conv3d")
# What techniques for language models find by themselves, where a module's layers are meant.
WHOLE_LAYERS = (find_linears, find_apart, find_ia3)


def default_arguments(
    technique: Technique, module: torch.nn.Module, args: Mapping[str, Any]
) -> dict[str, Any]:
    """Return a technique's arguments with the layers to wrap filled in.

    Those are the linear layers, and the convolutions where the technique can wrap them: of the
    repeated blocks if there are some, else all but the last of the module's layers, its head.

    Parameters
    ----------
    technique : Technique
    module : torch.nn.Module
        Only names and types are read.
    args : mapping
        What the user gave.

    Raises
    ------
    ModelError
        There is no such layer.
    """
    find = technique.target_finder.load() if technique.target_finder is not None else None
    if find not in WHOLE_LAYERS or args.get("target_modules") is not None:
        return dict(args)
    kinds = (*LINEARS, *(kind for kind in CONVOLUTIONS if wraps(technique.name, kind)))
    wanted = [name for name in _body(module) if _kind(module.get_submodule(name)) in kinds]
    if not wanted:
        raise ModelError(
            f"target_modules must be given for {type(module).__name__}, which has no layer below "
            f"its last that {technique.title} can wrap: name some of its modules."
        )
    found: dict[str, Any] = {"target_modules": shortest_endings(module, wanted)}
    if find is find_ia3:
        found["feedforward_modules"] = []
    return {**found, **args}


def head_parameters(module: torch.nn.Module) -> list[str]:
    """Name the parameters of a module's last layer, as far as its order tells."""
    layers = _layers(module)
    if not layers:
        return []
    return [
        f"{layers[-1]}.{name}" for name, _ in module.get_submodule(layers[-1]).named_parameters()
    ]


@cache
def wraps(technique: str, kind: str) -> bool:
    """Tell whether a technique can wrap a kind of layer of torch.nn, found out on a small one.

    Examples
    --------
    >>> wraps("lora", "Conv2d"), wraps("vera", "Conv2d")
    (True, False)
    """
    recipe = Recipe(technique=technique).resolved()
    entry = get(technique)
    with torch.random.fork_rng(devices=[]):
        small = torch.nn.Sequential(getattr(torch.nn, kind)(16, 16, 3, padding=1))
        try:
            known = Known(small, 100, entry.fixed, stand_in)
            follows = {
                name: derive.load()(known)
                for name, derive in entry.derived.items()
                if "." not in name
            }
            config = config_class(technique)(
                target_modules=["0"], **copy.deepcopy(dict(entry.fixed)), **follows
            )
            adapted = get_peft_model(small, config)
            # Optimizers that techniques bring are made for matrices too.
            optimizer = make_optimizer(optimizer_facts(recipe, entry), adapted)
            adapted(torch.ones(1, 16, *[4] * int(kind[-2]))).sum().backward()
            optimizer.step()
        except Exception:  # noqa: BLE001 (each technique refuses in its own way)
            return False
    return True


def _body(module: torch.nn.Module) -> list[str]:
    """Name the layers that are not the head."""
    layers = _layers(module)
    inside = in_layer_lists(module, layers)
    above = module.get_submodule(layers[-1].rpartition(".")[0]) if layers else None
    if inside and not isinstance(above, torch.nn.ModuleList):
        return inside
    # A list of bare layers has the head at its end.
    return [name for name in inside or layers if name != layers[-1]]


def _layers(module: torch.nn.Module) -> list[str]:
    """Name the linear layers and convolutions, in the module's order."""
    kinds = (*LINEARS, *CONVOLUTIONS)
    return [name for name, layer in module.named_modules() if name and _kind(layer) in kinds]


def _kind(layer: torch.nn.Module) -> str:
    return type(layer).__name__
