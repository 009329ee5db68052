"""What older versions of transformers do to a base while they load it, said instead of trained on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
import transformers

from workbench.errors import ModelError
from workbench.sources.models.folders import ADAPTER, WITHOUT_ADAPTER


def leaves_adapters_out(folder: str) -> bool:
    """Tell whether this transformers can load the base of a folder without the adapter beside it.

    Up to 5.22 it looks for an adapter in the folder itself, wherever it is asked to look.
    """
    try:
        from transformers.utils import find_adapter_config_file
    except ImportError:
        return True
    return find_adapter_config_file(folder, subfolder=WITHOUT_ADAPTER["subfolder"]) is None


def check_adapter_left_out(folder: str, name: str) -> None:
    """Refuse a base that transformers would load with the adapter in its folder.

    Raises
    ------
    ModelError
    """
    if (Path(folder) / ADAPTER).is_file() and not leaves_adapters_out(folder):
        raise ModelError(
            f"The model {name!r} must be in a folder without an adapter, because transformers "
            f"{transformers.__version__} would load the adapter too: move {ADAPTER} to another folder, "
            "or install transformers 5.23 or newer."
        )


def check_new_head(
    model: torch.nn.Module, shapes: torch.nn.Module, new_parameters: Sequence[str], name: str
) -> None:
    """Refuse a base that was loaded with its old head, for another number of labels.

    Older versions of transformers keep the stored head's shape where the base is quantized as it is
    loaded.

    Parameters
    ----------
    model, shapes : torch.nn.Module
        The base as it was loaded, and its skeleton with the head that the task needs.
    new_parameters : sequence of str
        The head's parameters, of shape (labels, features) or (labels,).
    name : str
        The base, as the user gave it.

    Raises
    ------
    ModelError
    """
    for parameter in new_parameters:
        loaded, needed = (base.get_parameter(parameter).shape for base in (model, shapes))
        if loaded != needed:
            raise ModelError(
                f"The model {name!r} must get a head of shape {tuple(needed)}, but transformers "
                f"{transformers.__version__} keeps {parameter} at {tuple(loaded)} when the base is "
                "quantized: train without quantization, or install transformers 5.23 or newer."
            )
