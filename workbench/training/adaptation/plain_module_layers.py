"""Which layers of a plain module a technique wraps or trains where the user names none."""

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
from workbench.training.adaptation.derived_arguments import RunFacts, placeholder_rows
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
# The target finders that are for whole layers, and in a plain module for all it has.
LAYER_FINDERS = (find_linears, find_apart, find_ia3)


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
        The user's arguments.

    Raises
    ------
    ModelError
        There is no such layer.
    """
    find = technique.target_finder.load() if technique.target_finder is not None else None
    if find not in LAYER_FINDERS or args.get("target_modules") is not None:
        return dict(args)
    classes = (*LINEARS, *(name for name in CONVOLUTIONS if can_wrap(technique.name, name)))
    layers = [name for name in _body(module) if _class_name(module.get_submodule(name)) in classes]
    if not layers:
        raise ModelError(
            f"target_modules must be given for {type(module).__name__}, which has no layer below "
            f"its last that {technique.title} can wrap: name some of its modules."
        )
    targets: dict[str, Any] = {"target_modules": shortest_endings(module, layers)}
    if find is find_ia3:
        targets["feedforward_modules"] = []
    return {**targets, **args}


def head_parameters(module: torch.nn.Module) -> list[str]:
    """Return the parameters of a module's last layer, in the order of its definition, by name."""
    layers = _layers(module)
    if not layers:
        return []
    return [
        f"{layers[-1]}.{name}" for name, _ in module.get_submodule(layers[-1]).named_parameters()
    ]


@cache
def can_wrap(technique: str, convolution: str) -> bool:
    """Tell whether a technique can wrap a class of convolution, by a step with a small one.

    Examples
    --------
    >>> can_wrap("lora", "Conv2d"), can_wrap("vera", "Conv2d")
    (True, False)
    """
    recipe = Recipe(technique=technique).resolved()
    entry = get(technique)
    with torch.random.fork_rng(devices=[]):
        small = torch.nn.Sequential(getattr(torch.nn, convolution)(16, 16, 3, padding=1))
        try:
            run = RunFacts(small, 100, entry.fixed, placeholder_rows)
            derived = {
                name: derive.load()(run)
                for name, derive in entry.derived.items()
                if "." not in name
            }
            config = config_class(technique)(
                target_modules=["0"], **copy.deepcopy(dict(entry.fixed)), **derived
            )
            adapted = get_peft_model(small, config)
            # The optimizers of some techniques are for matrices only.
            optimizer = make_optimizer(optimizer_facts(recipe, entry), adapted)
            adapted(torch.ones(1, 16, *[4] * int(convolution[-2]))).sum().backward()
            optimizer.step()
        except Exception:  # noqa: BLE001 (each technique refuses in its own way)
            return False
    return True


def _body(module: torch.nn.Module) -> list[str]:
    """Return the names of the layers that are not the head."""
    layers = _layers(module)
    in_blocks = in_layer_lists(module, layers)
    parent = module.get_submodule(layers[-1].rpartition(".")[0]) if layers else None
    if in_blocks and not isinstance(parent, torch.nn.ModuleList):
        return in_blocks
    # A list of single layers has the head at its end.
    return [name for name in in_blocks or layers if name != layers[-1]]


def _layers(module: torch.nn.Module) -> list[str]:
    """Return the names of the linear layers and convolutions, in the module's order."""
    classes = (*LINEARS, *CONVOLUTIONS)
    return [
        name for name, layer in module.named_modules() if name and _class_name(layer) in classes
    ]


def _class_name(layer: torch.nn.Module) -> str:
    return type(layer).__name__
