"""What is kept of a run: no more than what it learnt."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

HEAD = "head.safetensors"


def save(model: torch.nn.Module, tokenizer: Any, trains: str, folder: Path) -> None:
    """Save what was trained into a folder, which is made.

    Parameters
    ----------
    model : torch.nn.Module
    tokenizer : transformers.PreTrainedTokenizerBase
    trains : {"adapter", "all", "head"}
        An adapter loads with ``PeftModel.from_pretrained``, a whole model with the auto classes of
        transformers; a head is the state dict of its few parameters, in ``head.safetensors``.
    folder : Path
    """
    if trains == "head":
        folder.mkdir(parents=True, exist_ok=True)
        state = {
            name: parameter.detach().contiguous()
            for name, parameter in model.named_parameters()
            if parameter.requires_grad
        }
        save_file(state, folder / HEAD)
        return
    model.save_pretrained(folder)
    if trains == "all":
        tokenizer.save_pretrained(folder)
