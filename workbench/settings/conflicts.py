"""Which settings of how a model computes work with a technique, a task and one another."""

from __future__ import annotations

from workbench.errors import Problem
from workbench.registry.tasks import task_of
from workbench.registry.technique import Technique
from workbench.settings.fields import Settings

# Settings about the layers and rows of a model of transformers, which a plain module has not.
LAYERED = ("gradient_checkpointing", "torch_compile", "cache_frozen_prefix", "padding_free")
# What cannot be set together, and why.
EXCLUSIVE = {
    ("cache_frozen_prefix", "gradient_checkpointing"): "it passes blocks by",
    ("cache_frozen_prefix", "torch_compile"): "it passes blocks by",
    ("cache_frozen_prefix", "padding_free"): "it keeps rows one by one",
    ("onednn", "bf16"): "bfloat16 is multiplied by oneDNN already",
    ("onednn", "torch_compile"): "what is compiled chooses for itself how to multiply",
    ("padding_free", "torch_compile"): "what is compiled would have to know where rows end",
}


def setting_problems(settings: Settings, technique: Technique) -> list[Problem]:
    """Return the settings that do not work with the technique, the task or other settings."""
    problems = [
        Problem(name, f"False with {technique.title}", True, reason)
        for name, reason in _refused(technique).items()
        if getattr(settings, name) is True
    ]
    task = task_of(settings.task)
    if settings.padding_free is True and task is not None and task.peft_task_type != "CAUSAL_LM":
        allowed = f"False with the task {settings.task!r}"
        problems.append(Problem("padding_free", allowed, True, "its rows are read as wholes"))
    wrong = {problem.parameter for problem in problems}
    for (name, other), reason in EXCLUSIVE.items():
        if name not in wrong and getattr(settings, name) is getattr(settings, other) is True:
            problems.append(Problem(name, f"False with {other}", True, reason))
    return problems


def _refused(technique: Technique) -> dict[str, str]:
    """Name the settings that a technique cannot take, with the reason."""
    if technique.trainable == "nothing":
        return dict.fromkeys(LAYERED, "it trains nothing")
    reasons = {}
    if not technique.checkpointable:
        reasons["gradient_checkpointing"] = "what its layers compute cannot be computed twice"
    if technique.family == "prompt":
        reasons["padding_free"] = "what it learns stands before each row"
    return reasons
