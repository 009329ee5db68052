"""The recipe's settings put into a model, and each held against the plain computation on its first batch."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import torch

from workbench.errors import Problem, RecipeError
from workbench.recipe import Recipe
from workbench.training.adaptation.wrapping import unwrapped
from workbench.training.runtime.rng import Randomness
from workbench.training.speedups import (
    bf16,
    fast_lora_forward,
    onednn,
    padding_free,
    settings,
)
from workbench.training.speedups.comparison import Batch

# What each setting in workbench.recipe.COMPUTING does to a model, in its order.
USES: dict[str, Callable[[torch.nn.Module], None]] = {
    "padding_free": padding_free.apply,
    "gradient_checkpointing": settings.use_gradient_checkpointing,
    "torch_compile": settings.use_torch_compile,
    "bf16": bf16.apply,
    "onednn": onednn.apply,
}
# Those of them that are computed in ways of our own. The others are public switches of transformers and
# PyTorch, and what they save would be spent on a comparison: memory, and the time to compile.
GUARDED: dict[str, ModuleType] = {"padding_free": padding_free, "bf16": bf16, "onednn": onednn}


def set_up(recipe: Recipe, model: torch.nn.Module, *, labelled_logits: bool = False) -> None:
    """Make an adapted model compute as its recipe's settings say.

    Parameters
    ----------
    recipe : Recipe
    model : torch.nn.Module
    labelled_logits : bool
        Whether to compute logits only where there are labels; see
        :mod:`workbench.training.speedups.labelled_logits`.

    Raises
    ------
    RecipeError
        The base, or this machine, cannot do what a setting asks for.
    """
    if recipe.torch_compile:
        check_compiler()
    base = unwrapped(model)
    if recipe.gradient_checkpointing and not base.supports_gradient_checkpointing:
        why = "transformers does not support it for this model"
        allowed = f"False with {type(base).__name__}"
        raise RecipeError([Problem("gradient_checkpointing", allowed, True, why)])
    if labelled_logits:
        settings.use_labelled_logits(model)
    for name, use in USES.items():
        if getattr(recipe, name) and not _obstacle(name, recipe, model):
            use(model)
    if fast_lora_forward.obstacle(recipe, model) is None:
        fast_lora_forward.apply(model)


def _obstacle(name: str, recipe: Recipe, model: torch.nn.Module) -> str | None:
    return GUARDED[name].obstacle(recipe, model) if name in GUARDED else None


def guard(recipe: Recipe, model: torch.nn.Module, batch: Batch) -> list[str]:
    """Hold what :func:`set_up` put into a model against the plain computation.

    Parameters
    ----------
    recipe : Recipe
    model : torch.nn.Module
        Adapted, set up and on its device.
    batch : mapping
        The run's first.

    Returns
    -------
    list of str
        A sentence for each speed-up that is off.

    Raises
    ------
    RecipeError
        A setting that the recipe asks for by name computes something else here.
    """
    with Randomness(recipe.seed):
        # Who compiles would compile twice; padding_free and onednn are refused there.
        asked = [] if recipe.torch_compile else [name for name in GUARDED if getattr(recipe, name)]
        for name in asked:
            speedup = GUARDED[name]
            if speedup.obstacle(recipe, model) is not None:
                continue
            if (why := speedup.guard(recipe, model, batch)) is not None:
                allowed = f"False with {type(unwrapped(model)).__name__}"
                raise RecipeError([Problem(name, allowed, True, why)])
        why = fast_lora_forward.guard(recipe, model, batch)
    if why is None:
        return []
    fast_lora_forward.remove(model)
    return [f"LoRA layers use PEFT's own forward pass, which takes a little longer: {why}."]


def check_compiler() -> None:
    """Refuse ``torch_compile`` where PyTorch would find no compiler at the first step."""
    # Here and not at the top: it loads much that nothing else needs.
    from torch._inductor.cpp_builder import get_cpp_compiler

    try:
        get_cpp_compiler()
    except RuntimeError as error:
        allowed = "False where no C++ compiler is found"
        why = "install one, such as g++, or name yours in the environment variable CXX"
        raise RecipeError([Problem("torch_compile", allowed, True, why)]) from error


def computing_notes(recipe: Recipe) -> list[str]:
    """Say which settings do not do here what they are there for."""
    notes = []
    if recipe.bf16 and not bf16.is_native():
        notes.append(
            "bf16 is emulated here: neither AVX512-BF16 nor AMX nor a GPU with bfloat16 was found, so "
            "steps take longer than without it."
        )
    if recipe.onednn and torch.cuda.is_available():
        notes.append("onednn has no effect here: matrices are multiplied on the GPU.")
    elif recipe.onednn and (why := onednn.machine_obstacle()):
        notes.append(f"onednn has no effect here: {why}.")
    return notes
