"""The optimizer of a run: PyTorch's, or the one that a technique brings."""

from __future__ import annotations

from typing import Any

import peft.optimizers
import torch

from workbench.recipe import OPTIMIZERS, Recipe
from workbench.registry.technique import Technique


def optimizer_facts(recipe: Recipe, technique: Technique) -> dict[str, Any]:
    """Say which optimizer a recipe means, as plain data.

    Returns
    -------
    dict
        ``class``, of :mod:`torch.optim`, or None where the function knows; ``function``, of :mod:`peft.optimizers`, or None; and the
        ``arguments`` of whichever is called.
    """
    arguments = {"lr": recipe.learning_rate, "weight_decay": recipe.weight_decay}
    given = recipe.technique_args
    if technique.optimizer == "create_loraplus_optimizer":
        # It takes its weight decay under a name of its own, and sets the usual one to nought.
        arguments["loraplus_weight_decay"] = arguments.pop("weight_decay")
        arguments["loraplus_lr_ratio"] = given["loraplus_lr_ratio"]
    elif technique.optimizer == "create_lorafa_optimizer":
        arguments |= {"r": given["r"], "lora_alpha": given["lora_alpha"]}
    own = technique.optimizer == "create_lorafa_optimizer"
    return {
        "class": None if own else OPTIMIZERS[recipe.optim],
        "function": technique.optimizer,
        "arguments": arguments,
    }


def make_optimizer(facts: dict[str, Any], model: torch.nn.Module) -> torch.optim.Optimizer:
    """Make the optimizer that :func:`optimizer_facts` tells of, over the trained parameters."""
    kind = [getattr(torch.optim, facts["class"])] if facts["class"] else []
    if facts["function"] is None:
        trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
        return kind[0](trained, **facts["arguments"])
    return getattr(peft.optimizers, facts["function"])(model, *kind, **facts["arguments"])
