"""What is wrong with the settings of a run, as far as that is known without a file or a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.errors import Problem, did_you_mean
from workbench.registry import prompt_templates
from workbench.registry.quantizations import QUANTIZATIONS
from workbench.registry.tasks import task_of
from workbench.registry.technique import Technique
from workbench.registry.techniques import TECHNIQUES, arguments, find
from workbench.settings.conflicts import setting_problems
from workbench.settings.fields import FIELDS, HINTS, Settings
from workbench.settings.values import value_problems


def settings_problems(settings: Settings) -> list[Problem]:
    """Return all that is wrong with the settings themselves; no file or model is opened."""
    problems = []
    for name, spec in FIELDS.items():
        if name not in ("technique", "technique_args"):
            problems += value_problems(name, getattr(settings, name), HINTS[name], spec.metadata)
        elif name == "technique":
            problems += technique_problems(settings)
    wrong = {problem.parameter for problem in problems}
    if settings.max_steps is not None and not wrong & {"max_steps", "warmup_steps"}:
        problems += warmup_problems(settings, settings.max_steps)
    return problems


def warmup_problems(settings: Settings, steps: int) -> list[Problem]:
    """Return what is wrong with the warm-up of a run of so many steps."""
    if 0 < settings.warmup_steps >= steps:
        allowed = f"below the run's {steps} step{'s' * (steps != 1)}"
        return [Problem("warmup_steps", allowed, settings.warmup_steps)]
    return []


def technique_problems(settings: Settings) -> list[Problem]:
    """Return what is wrong with the technique, its arguments and whether they go together.

    peft is imported only for a technique that is not curated, or for an argument that is not one of
    its :class:`~workbench.registry.technique.Hyperparameter`.
    """
    technique = find(settings.technique)
    if technique is None:
        hint = did_you_mean(str(settings.technique), TECHNIQUES)
        return [Problem("technique", "a known technique", settings.technique, hint)]
    problems = []
    if task_of(settings.task) and settings.task not in technique.tasks:
        problems.append(
            Problem(
                "technique",
                f"one that supports the task {settings.task!r}",
                settings.technique,
                f"it is {technique.suitable_data}",
            )
        )
    problems += quantization_problems(settings.quantization, technique)
    if settings.convert_conv1d is True and technique.trainable != "adapter":
        allowed, why = f"False with {technique.title}", "it wraps no layers"
        problems.append(Problem("convert_conv1d", allowed, True, why))
    problems += setting_problems(settings, technique)
    if not isinstance(settings.technique_args, Mapping):
        allowed = "a mapping of names to values"
        return [*problems, Problem("technique_args", allowed, settings.technique_args)]
    for name, value in settings.technique_args.items():
        problems += _argument_problems(technique, name, value)
    if technique.trainable == "nothing":
        problems += prompt_templates.argument_problems(settings.task, settings.technique_args)
    return problems


def quantization_problems(quantization: str | None, technique: Technique) -> list[Problem]:
    """Return what is wrong with a technique on a base in this quantization."""
    problems = []
    if quantization in technique.unsupported_quantizations:
        others = [name for name in QUANTIZATIONS if name not in technique.unsupported_quantizations]
        allowed = f"one of {', '.join(map(repr, others))} with {technique.title} (or None)"
        problems.append(Problem("quantization", allowed, quantization, _in_few_bits(technique)))
    if quantization is not None and not technique.quantizable:
        problems.append(
            Problem(
                "quantization",
                f"None with {technique.title}",
                quantization,
                "PEFT supports it for weights in full precision only"
                if technique.trainable == "adapter"
                else "it trains the weights of the base, so they cannot be quantized",
            )
        )
    return problems


def _in_few_bits(technique: Technique) -> str:
    """Say what to take instead of a technique that is defined by how its base is quantized."""
    if technique.quantization is None:
        return ""
    bits = QUANTIZATIONS[technique.quantization].bits
    return f"{technique.title} is defined on a {bits}-bit base; LoRA (technique='lora') works with this one"


def _argument_problems(technique: Technique, name: Any, value: Any) -> list[Problem]:
    main = {argument.name: argument for argument in technique.hyperparameters}
    if name in main:
        return value_problems(name, value, type(main[name].default), main[name].limits)
    options = arguments(technique.name)
    if name in options:
        return value_problems(name, value, options[name][1])
    hint = did_you_mean(str(name), [*options, *FIELDS])
    if not hint.startswith("did"):
        hint = f"its main arguments are {', '.join(main)}" if main else ""
        hint = hint or (
            f"its arguments are {', '.join(options)}"
            if options
            else "it has none: remove this argument"
        )
    allowed = f"a setting of the recipe or an argument of {technique.title}"
    return [Problem(str(name), allowed, name, hint)]
