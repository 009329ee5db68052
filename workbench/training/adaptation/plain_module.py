"""A technique put on a copy of a plain module, whose own weights do not change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar, cast

import torch
from transformers import PreTrainedModel

from workbench.errors import Problem, RecipeError, WorkbenchError, first_line
from workbench.registry.tasks import TASKS
from workbench.registry.technique import GET_PEFT_MODEL, Technique
from workbench.training.adaptation.base_model import Base, clone
from workbench.training.adaptation.build import adaptation_of, put_on_clone
from workbench.training.adaptation.plain_module_layers import default_arguments, head_parameters

Result = TypeVar("Result")

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
    _check_suitable(technique)
    name = type(module).__name__
    adapted, config, selected = in_one_sentence(
        technique, name, lambda: _adapt(module, technique, args, max_steps)
    )
    if not any(parameter.requires_grad for parameter in adapted.parameters()):
        why = f"{technique.title} finds no parameters to train in it"
        raise RecipeError(
            [Problem("technique", f"one that works with {name}", technique.name, why)]
        )
    if technique.trainable == "adapter":
        for layer in fast_path_layers(adapted):
            # PyTorch does not take it where a layer has a hook.
            layer.register_forward_pre_hook(_do_nothing)
    return adapted, config, selected


def _adapt(
    module: torch.nn.Module, technique: Technique, args: Mapping[str, Any], max_steps: int | None
) -> tuple[torch.nn.Module, dict[str, Any], list[str]]:
    adaptation = adaptation_of(
        technique,
        module,
        args,
        task_type=None,
        # A plain module's own head is selected, and not initialized anew.
        head=head_parameters(module) if technique.head_only else (),
        max_steps=max_steps,
        complete=partial(default_arguments, technique, module),
    )
    base = _as_base(module)
    adapted = put_on_clone(adaptation, base, tell=freeze, copies=_buffers(module))
    return adapted, dict(adaptation.config), list(adaptation.selected)


def copy_sharing_parameters(module: torch.nn.Module) -> torch.nn.Module:
    """Copy a module around its own parameters, all of them frozen; buffers are copied."""
    copies = _buffers(module)
    return clone(_as_base(module), lambda name: name in copies).requires_grad_(False)


def freeze(model: torch.nn.Module) -> None:
    """Freeze all parameters: a user's module may be in training, unlike a base loaded here."""
    model.requires_grad_(False)


def _buffers(module: torch.nn.Module) -> set[str]:
    return {name for name, _ in module.named_buffers()}


def _as_base(module: torch.nn.Module) -> Base:
    # Copying and adapting ask nothing of a base that a plain module has not.
    return Base(cast(PreTrainedModel, module), new_parameters=(), heads=(), resized=False, sums=())


def fast_path_layers(model: torch.nn.Module) -> list[torch.nn.Module]:
    """Return the layers that PyTorch may evaluate without calling the adapters in them."""
    return [
        layer for layer in model.modules() if isinstance(layer, torch.nn.TransformerEncoderLayer)
    ]


def _do_nothing(module: torch.nn.Module, inputs: Any) -> None:
    """Be a hook, which is enough for a layer's modules to be called."""


def in_one_sentence(technique: Technique, name: str, act: Callable[[], Result]) -> Result:
    """Call a function; what a library raises in it is a sentence about the technique.

    Parameters
    ----------
    technique : Technique
    name : str
        The module's class.
    act : callable
        Applies the technique to the module, or uses it.

    Raises
    ------
    RecipeError
    """
    try:
        return act()
    except (WorkbenchError, MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as error:
        why = first_line(error).rstrip(".")
        if isinstance(error, AttributeError) and "attribute 'loss'" in why:
            why = (
                "it adds a penalty to the loss that the model returns, and a module returns no loss"
            )
        elif isinstance(error, AttributeError) and "attribute 'config'" in why:
            why = "it reads the config of a transformers model, unless target_modules are given"
        problem = Problem("technique", f"one that works with {name}", technique.name, why)
        raise RecipeError([problem]) from error


def _check_suitable(technique: Technique) -> None:
    """Refuse a technique that needs a language model, or a base that is loaded here."""
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
