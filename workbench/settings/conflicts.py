"""Which settings of how a model computes go with a technique, a task and one another."""

from __future__ import annotations

from workbench.errors import Problem
from workbench.registry.tasks import task_of
from workbench.registry.technique import Technique
from workbench.settings.fields import Settings

# Settings about layers and rows, which only the training of a model of transformers has.
LAYERED = ("gradient_checkpointing", "torch_compile", "cache_frozen_prefix", "padding_free")
# What cannot be set together, and why.
APART = {
    ("cache_frozen_prefix", "gradient_checkpointing"): "it passes blocks by",
    ("cache_frozen_prefix", "torch_compile"): "it passes blocks by",
    ("cache_frozen_prefix", "padding_free"): "it keeps rows one by one",
    ("onednn", "bf16"): "bfloat16 is multiplied by oneDNN already",
    ("onednn", "torch_compile"): "what is compiled chooses for itself how to multiply",
    ("padding_free", "torch_compile"): "what is compiled would have to know where rows end",
}


def setting_problems(settings: Settings, technique: Technique) -> list[Problem]:
    """Return the settings that cannot do what they say with what else is set."""
    found = [
        Problem(name, f"False with {technique.title}", True, reason)
        for name, reason in _refused(technique).items()
        if getattr(settings, name) is True
    ]
    task = task_of(settings.task)
    if settings.padding_free is True and task is not None and task.peft_task_type != "CAUSAL_LM":
        allowed = f"False with the task {settings.task!r}"
        found.append(Problem("padding_free", allowed, True, "its rows are read as wholes"))
    wrong = {problem.parameter for problem in found}
    for (name, other), reason in APART.items():
        if name not in wrong and getattr(settings, name) is getattr(settings, other) is True:
            found.append(Problem(name, f"False with {other}", True, reason))
    return found


def _refused(technique: Technique) -> dict[str, str]:
    """Name the settings that a technique cannot take, with the reason."""
    if technique.trainable == "nothing":
        return dict.fromkeys(LAYERED, "it trains nothing")
    why = {}
    if not technique.checkpointable:
        why["gradient_checkpointing"] = "what its layers compute cannot be computed twice"
    if technique.family == "prompt":
        why["padding_free"] = "what it learns stands before each row"
    return why
