"""Conv1D layers as Linear ones. Exported scripts carry this function's source."""

from __future__ import annotations

import torch
from transformers.pytorch_utils import Conv1D


def convert_conv1d(model):
    """Rewrite every Conv1D of a model as the Linear layer that computes the same.

    GPT-2 and its kin have their linear layers in this class, which many techniques cannot wrap. Its
    weight is of shape (inputs, outputs), and that of Linear its transpose. Names stay the same: an
    adapter trained on a converted base is for a base that was converted too.
    """
    for name, layer in list(model.named_modules()):
        if not isinstance(layer, Conv1D):
            continue
        inputs, outputs = layer.weight.shape
        linear = torch.nn.Linear(inputs, outputs, device="meta").train(layer.training)
        trained = layer.weight.requires_grad
        linear.weight = torch.nn.Parameter(layer.weight.detach().T.contiguous(), trained)
        linear.bias = layer.bias
        parent, _, last = name.rpartition(".")
        setattr(model.get_submodule(parent), last, linear)
    return model
