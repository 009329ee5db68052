"""What a technique does after each optimizer step. Exported scripts carry these functions' source.

Each takes the model and the step's number, while the step's gradients are still there, and returns
what the step's event should tell besides.
"""

from __future__ import annotations


def reallocate(model, step: int) -> dict:
    """Let AdaLoRA move its ranks; tells how many trainable parameters are still in use."""
    model.base_model.update_and_allocate(step)
    kept, spared = 0, 0
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        kept += parameter.numel()
        if ".lora_E." in name:
            down = model.get_parameter(name.replace(".lora_E.", ".lora_A."))
            up = model.get_parameter(name.replace(".lora_E.", ".lora_B."))
            unused = int((parameter == 0).sum())
            spared += unused * (1 + down.shape[1] + up.shape[0])
    return {"trainable": kept - spared}
