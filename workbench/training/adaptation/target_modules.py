"""Which layers a technique wraps where the recipe names none: found in the model, not in a list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from peft.utils import constants

from workbench.errors import ModelError
from workbench.training.adaptation.layer_lists import in_layer_lists, layer_lists, outermost
from workbench.tuners.name_endings import last_parts, matches, shortest_endings

LINEARS = ("Linear", "Conv1D", "Linear4bit", "Linear8bitLt")


def find_linears(model: torch.nn.Module) -> dict[str, Any]:
    """All linear layers of the repeated blocks."""
    return {"target_modules": block_linears(model)}


def find_apart(model: torch.nn.Module) -> dict[str, Any]:
    """All linear layers of the repeated blocks, by names of which none ends with another.

    What Lily shares goes by the name that a layer's own ends with, and where several do PEFT takes
    any of them: another one in another process.
    """
    layers = [name for name, _ in model.named_modules()]
    names = set(block_linears(model))
    while clash := {name for name in names if any(_ends_more(other, name) for other in names)}:
        longer = {
            last_parts(layer, name.count(".") + 2)
            for name in clash
            for layer in layers
            if matches(layer, [name])
        }
        if longer <= names:
            break
        names = names - clash | longer
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


def find_ia3(model: torch.nn.Module) -> dict[str, Any]:
    """Keys, values and the feed-forward's end, where PEFT knows their names; else all linears."""
    kind = model.config.model_type
    targets, feedforward = (
        _known_to_peft(f"IA3_{which}", kind) for which in ("TARGET", "FEEDFORWARD")
    )
    if targets and _all_there(model, targets):
        return {"target_modules": targets, "feedforward_modules": feedforward}
    return {"target_modules": block_linears(model), "feedforward_modules": []}


def find_norms(model: torch.nn.Module) -> dict[str, Any]:
    """All normalisation layers."""
    names = [name for name, module in model.named_modules() if "Norm" in type(module).__name__]
    if not names:
        raise ModelError(
            f"target_modules must be given for {type(model).__name__}, which has no normalisation "
            "layers: name some of its modules."
        )
    return {"target_modules": shortest_endings(model, names)}


def find_values(model: torch.nn.Module) -> dict[str, Any]:
    """The layers that make the attention's values, where PEFT knows their names; else all linears."""
    names = _known_to_peft("BEFT_TARGET", model.config.model_type)
    known = names and _all_there(model, names)
    return {"target_modules": names if known else block_linears(model)}


def _known_to_peft(which: str, model_type: str) -> list[str]:
    """Return what PEFT's table names for a type of model; nothing where there is no such table."""
    table = getattr(constants, f"TRANSFORMERS_MODELS_TO_{which}_MODULES_MAPPING", {})
    return list(table.get(model_type, ()))


def find_houlsby(model: torch.nn.Module) -> dict[str, Any]:
    """What ends attention and feed-forward of each block."""
    return _places(model, "houlsby")


def find_pfeiffer(model: torch.nn.Module) -> dict[str, Any]:
    """What ends the feed-forward of each block."""
    return _places(model, "pfeiffer")


def find_parallel(model: torch.nn.Module) -> dict[str, Any]:
    """What ends the feed-forward of each block, and what reads its input."""
    return _places(model, "parallel")


def _places(model: torch.nn.Module, variant: str) -> dict[str, Any]:
    from workbench.tuners.bottleneck_targets import default_places

    try:
        return default_places(model, variant)
    except ValueError as error:
        raise ModelError(str(error)) from error


def block_linears(model: torch.nn.Module) -> list[str]:
    """Return the shortest names that mean every linear layer of the repeated blocks, and no other.

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


def _all_there(model: torch.nn.Module, endings: Sequence[str]) -> bool:
    names = [name for name, _ in model.named_modules()]
    return all(any(matches(name, [ending]) for name in names) for ending in endings)


def _ends_more(name: str, ending: str) -> bool:
    return name != ending and name.endswith(ending)
