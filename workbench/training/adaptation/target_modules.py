"""Which layers a technique wraps where the recipe names none: found in the model, not in a list.

Each finder takes the base, or its skeleton, of which it reads names, classes and shapes, and returns
arguments of the technique's PEFT config: ``target_modules``, and what belongs to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from peft.utils import constants
from transformers import PreTrainedModel

from workbench.errors import ModelError
from workbench.training.adaptation.layer_lists import in_layer_lists, layer_lists, outermost
from workbench.tuners.name_endings import last_parts, matches, shortest_endings

LINEARS = ("Linear", "Conv1D", "Linear4bit", "Linear8bitLt")


def find_linears(model: torch.nn.Module) -> dict[str, Any]:
    """All linear layers of the repeated blocks."""
    return {"target_modules": block_linears(model)}


def find_apart(model: torch.nn.Module) -> dict[str, Any]:
    """All linear layers of the repeated blocks, by names of which none ends with another.

    Lily shares parameters between layers by these endings. Where a layer's name ends with several of
    them, PEFT takes any, and in another process another one.
    """
    layers = [name for name, _ in model.named_modules()]
    names = set(block_linears(model))
    # An ending that another one ends with is taken with one more part of its layers' names.
    while ambiguous := {name for name in names if any(_ends_with(other, name) for other in names)}:
        longer = {
            last_parts(layer, name.count(".") + 2)
            for name in ambiguous
            for layer in layers
            if matches(layer, [name])
        }
        if longer <= names:
            break
        names = names - ambiguous | longer
    return {"target_modules": sorted(names)}


def find_blocks(model: torch.nn.Module) -> dict[str, Any]:
    """The repeated blocks themselves."""
    lists = layer_lists(model)
    blocks = [f"{name}.{index}" for name in outermost(lists) for index in range(len(lists[name]))]
    if not blocks:
        raise ModelError(
            f"target_modules must be given for {type(model).__name__}, which has no repeated "
            "blocks: name some of its modules."
        )
    return {"target_modules": shortest_endings(model, blocks)}


def find_ia3(model: PreTrainedModel) -> dict[str, Any]:
    """Keys, values and the feed-forward's end, where PEFT's tables have their names; else all linears."""
    targets, feedforward = (
        _names_in_peft(f"IA3_{table}", model.config.model_type)
        for table in ("TARGET", "FEEDFORWARD")
    )
    if targets and _has_all(model, targets):
        return {"target_modules": targets, "feedforward_modules": feedforward}
    return {"target_modules": block_linears(model), "feedforward_modules": []}


def find_norms(model: torch.nn.Module) -> dict[str, Any]:
    """Return all normalization layers of a model."""
    names = [name for name, module in model.named_modules() if "Norm" in type(module).__name__]
    if not names:
        raise ModelError(
            f"target_modules must be given for {type(model).__name__}, which has no normalization "
            "layers: name some of its modules."
        )
    return {"target_modules": shortest_endings(model, names)}


def find_values(model: PreTrainedModel) -> dict[str, Any]:
    """The attention's value projections, where PEFT's table has their names; else all linears."""
    names = _names_in_peft("BEFT_TARGET", model.config.model_type)
    return {"target_modules": names if names and _has_all(model, names) else block_linears(model)}


def _names_in_peft(table: str, model_type: str) -> list[str]:
    """Return the modules that one of PEFT's tables names for a type of model, if there are some."""
    mapping = getattr(constants, f"TRANSFORMERS_MODELS_TO_{table}_MODULES_MAPPING", {})
    return list(mapping.get(model_type, ()))


def find_houlsby(model: torch.nn.Module) -> dict[str, Any]:
    """The last module of the attention and of the feed-forward in each block."""
    return _bottleneck_targets(model, "houlsby")


def find_pfeiffer(model: torch.nn.Module) -> dict[str, Any]:
    """The last module of the feed-forward in each block."""
    return _bottleneck_targets(model, "pfeiffer")


def find_parallel(model: torch.nn.Module) -> dict[str, Any]:
    """The last module of the feed-forward in each block, and the one that reads its input."""
    return _bottleneck_targets(model, "parallel")


def _bottleneck_targets(model: torch.nn.Module, variant: str) -> dict[str, Any]:
    from workbench.tuners.bottleneck_targets import default_targets

    try:
        return default_targets(model, variant)
    except ValueError as error:
        raise ModelError(str(error)) from error


def block_linears(model: torch.nn.Module) -> list[str]:
    """Return the shortest endings that name every linear layer of the repeated blocks, and no other.

    Raises
    ------
    ModelError
        There is no such layer.
    """
    linears = [name for name, module in model.named_modules() if type(module).__name__ in LINEARS]
    wanted = in_layer_lists(model, linears)
    if not wanted:
        raise ModelError(
            f"target_modules must be given for {type(model).__name__}, which has no repeated "
            f"blocks with linear layers: name some of its modules."
        )
    return shortest_endings(model, wanted)


def _has_all(model: torch.nn.Module, endings: Sequence[str]) -> bool:
    names = [name for name, _ in model.named_modules()]
    return all(any(matches(name, [ending]) for name in names) for ending in endings)


def _ends_with(name: str, ending: str) -> bool:
    return name != ending and name.endswith(ending)
