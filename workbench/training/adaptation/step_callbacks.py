"""What a technique does after each optimizer step. Exported scripts carry these functions' source.

Each takes the model and the step's number, before the step's gradients are cleared, and returns further
fields of the step's event.
"""

from __future__ import annotations


def reallocate(model, step: int) -> dict:
    """Let AdaLoRA reallocate its ranks; returns how many trainable parameters are still in use."""
    model.base_model.update_and_allocate(step)
    trainable, pruned = 0, []
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        trainable += parameter.numel()
        if ".lora_E." in name:
            down = model.get_parameter(name.replace(".lora_E.", ".lora_A."))
            up = model.get_parameter(name.replace(".lora_E.", ".lora_B."))
            # lora_E holds a factor of each rank; with it go a row of lora_A and a column of lora_B.
            ranks = (parameter == 0).sum()
            pruned.append(ranks * (1 + down.shape[1] + up.shape[0]))
    # Added up where they are, and read once: each read waits for the device.
    return {"trainable": trainable - int(sum(pruned))}
