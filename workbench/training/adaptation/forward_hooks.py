"""What some techniques need at each forward pass. Exported scripts carry these functions' source.

Each takes the adapted model and hangs a hook on it.
"""

from __future__ import annotations

import torch


def give_task_ids(model) -> None:
    """Tell the model with each batch that all rows belong to the first task."""

    def first_task(inputs: dict) -> torch.Tensor:
        """Make a task id for each row."""
        rows = next(value for value in inputs.values() if isinstance(value, torch.Tensor))
        return torch.zeros(len(rows), dtype=torch.long, device=rows.device)

    def add_ids(module, args: tuple, inputs: dict) -> tuple[tuple, dict]:
        """Add the ids to what goes into the model."""
        return args, {**inputs, "task_ids": first_task(inputs)}

    generate = model.generate
    model.generate = lambda **inputs: generate(**inputs, task_ids=first_task(inputs))
    model.register_forward_pre_hook(add_ids, with_kwargs=True)


def give_layers_task_ids(model) -> None:
    """Tell each layer that all rows it sees belong to the first task."""

    def add_ids(layer, args: tuple, inputs: dict) -> tuple[tuple, dict]:
        """Add a task id for each row to what goes into the layer."""
        rows = args[0]
        ids = torch.zeros(len(rows), dtype=torch.long, device=rows.device)
        return args, {**inputs, "task_ids": ids}

    from peft.tuners.poly.layer import PolyLayer

    for layer in model.modules():
        if isinstance(layer, PolyLayer):
            layer.register_forward_pre_hook(add_ids, with_kwargs=True)


def add_kasa_loss(model) -> None:
    """Add to the training loss what keeps KaSA's directions apart and its singular values small."""

    def add(module, args: tuple, output):
        """Add it to one batch's loss."""
        if module.training and output.loss is not None:
            output.loss = output.loss + module.base_model._get_kasa_loss()
        return output

    model.register_forward_hook(add)


def add_monteclora_loss(model) -> None:
    """Add to the training loss what keeps MonteCLoRA's noise near its prior."""

    def add(module, args: tuple, output):
        """Add it to one batch's loss."""
        if module.training and output.loss is not None:
            output.loss = output.loss + module.base_model._get_monteclora_loss()
        return output

    model.register_forward_hook(add)
