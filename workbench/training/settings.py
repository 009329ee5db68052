"""Settings of a recipe that change how its model computes. Exported scripts carry their source.

Each takes the adapted model, before its optimizer is made.
"""

from __future__ import annotations

import torch


def use_bf16(model) -> None:
    """Multiply matrices in bfloat16; weights, sums and the optimizer's state stay as they are."""
    device = next(model.parameters()).device.type
    autocast = torch.autocast(device, torch.bfloat16)
    model.forward = autocast(model.forward)
    if hasattr(model, "generate"):
        model.generate = autocast(model.generate)


def use_gradient_checkpointing(model) -> None:
    """Keep what goes into each layer only, and compute the rest again in the backward pass."""
    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    base.activation_checkpointing_enable({"use_reentrant": False})
    # Only the reentrant kind needs gradients at the embeddings, which cost a whole backward pass.
    base.disable_input_require_grads()


def use_torch_compile(model) -> None:
    """Compile each layer; those that are alike share what was compiled, whatever the rows' lengths."""
    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    for blocks in [part for part in base.modules() if isinstance(part, torch.nn.ModuleList)]:
        for block in blocks:
            block.compile(dynamic=True)
