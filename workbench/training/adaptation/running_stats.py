"""Running statistics: which layers update them in training, and in which they stay as they are.

PEFT does not save the base's statistics with an adapter, so an adapter must be trained with those that
the base has. Exported scripts carry this where their base has such layers.
"""

from __future__ import annotations

from functools import wraps
from types import MethodType

import torch


def layers_with_statistics(model: torch.nn.Module) -> dict[str, torch.nn.Module]:
    """Return the layers whose buffers a forward pass in training mode writes, by name."""
    return {
        name: layer
        for name, layer in model.named_modules()
        # Batch and instance normalization; the vectors of spectral normalization.
        if getattr(layer, "track_running_stats", False) or getattr(layer, "n_power_iterations", 0)
    }


def keep_statistics(model: torch.nn.Module) -> None:
    """Keep running statistics as they are, but in layers all of whose parameters are trained.

    Those are saved with their statistics, as a new head is.
    """
    for layer in layers_with_statistics(model).values():
        parameters = [*layer.parameters(recurse=False)]
        if not parameters or not all(parameter.requires_grad for parameter in parameters):
            vars(layer)["train"] = MethodType(stay_in_evaluation, layer)
            layer.train(layer.training)


@wraps(torch.nn.Module.train)
def stay_in_evaluation(layer, mode=True):
    """Set the mode of the modules within a layer, which itself stays in evaluation mode."""
    type(layer).train(layer, mode)
    layer.training = False
    return layer


def moving_statistics(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Return the statistics that change while a model is trained, by name."""
    return {
        key: buffer
        for name, layer in layers_with_statistics(model).items()
        if "train" not in vars(layer)
        for key, buffer in layer.named_buffers(prefix=name, recurse=False)
    }
