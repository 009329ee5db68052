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
        ``class``, of :mod:`torch.optim`, or None where the function has one of its own; ``function``, of
        :mod:`peft.optimizers`, or None; and the ``arguments`` of whichever is called.
    """
    values = {**recipe.to_dict(), **recipe.technique_args}
    return {
        "class": OPTIMIZERS[recipe.optim] if technique.optimizer_wraps else None,
        "function": technique.optimizer,
        "arguments": {
            name: values[setting] for name, setting in technique.optimizer_arguments.items()
        },
    }


def make_optimizer(facts: dict[str, Any], model: torch.nn.Module) -> torch.optim.Optimizer:
    """Make the optimizer that :func:`optimizer_facts` has described, over the trained parameters."""
    optimizer_class = [getattr(torch.optim, facts["class"])] if facts["class"] else []
    if facts["function"] is None:
        trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
        return optimizer_class[0](trained, **facts["arguments"])
    function = getattr(peft.optimizers, facts["function"])
    return function(model, *optimizer_class, **facts["arguments"])
