"""What some techniques need at each forward pass. Exported scripts carry these functions' source.

Each takes the adapted model and registers a hook on it.
"""

from __future__ import annotations

import torch


def give_task_ids(model) -> None:
    """Add to each batch that all of its rows belong to the first task."""

    def first_task(inputs: dict) -> torch.Tensor:
        """Return a task id of 0 for each row, of shape (batch,)."""
        rows = next(value for value in inputs.values() if isinstance(value, torch.Tensor))
        return torch.zeros(len(rows), dtype=torch.long, device=rows.device)

    def add_ids(module, args: tuple, inputs: dict) -> tuple[tuple, dict]:
        """Add the ids to the model's inputs."""
        return args, {**inputs, "task_ids": first_task(inputs)}

    generate = model.generate
    model.generate = lambda **inputs: generate(**inputs, task_ids=first_task(inputs))
    model.register_forward_pre_hook(add_ids, with_kwargs=True)


def give_layers_task_ids(model: torch.nn.Module) -> None:
    """Add to the inputs of each layer that all of their rows belong to the first task."""

    def add_ids(layer, args: tuple, inputs: dict) -> tuple[tuple, dict]:
        """Add a task id of 0 for each row, of shape (rows,), to the layer's inputs."""
        rows = args[0]
        ids = torch.zeros(len(rows), dtype=torch.long, device=rows.device)
        return args, {**inputs, "task_ids": ids}

    from peft.tuners.poly.layer import PolyLayer

    for layer in model.modules():
        if isinstance(layer, PolyLayer):
            layer.register_forward_pre_hook(add_ids, with_kwargs=True)


def add_kasa_loss(model) -> None:
    """Add KaSA's penalties, on dependent directions and large singular values, to the training loss."""

    def add(module, args: tuple, output):
        """Add them to the loss of one batch."""
        if module.training and output.loss is not None:
            output.loss = output.loss + module.base_model._get_kasa_loss()
        return output

    model.register_forward_hook(add)


def add_monteclora_loss(model) -> None:
    """Add MonteCLoRA's penalty, on the distance of its noise from the prior, to the training loss."""

    def add(module, args: tuple, output):
        """Add it to the loss of one batch."""
        if module.training and output.loss is not None:
            output.loss = output.loss + module.base_model._get_monteclora_loss()
        return output

    model.register_forward_hook(add)
