"""A technique put on a copy of a plain module; the module itself keeps its bits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

import torch

from workbench.errors import Problem, RecipeError, WorkbenchError
from workbench.registry.tasks import TASKS
from workbench.registry.technique import GET_PEFT_MODEL, Technique
from workbench.training.adaptation.base_model import Base, clone
from workbench.training.adaptation.build import adaptation_of, put_on_clone
from workbench.training.adaptation.plain_module_layers import default_arguments, head_parameters

Made = TypeVar("Made")

FAST_PATH = (
    "PyTorch's fast path for evaluating transformer layers reads the base's weights and "
    "ignores adapters. It is switched off in this run's model; after loading the adapter onto "
    "the module again, call torch.backends.mha.set_fastpath_enabled(False)."
)


def adapt_module(
    module: torch.nn.Module, technique: Technique, args: Mapping[str, Any], max_steps: int | None
) -> tuple[torch.nn.Module, dict[str, Any], list[str]]:
    """Adapt a copy of a module; returns it with its PEFT config's arguments and what is selected.

    Raises
    ------
    WorkbenchError
        The technique cannot adapt it.
    """
    _check_suits(technique)
    name = type(module).__name__
    adapted, config, selected = say_misfit(
        technique, name, lambda: _adapt(module, technique, args, max_steps)
    )
    if not any(parameter.requires_grad for parameter in adapted.parameters()):
        why = f"{technique.title} finds no parameters to train in it"
        raise RecipeError(
            [Problem("technique", f"one that works with {name}", technique.name, why)]
        )
    if technique.trainable == "adapter":
        for part in fast_paths(adapted):
            # A layer that is listened to does not take it.
            part.register_forward_pre_hook(_listen)
    return adapted, config, selected


def _adapt(
    module: torch.nn.Module, technique: Technique, args: Mapping[str, Any], max_steps: int | None
) -> tuple[torch.nn.Module, dict[str, Any], list[str]]:
    adaptation = adaptation_of(
        technique,
        module,
        args,
        task_type=None,
        # A plain module's own head is selected, and not drawn anew.
        head=head_parameters(module) if technique.head_only else (),
        max_steps=max_steps,
        complete=partial(default_arguments, technique, module),
    )
    base = _as_base(module)
    adapted = put_on_clone(adaptation, base, tell=freeze, copies=_buffers(module))
    return adapted, dict(adaptation.config), list(adaptation.selected)


def copy_around(module: torch.nn.Module) -> torch.nn.Module:
    """Copy a module around its own parameters; running statistics are copied."""
    copies = _buffers(module)
    return clone(_as_base(module), lambda name: name in copies).requires_grad_(False)


def freeze(model: torch.nn.Module) -> None:
    """Train nothing of a module so far: unlike a base of ours, a user's may be in training."""
    model.requires_grad_(False)


def _buffers(module: torch.nn.Module) -> set[str]:
    return {name for name, _ in module.named_buffers()}


def _as_base(module: torch.nn.Module) -> Base:
    return Base(module, new_parameters=(), heads=(), resized=False, sums=())


def fast_paths(model: torch.nn.Module) -> list[torch.nn.Module]:
    """Return the layers that PyTorch may evaluate past their adapters."""
    return [part for part in model.modules() if isinstance(part, torch.nn.TransformerEncoderLayer)]


def _listen(module: torch.nn.Module, inputs: Any) -> None:
    """Hear that a layer is called, and do nothing about it."""


def say_misfit(technique: Technique, name: str, act: Callable[[], Made]) -> Made:
    """Do something that a technique may not be made for; what a library raises is said in a sentence.

    Parameters
    ----------
    technique : Technique
    name : str
        What the module is called.
    act : callable
    """
    try:
        return act()
    except (WorkbenchError, MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as error:
        why = first_line(error)
        if isinstance(error, AttributeError) and "attribute 'loss'" in why:
            why = (
                "it adds a penalty to the loss that the model returns, and a module returns no loss"
            )
        elif isinstance(error, AttributeError) and "attribute 'config'" in why:
            why = "it reads the config of a transformers model, unless target_modules are given"
        wrong = Problem("technique", f"one that works with {name}", technique.name, why)
        raise RecipeError([wrong]) from error


def first_line(error: Exception) -> str:
    """Return the first line of what a library said."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")


def _check_suits(technique: Technique) -> None:
    """Refuse what is known to need a language model, or a base that is loaded by us."""
    why = ""
    if technique.quantization is not None:
        why = f"{technique.title} quantizes the base while it is loaded"
    elif technique.trainable == "nothing":
        why = f"{technique.title} prompts a language model and trains nothing"
    elif technique.initializer != GET_PEFT_MODEL:
        why = f"{technique.title} is initialized with the rows of a language model"
    elif technique.trainable == "adapter" and technique.target_finder is None:
        why = f"{technique.title} needs a language model: it wraps no layers"
    elif not any(TASKS[task].labels for task in technique.tasks):
        why = f"{technique.title} needs the tokens of a language model"
    if why:
        allowed = "one that adapts the layers of any module"
        raise RecipeError([Problem("technique", allowed, technique.name, why)])
