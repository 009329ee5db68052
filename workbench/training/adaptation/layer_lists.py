"""Lists of equal layers: the repeated blocks of a model.

Exported scripts carry this where their recipe skips frozen layers. Two other rules are like it and
not the same: bottleneck adapters look for whole networks, in ``Sequential`` too
(:mod:`workbench.tuners.bottleneck_targets`), and a forecast for layers that allocate alike
(:mod:`workbench.training.forecast.layer_stacks`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TypeGuard

import torch


def is_layer_list(module, at_least: int = 1) -> TypeGuard[torch.nn.ModuleList]:
    """Tell whether a module is a ``ModuleList`` of layers that are all of one class.

    Parameters
    ----------
    module : torch.nn.Module
    at_least : int
        How many layers it must have.
    """
    classes = {type(layer) for layer in module.children()}
    return isinstance(module, torch.nn.ModuleList) and len(module) >= at_least and len(classes) == 1


def layer_lists(model, at_least: int = 1) -> dict[str, torch.nn.ModuleList]:
    """Return a model's lists of equal layers, by name.

    Parameters
    ----------
    model : torch.nn.Module
    at_least : int
        How many layers a list must have.
    """
    return {
        name: module for name, module in model.named_modules() if is_layer_list(module, at_least)
    }


def outermost(names: Collection[str]) -> list[str]:
    """Return those names of modules that lie in none of the others.

    Examples
    --------
    >>> outermost(["encoder.block", "encoder.block.0.layer", "decoder.block"])
    ['encoder.block', 'decoder.block']
    """
    prefixes = tuple(f"{name}." for name in names)
    return [name for name in names if not name.startswith(prefixes)]


def in_layer_lists(model: torch.nn.Module, names: Sequence[str]) -> list[str]:
    """Return those names of modules that lie in a list of equal layers."""
    prefixes = tuple(f"{name}." for name in layer_lists(model))
    return [name for name in names if name.startswith(prefixes)]


def deepest(model: torch.nn.Module) -> int:
    """Return the number of layers in the longest list of equal layers; 0 where there is none."""
    return max((len([*layers.children()]) for layers in layer_lists(model).values()), default=0)
