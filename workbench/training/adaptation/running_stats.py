"""Running statistics: which layers gather them in training, and in which they stay as they are.

PEFT saves no statistics of the base under an adapter, so what is learnt must be learnt with those that
the base has. Exported scripts carry this where their base has such layers.
"""

from __future__ import annotations

from functools import wraps
from types import MethodType

import torch


def gathering_layers(model: torch.nn.Module) -> dict[str, torch.nn.Module]:
    """Return the layers whose buffers a forward pass in training mode writes, by name."""
    return {
        name: part
        for name, part in model.named_modules()
        # Batch and instance normalization; the vectors of spectral normalization.
        if getattr(part, "track_running_stats", False) or getattr(part, "n_power_iterations", 0)
    }


def keep_statistics(model: torch.nn.Module) -> None:
    """Keep running statistics as they are, but in layers that are trained whole.

    Those are saved whole too, as a new head is, so they gather statistics of their own.
    """
    for part in gathering_layers(model).values():
        parameters = [*part.parameters(recurse=False)]
        if not parameters or not all(parameter.requires_grad for parameter in parameters):
            part.train = MethodType(stay, part)
            part.train(part.training)


@wraps(torch.nn.Module.train)
def stay(part, mode=True):
    """Set the mode of what is inside a layer, which itself stays in evaluation mode."""
    type(part).train(part, mode)
    part.training = False
    return part


def moving_statistics(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Return the statistics that change while a model is trained, by name."""
    return {
        key: buffer
        for name, part in gathering_layers(model).items()
        if "train" not in vars(part)
        for key, buffer in part.named_buffers(prefix=name, recurse=False)
    }
