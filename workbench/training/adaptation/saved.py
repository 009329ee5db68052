"""The model of a run from its folder: the base with what the run has saved."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import peft
import torch
import transformers
from safetensors import safe_open

from workbench.registry.technique import Technique
from workbench.training.adaptation.adapt import overwritten_parameters
from workbench.training.adaptation.base_model import Base, clone
from workbench.training.adaptation.conv1d import convert_conv1d
from workbench.training.adaptation.warm_start import load_start
from workbench.training.runtime.quiet_loading import loading
from workbench.training.runtime.rng import Randomness
from workbench.tuners import register

ADAPTER, MODEL = "adapter", "model"


def load_saved(
    run: Path, plan: Mapping[str, Any], technique: Technique, base: Base
) -> torch.nn.Module:
    """Return the model that a run has trained, in evaluation mode.

    Parameters
    ----------
    run : Path
        The run's folder, with the weights that :func:`workbench.training.adaptation.checkpoint.save` wrote.
    plan : mapping
        The run's plan.
    technique : Technique
    base : Base
        The base that it was trained on; it keeps its bits.

    Raises
    ------
    ModelError
        The weights cannot be loaded.
    """
    with loading(str(run)), Randomness(0):
        if plan["trainable"] == "all":
            model = _whole(run / MODEL, plan)
        elif plan["trainable"] == "selected":
            model = clone(base, set(plan["selected"]).__contains__)
            load_start(model, run / ADAPTER)
        else:
            model = _adapted(run / ADAPTER, technique, base)
    return model.to(next(base.model.parameters()).device).eval()


def _whole(folder: Path, plan: Mapping[str, Any]) -> torch.nn.Module:
    auto_class = getattr(transformers, plan["auto_class"])
    code = plan["recipe"].get("trust_remote_code", False)
    model = auto_class.from_pretrained(folder, dtype=torch.float32, trust_remote_code=code)
    return convert_conv1d(model) if plan["recipe"].get("convert_conv1d") else model


def _adapted(folder: Path, technique: Technique, base: Base) -> torch.nn.Module:
    register()
    config = peft.PeftConfig.from_pretrained(str(folder))
    model = clone(base, _written(folder, config.to_dict(), base.model).__contains__)
    if isinstance(config, peft.XLoraConfig):  # it weighs its adapters by the whole text
        model.config.use_cache = False
    adapted = peft.PeftModel.from_pretrained(model, folder)
    if technique.forward_hook is not None:
        technique.forward_hook.load()(adapted)
    return adapted


def _written(folder: Path, config: Mapping[str, Any], model: torch.nn.Module) -> set[str]:
    """Return the base's parameters that loading an adapter writes into."""
    stored: set[str] = set()
    for file in folder.rglob("*.safetensors"):
        with safe_open(file, "pt") as tensors:
            stored |= set(tensors.keys())
    # Biases that were trained are stored under the names that they have in the base.
    ends = {name.removeprefix("base_model.model.").replace(".base_layer", "") for name in stored}
    names = {name for name, _ in model.named_parameters()}
    return (names & ends) | overwritten_parameters(config, model)
