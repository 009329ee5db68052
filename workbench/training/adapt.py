"""From a base to a model in which a technique's parameters, and no others, are trained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import peft
import torch
from peft.utils.constants import (
    TRANSFORMERS_MODELS_TO_IA3_FEEDFORWARD_MODULES_MAPPING as IA3_FEEDFORWARD,
)
from peft.utils.constants import (
    TRANSFORMERS_MODELS_TO_IA3_TARGET_MODULES_MAPPING as IA3_TARGETS,
)

from workbench.catalog.techniques import Technique, config_class
from workbench.errors import ModelError
from workbench.training.heads import new_modules


def config_arguments(
    technique: Technique,
    model: torch.nn.Module,
    args: dict[str, Any],
    *,
    task_type: str,
    fresh: Sequence[str],
) -> dict[str, Any]:
    """Return the arguments of the technique's PEFT config, in full and literal.

    Parameters
    ----------
    technique : Technique
        One that has a PEFT config.
    model : torch.nn.Module
        The base, or its skeleton: only names are read.
    args : dict
        The user's arguments.
    task_type : str
        PEFT's ``TaskType``.
    fresh : sequence of str
        Names of parameters that are drawn anew: they must be trained and saved too.
    """
    full = {"task_type": task_type, **technique.fixed, **args}
    if technique.targets and full.get("target_modules") is None:
        full.update(default_targets(technique, model))
    new = new_modules(model, fresh)
    if new:
        full["modules_to_save"] = sorted(new | set(full.get("modules_to_save") or ()))
    return full


def default_targets(technique: Technique, model: torch.nn.Module) -> dict[str, list[str]]:
    """Return what a technique wraps when the recipe does not say: all linears of the blocks.

    IA³ wraps keys, values and the feed-forward's end instead, where PEFT knows their names.
    """
    kind = model.config.model_type
    if technique.config == "IA3Config" and kind in IA3_TARGETS:
        return {
            "target_modules": list(IA3_TARGETS[kind]),
            "feedforward_modules": list(IA3_FEEDFORWARD[kind]),
        }
    targets = {"target_modules": block_linears(model)}
    if technique.config == "IA3Config":
        targets["feedforward_modules"] = []
    return targets


def block_linears(model: torch.nn.Module) -> list[str]:
    """Return the shortest names that mean every linear layer of the repeated blocks, and no other.

    Raises
    ------
    ModelError
        There is no such layer.
    """
    linears = [
        name
        for name, module in model.named_modules()
        if type(module).__name__ in ("Linear", "Conv1D", "Linear4bit", "Linear8bitLt")
    ]
    blocks = tuple(f"{name}." for name, module in model.named_modules() if _is_blocks(module))
    wanted = [name for name in linears if name.startswith(blocks)]
    if not wanted:
        raise ModelError(
            f"target_modules must be given for {type(model).__name__}, which has no repeated "
            f"blocks with linear layers: name some of its modules."
        )
    others = [name for name, _ in model.named_modules() if name not in wanted]
    short = {_shortest(name, others) for name in wanted}
    return sorted(short)


def _is_blocks(module: torch.nn.Module) -> bool:
    children = list(module.children())
    return (
        isinstance(module, torch.nn.ModuleList)
        and len(children) > 0
        and len({type(child) for child in children}) == 1
    )


def _shortest(name: str, others: Sequence[str]) -> str:
    """Return the shortest ending of a dotted name that no other module's name shares."""
    parts = name.split(".")
    for start in range(len(parts) - 1, 0, -1):
        ending = ".".join(parts[start:])
        if not any(other == ending or other.endswith(f".{ending}") for other in others):
            return ending
    return name


def adapt(
    model: torch.nn.Module,
    technique: Technique,
    arguments: dict[str, Any] | None,
    fresh: Sequence[str],
) -> torch.nn.Module:
    """Make the technique's parameters the trained ones; returns the model to train."""
    if technique.trains == "all":
        return model.requires_grad_(True)
    if technique.trains == "head":
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(name in fresh)
        return model
    return peft.get_peft_model(model, config_class(technique.name)(**arguments))


# Exported scripts carry this function's source.
def new_head(model: torch.nn.Module, names: Sequence[str]) -> None:
    """Draw a task's new head: weights from the model's own initialisation, biases zero."""
    std = getattr(model.config, "initializer_range", 0.02)
    for name in names:
        parameter = model.get_parameter(name)
        with torch.no_grad():
            if name.endswith("bias"):
                parameter.zero_()
            elif parameter.dim() > 1:
                parameter.normal_(0.0, std)
