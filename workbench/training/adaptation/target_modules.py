"""Which layers a technique wraps where the recipe names none: found in the model, not in a list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from peft.utils import constants

from workbench.errors import ModelError

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
            ending(layer, name.count(".") + 2)
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
    lists = [name for name, module in model.named_modules() if is_blocks(module)]
    within = tuple(f"{name}." for name in lists)
    wanted = [
        f"{name}.{number}"
        for name in lists
        if not name.startswith(within)
        for number, _ in enumerate(model.get_submodule(name))
    ]
    if not wanted:
        raise ModelError(
            f"target_modules must be given for {type(model).__name__}, which has no repeated "
            "blocks: name some of its modules."
        )
    return {"target_modules": shortest_names(model, wanted)}


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
    """Return all normalization layers of a model."""
    names = [name for name, module in model.named_modules() if "Norm" in type(module).__name__]
    if not names:
        raise ModelError(
            f"target_modules must be given for {type(model).__name__}, which has no normalization "
            "layers: name some of its modules."
        )
    return {"target_modules": shortest_names(model, names)}


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
    wanted = in_blocks(model, linears)
    if not wanted:
        raise ModelError(
            f"target_modules must be given for {type(model).__name__}, which has no repeated "
            f"blocks with linear layers: name some of its modules."
        )
    return shortest_names(model, wanted)


def in_blocks(model: torch.nn.Module, names: Sequence[str]) -> list[str]:
    """Return those names of modules that stand in the repeated blocks."""
    blocks = tuple(f"{name}." for name, module in model.named_modules() if is_blocks(module))
    return [name for name in names if name.startswith(blocks)]


def shortest_names(model: torch.nn.Module, wanted: Sequence[str]) -> list[str]:
    """Return the shortest endings of dotted names that mean these modules and no other."""
    chosen = set(wanted)
    others = [name for name, _ in model.named_modules() if name not in chosen]
    taken = {ending for other in others for ending in _endings(other)}
    return sorted({next((e for e in _endings(name) if e not in taken), name) for name in wanted})


def matches(name: str, targets: Sequence[str]) -> bool:
    """Tell whether a module's or parameter's owner's name is meant by one of these endings."""
    return any(name == target or name.endswith(f".{target}") for target in targets)


def _all_there(model: torch.nn.Module, endings: Sequence[str]) -> bool:
    names = [name for name, _ in model.named_modules()]
    return all(any(matches(name, [ending]) for name in names) for ending in endings)


def is_blocks(module: torch.nn.Module) -> bool:
    """Tell whether a module is a list of equal blocks."""
    children = list(module.children())
    return (
        isinstance(module, torch.nn.ModuleList)
        and len(children) > 0
        and len({type(child) for child in children}) == 1
    )


def _ends_more(name: str, ending: str) -> bool:
    return name != ending and name.endswith(ending)


def ending(name: str, parts: int) -> str:
    """Return the last parts of a dotted name, so many or all.

    Examples
    --------
    >>> ending("layers.0.self_attn.q_proj", 2)
    'self_attn.q_proj'
    """
    return ".".join(name.split(".")[-parts:])


def _endings(name: str) -> list[str]:
    """Return the endings of a dotted name that stand for whole parts, the shortest first."""
    return [ending(name, parts) for parts in range(1, name.count(".") + 2)]
