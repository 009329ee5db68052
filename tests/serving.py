"""The techniques that serve a task, as parameters of a test."""

from __future__ import annotations

import copy
from pathlib import Path

import peft
import pytest
import torch

from workbench.registry.tasks import TASKS
from workbench.registry.techniques import TECHNIQUES
from workbench.training.adaptation.target_modules import find_linears

# Those that train something.
TRAINED = {name: entry for name, entry in TECHNIQUES.items() if entry.trainable != "nothing"}
# Those that nothing can be trained with until the user gives them something.
ASK = ("xlora",)


def mechanisms() -> list[str]:
    """Return the first technique of each way in which techniques are carried out."""
    ways: dict[tuple, str] = {}
    for name, technique in TRAINED.items():
        way = (
            technique.trainable,
            technique.selector,
            technique.initializer,
            technique.forward_hook,
            technique.optimizer,
            technique.after_step,
            technique.quantization,
            technique.target_finder,
            tuple(technique.derived),
        )
        if name not in ASK:
            ways.setdefault(way, name)
    return list(ways.values())


def every(*, slow_beyond: list[str]) -> list:
    """Return the names of all techniques that need nothing given; those beyond a few are slow."""
    return [
        name if name in slow_beyond else pytest.param(name, marks=pytest.mark.slow)
        for name in TRAINED
        if name not in ASK
    ]


def serving(task: str) -> list:
    """Return the names of all techniques that are trained for a task; beyond one a family they are slow."""
    assert task in TASKS
    families = set()
    found = []
    for name, technique in TRAINED.items():
        if task in technique.tasks and name not in ASK:
            more = technique.family in families
            found.append(pytest.param(name, marks=pytest.mark.slow) if more else name)
            families.add(technique.family)
    return found


def adapters_for(model: torch.nn.Module, folder: Path) -> dict[str, str]:
    """Save two adapters for X-LoRA to mix, and return where."""
    for name in (names := ("one", "other")):
        config = peft.LoraConfig(init_lora_weights=False, **find_linears(model))
        peft.get_peft_model(copy.deepcopy(model), config).save_pretrained(folder / name)
    return {name: str(folder / name) for name in names}
