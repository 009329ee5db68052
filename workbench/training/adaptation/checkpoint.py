"""What a run saves: its trained weights, and no others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from peft import PeftConfig, get_peft_model_state_dict
from safetensors.torch import load_file, save_file, save_model

from workbench.registry.tasks import CLASSIFIER_CONFIG
from workbench.registry.technique import Technique
from workbench.training.adaptation.running_stats import moving_statistics


def save(
    model: torch.nn.Module,
    tokenizer: Any,
    technique: Technique,
    folder: Path,
    initial_state: dict[str, torch.Tensor] | None = None,
    has_labels: bool = False,
) -> None:
    """Save what was trained into a new folder.

    Parameters
    ----------
    model : torch.nn.Module
    tokenizer : transformers.PreTrainedTokenizerBase or None
    technique : Technique
        An adapter loads with ``PeftModel.from_pretrained``, a model trained as a whole with the auto
        classes of transformers (a plain module with ``safetensors.torch.load_model``, from
        ``model.safetensors``); selected parameters are a state dict, in ``trained.safetensors``, with
        the running statistics that have changed.
    folder : Path
    initial_state : dict of str to torch.Tensor, optional
        The adapter before its first step; see :func:`save_since`.
    has_labels : bool
        Whether its outputs have names, which are saved beside an adapter.
    """
    if technique.trainable == "selected":
        save_trained(model, folder, moving_statistics(model))
    elif technique.saves is not None:
        technique.saves.load()(model, folder)
    elif initial_state is not None:
        save_since(model, initial_state, folder)
    elif callable(save_pretrained := getattr(model, "save_pretrained", None)):
        save_pretrained(folder)
    else:
        folder.mkdir(parents=True)
        save_model(model, str(folder / "model.safetensors"))
    if technique.trainable == "all" and tokenizer is not None:
        tokenizer.save_pretrained(folder)
    elif has_labels:
        # PEFT leaves the names out. A config.json would make the folder look like a whole model.
        config: Any = model.config
        config.to_json_file(folder / CLASSIFIER_CONFIG)


# Exported scripts carry this function's source.
def save_trained(model, folder, statistics=()) -> None:
    """Save the trained parameters and statistics, and nothing else, as a state dict."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    trained = {
        name: parameter.detach().contiguous()
        for name, parameter in model.named_parameters()
        if parameter.requires_grad
    }
    save_file({**trained, **dict(statistics)}, Path(folder) / "trained.safetensors")


# Exported scripts carry this function's source.
def save_blend(model, folder) -> None:
    """Save X-LoRA with the network that weighs its adapters, which PEFT leaves out."""
    model.save_pretrained(folder)
    trained = {
        name: parameter.detach().contiguous()
        for name, parameter in model.named_parameters()
        if parameter.requires_grad
    }
    weights = Path(folder) / "adapter_model.safetensors"
    save_file(trained, weights, metadata={"format": "pt"})


# Exported scripts carry this function's source.
def lora_state(model) -> dict:
    """Copy the tensors that PEFT would save of a model."""
    return {name: tensor.clone() for name, tensor in get_peft_model_state_dict(model).items()}


# Exported scripts carry this function's source.
def save_since(model, initial_state: dict, folder) -> None:
    """Save the difference that training made to a LoRA, as a LoRA for the base as it was loaded.

    An initialization from the base's weights replaces them by ``W - B₀A₀`` and trains ``BA``, so the
    difference is ``BA - B₀A₀``: a LoRA of twice the rank, with lora_A of shape (2r, in) and lora_B of
    shape (out, 2r).
    """
    model.save_pretrained(folder)
    weights = Path(folder) / "adapter_model.safetensors"
    state = load_file(weights)
    for name, tensor in state.items():
        if "lora_A" in name:
            state[name] = torch.cat([tensor, initial_state[name].cpu()], dim=0)
        elif "lora_B" in name:
            state[name] = torch.cat([tensor, -initial_state[name].cpu()], dim=1)
    save_file(state, weights, metadata={"format": "pt"})
    config = PeftConfig.from_pretrained(folder)
    config.init_lora_weights = True
    config.corda_config = config.lora_ga_config = None
    config.lora_alpha *= 2**0.5 if config.use_rslora else 2
    config.r *= 2
    config.save_pretrained(folder)
