"""The optimizer of a run: PyTorch's, or the one that a technique brings."""

from __future__ import annotations

from typing import Any

import peft.optimizers
import torch

from workbench.recipe import OPTIMIZERS, Recipe
from workbench.registry.technique import Technique

# Those of torch.optim that do the same arithmetic in one kernel for all parameters on a GPU. On a CPU
# nothing is gained, and the last bits would be others.
FUSED = ("AdamW", "SGD")


def optimizer_facts(
    recipe: Recipe, technique: Technique, device: str | None = None
) -> dict[str, Any]:
    """Say which optimizer a recipe means, as plain data.

    Parameters
    ----------
    recipe : Recipe
    technique : Technique
    device : str, optional
        Where the run trains, if that is to be considered: a fused implementation on a GPU.

    Returns
    -------
    dict
        ``class``, of :mod:`torch.optim`, or None where the function has one of its own; ``function``, of
        :mod:`peft.optimizers`, or None; and the ``arguments`` of whichever is called.
    """
    values = {**recipe.to_dict(), **recipe.technique_args}
    name = OPTIMIZERS[recipe.optim] if technique.optimizer_wraps else None
    arguments = {name: values[setting] for name, setting in technique.optimizer_arguments.items()}
    if device == "cuda" and technique.optimizer is None and name in FUSED:
        arguments["fused"] = True
    return {"class": name, "function": technique.optimizer, "arguments": arguments}


def make_optimizer(facts: dict[str, Any], model: torch.nn.Module) -> torch.optim.Optimizer:
    """Make the optimizer that :func:`optimizer_facts` has described, over the trained parameters."""
    optimizer_class = [getattr(torch.optim, facts["class"])] if facts["class"] else []
    if facts["function"] is None:
        trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
        return optimizer_class[0](trained, **facts["arguments"])
    function = getattr(peft.optimizers, facts["function"])
    return function(model, *optimizer_class, **facts["arguments"])
