"""Which settings of how a model computes work with a technique, a task and one another."""

from __future__ import annotations

from workbench.errors import Problem
from workbench.registry.tasks import Task, task_of
from workbench.registry.technique import Technique
from workbench.settings.fields import Settings

# Settings about the layers and rows of a model of transformers, which a plain module has not.
LAYERED = ("gradient_checkpointing", "torch_compile", "cache_frozen_prefix", "padding_free")
# Settings of conversations, with their defaults.
CONVERSATIONAL = {
    "prompt_template": None,
    "system_prompt": None,
    "assistant_only_loss": False,
    "completion_only_loss": False,
}
# What cannot be set together, and why.
EXCLUSIVE = {
    ("cache_frozen_prefix", "gradient_checkpointing"): "it skips blocks whose outputs are cached",
    ("cache_frozen_prefix", "torch_compile"): "it skips blocks whose outputs are cached",
    ("cache_frozen_prefix", "padding_free"): "it stores the outputs of each row separately",
    ("onednn", "bf16"): "bfloat16 matrices are multiplied by oneDNN already",
    ("onednn", "torch_compile"): "compiled layers choose their own matrix multiplication",
    ("padding_free", "torch_compile"): "compiled layers would need to know where each row ends",
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
        reason = "it is for the training of causal language models"
        problems.append(Problem("padding_free", allowed, True, reason))
    problems += _conversation_problems(settings, task)
    wrong = {problem.parameter for problem in problems}
    for (name, other), reason in EXCLUSIVE.items():
        if name not in wrong and getattr(settings, name) is getattr(settings, other) is True:
            problems.append(Problem(name, f"False with {other}", True, reason))
    return problems


def _conversation_problems(settings: Settings, task: Task | None) -> list[Problem]:
    """Refuse what shapes conversations where a task has none, as it would do nothing."""
    if task is None or task.chats:
        return []
    why = "it shapes conversations: use the task 'instruct', or leave it out"
    return [
        Problem(name, f"{default} with the task {settings.task!r}", value, why)
        for name, default in CONVERSATIONAL.items()
        if (value := getattr(settings, name)) is not default
    ]


def _refused(technique: Technique) -> dict[str, str]:
    """Name the settings that a technique cannot take, with the reason."""
    if technique.trainable == "nothing":
        return dict.fromkeys(LAYERED, "it trains nothing")
    reasons = {}
    if not technique.checkpointable:
        reasons["gradient_checkpointing"] = (
            "its layers cannot be computed again in the backward pass"
        )
    if technique.family == "prompt":
        reasons["padding_free"] = "its virtual tokens must come before each row"
    return reasons
