"""Why a technique cannot adapt a base: what libraries raise, turned into a sentence."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from itertools import dropwhile
from traceback import walk_tb
from typing import Any

import torch

from workbench.errors import ModelError, Problem, RecipeError, WorkbenchError
from workbench.registry.technique import Technique

# A pattern of an error's message, the reason that it stands for, and what would help.
_EXPLANATIONS = (
    (
        r"Unsupported model type for adaption prompt",
        "PEFT supports it for {prompted} only",
        "choose a base of these types",
    ),
    (
        r"does not support past key values",
        "the attention of {kind} accepts no keys and values from outside",
        "choose a base that does, such as a decoder",
    ),
    (
        r"unexpected keyword argument 'modules_to_save'",
        "no new head can be trained together with it",
        "choose a task without labels",
    ),
    (
        r"Sizes of tensors must match except in dimension 1",
        "the token embeddings of {kind} are not as wide as its hidden states",
        "set token_dim={width}",
    ),
    (
        r"batch1 must be a 3D tensor|The shape of the mask",
        "some layers of {kind} get the tokens of all rows as one sequence",
        "name others in target_modules, such as those of the attention",
    ),
    (
        r"Target modules .* not found",
        "target_modules, layers_to_transform and layers_pattern together leave no layer to wrap",
        "name other layers",
    ),
    (
        r"Config specifies more adapter layers",
        "adapter_layers must be at most {layers}, the base's number of blocks",
        "",
    ),
    (
        r"Got unexpected keys",
        "PEFT does not find the adapters that it loads into {kind} for {title}",
        "choose a base such as llama",
    ),
    (
        r"not compiled with CUDA|No CUDA GPUs",
        "PEFT computes its initialization on a CUDA GPU",
        "run it on a machine that has one",
    ),
    (
        r"Conv1D",
        "{kind} uses Conv1D, which {title} cannot wrap",
        "set convert_conv1d=True to rewrite them as Linear",
    ),
    (
        r"Target module .* is not supported",
        "{kind} has layers that it cannot wrap",
        "name layers that are torch.nn.Linear in target_modules",
    ),
)
# The packages whose code may have raised an error; torch is called by all of them.
_PACKAGES = {"peft": "PEFT", "transformers": "transformers", "workbench": "the workbench itself"}


class Refusal(ModelError):
    """A technique that a base does not allow.

    Parameters
    ----------
    technique : Technique
    base : str
        The base's class.
    reason : str
    remedy : str
        What would help; empty where that is not known.
    """

    def __init__(self, technique: Technique, base: str, reason: str, remedy: str):
        self.reason, self.remedy = reason, remedy
        end = f": {remedy}" if remedy else ""
        super().__init__(f"{technique.title} does not work with {base}: {reason}{end}.")


@contextlib.contextmanager
def in_words(technique: Technique, model: torch.nn.Module) -> Iterator[None]:
    """Say in a sentence why a technique cannot be injected into a model.

    Raises
    ------
    Refusal
    """
    try:
        yield
    except (WorkbenchError, MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as error:
        base = type(model).__name__
        raise Refusal(technique, base, *explain(error, technique, model)) from error


def explain(error: Exception, technique: Technique, model: torch.nn.Module) -> tuple[str, str]:
    """Return the reason that an error stands for, and what would help; empty where not known.

    Parameters
    ----------
    error : Exception
    technique : Technique
        The technique that raised it.
    model : torch.nn.Module
        The base that it was applied to.
    """
    if isinstance(error, RecipeError):
        return reason_of(error.problems[0])
    if isinstance(error, Refusal):
        return error.reason, error.remedy
    message = " ".join(str(error).split())
    if isinstance(error, WorkbenchError):
        reason, _, remedy = message.rstrip(".").rpartition(": ")
        if not reason:
            return remedy, ""
        return reason.removeprefix("technique must find parameters to train, but "), remedy
    values = _values(technique, model)
    for pattern, reason, remedy in _EXPLANATIONS:
        if re.search(pattern, message) and ("{width}" not in remedy or "width" in values):
            return reason.format(**values), remedy.format(**values)
    sentence = re.split(r"(?<=[a-z])\. | \(|, e\.g\.", message)[0].rstrip(".")
    if isinstance(error, ValueError | NotImplementedError) and sentence:
        return sentence.replace("`", "'"), ""
    return f"it fails{_where(error)} with {type(error).__name__}: {sentence}", ""


def _values(technique: Technique, model: Any) -> dict[str, Any]:
    """Return what the sentences above say of a technique and a model of transformers, by name."""
    values = {
        "kind": model.config.model_type,
        "title": technique.title,
        "layers": getattr(model.config, "num_hidden_layers", None),
        "prompted": _adaption_prompt_types(),
    }
    if technique.family == "prompt" and (table := model.get_input_embeddings()) is not None:
        values["width"] = getattr(table, "embedding_dim", None)
    return values


def _adaption_prompt_types() -> str:
    """Return the types of models that PEFT has adaption prompts for, as text."""
    try:
        from peft.tuners.adaption_prompt.config import TRANSFORMERS_MODEL_CONFIG
    except ImportError:
        return "a few types of models"
    return ", ".join(TRANSFORMERS_MODEL_CONFIG)


def _where(error: Exception) -> str:
    """Say in which package an error was raised: the innermost in the traceback that has a title here.

    The frames above the first of a library are left out, as they are there whatever fails.
    """
    names = [frame.f_globals.get("__name__", "") for frame, _ in walk_tb(error.__traceback__)]
    packages = [name.split(".")[0] for name in names]
    called = dropwhile(lambda package: package not in ("peft", "torch", "transformers"), packages)
    titles = [_PACKAGES[package] for package in called if package in _PACKAGES]
    return f" inside {titles[-1]}" if titles else ""


def reason_of(problem: Problem) -> tuple[str, str]:
    """Return a problem's reason, and what would help."""
    if problem.parameter == "technique":
        return problem.hint.rstrip("."), ""  # the rest repeats what was asked
    without_hint = Problem(problem.parameter, problem.allowed, problem.got)
    return str(without_hint).rstrip("."), problem.hint.rstrip(".")
