"""A task's new head: which modules it is made of, and which parameters are drawn anew."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import torch
from transformers import PreTrainedModel

from workbench.sources.models.weights import tensors, weight_files


def head_modules(model: PreTrainedModel) -> tuple[str, ...]:
    """Return the modules beside the backbone."""
    children = [name for name, _ in model.named_children()]
    if model.base_model_prefix in children:
        return tuple(name for name in children if name != model.base_model_prefix)
    # Some models have encoder, decoder and head side by side.
    output = model.get_output_embeddings()
    return tuple(name for name, module in model.named_children() if module is output)


def find_new_parameters(model: PreTrainedModel, path: str) -> tuple[str, ...]:
    """Return the parameters that a task with labels draws anew.

    They are those of its head, even where the checkpoint has one: that one's labels are others.
    A pooler, which some encoders put between backbone and head, is often left out of checkpoints
    and then new too.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        The model, or its skeleton: only names are read.
    path : str
        Folder of the checkpoint; the headers of its weight files are read.
    """
    heads = head_modules(model)
    stored = tensors(weight_files(Path(path), path), path)
    has_pooler = any(_is_pooler(tensor.name) for tensor in stored)
    return tuple(
        sorted(
            name
            for name, _ in model.named_parameters()
            if name.split(".")[0] in heads or (_is_pooler(name) and not has_pooler)
        )
    )


def new_modules(model: torch.nn.Module, new_parameters: Sequence[str]) -> set[str]:
    """Name the modules of new parameters, for PEFT to train and save whole.

    A head goes by its own name and whatever lies deeper by its whole one, because PEFT takes every
    module whose name ends like this.
    """
    if not new_parameters:
        return set()
    # Only models of transformers get new parameters.
    heads = head_modules(cast(PreTrainedModel, model))
    return {
        child if (child := name.split(".")[0]) in heads else name.rpartition(".")[0]
        for name in new_parameters
    }


def _is_pooler(name: str) -> bool:
    return "pooler" in name.split(".")


# Exported scripts carry this function's source.
def new_head(model: torch.nn.Module, names: Sequence[str]) -> None:
    """Draw a task's new head: weights from the model's own initialisation, biases zero."""
    std = getattr(model.config, "initializer_range", 0.02)
    for name in names:
        parameter = model.get_parameter(name)
        if name.endswith("bias"):
            torch.nn.init.zeros_(parameter)
        elif parameter.dim() > 1:
            torch.nn.init.normal_(parameter, std=std)
