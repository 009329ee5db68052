"""How a model computes: the recipe's settings put into it, and what there is to say of them."""

from __future__ import annotations

import inspect

import torch
import transformers

from workbench.errors import Problem, RecipeError
from workbench.recipe import Recipe
from workbench.registry.tasks import ALL_TASKS
from workbench.registry.techniques import get
from workbench.training.adaptation.wrapping import unwrapped
from workbench.training.runtime.rng import Randomness
from workbench.training.speedups import fast_lora_forward, onednn, settings

# What each setting in workbench.recipe.COMPUTING does to a model, in its order.
USES = {
    "padding_free": settings.use_padding_free,
    "gradient_checkpointing": settings.use_gradient_checkpointing,
    "torch_compile": settings.use_torch_compile,
    "bf16": settings.use_bf16,
    "onednn": settings.use_onednn,
}


def set_up(recipe: Recipe, model: torch.nn.Module, *, labelled_logits: bool = False) -> None:
    """Make an adapted model compute as its recipe's settings say.

    Parameters
    ----------
    recipe : Recipe
    model : torch.nn.Module
    labelled_logits : bool
        Whether to compute logits only where there are labels; see :func:`labels_some`.

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
        if getattr(recipe, name) and not (name == "onednn" and onednn.obstacle()):
            use(model)
    if not recipe.torch_compile:  # which takes Python out of a step itself
        fast_lora_forward.apply(model)


def guard(recipe: Recipe, model: torch.nn.Module, batch: dict[str, torch.Tensor]) -> list[str]:
    """Hold what nobody has asked for against the plain way, on a few rows of a run; it goes where it differs.

    Parameters
    ----------
    recipe : Recipe
    model : torch.nn.Module
        Adapted, set up and on its device.
    batch : dict of str to torch.Tensor

    Returns
    -------
    list of str
        A sentence for each speed-up that is off.
    """
    with Randomness(recipe.seed):
        why = fast_lora_forward.obstacle(model, batch)
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


def labels_some(recipe: Recipe, base: torch.nn.Module) -> bool:
    """Tell whether logits are needed at some places only, and the base looks as if it can do with those.

    That is an ordinary causal model of transformers, which leaves its loss to a function. Whether it
    can is tried where there are weights: see :func:`workbench.training.speedups.labelled_logits.keeps_loss`.
    """
    names = transformers.models.auto.modeling_auto
    kinds = getattr(names, "MODEL_FOR_CAUSAL_LM_MAPPING_NAMES", {}).values()
    causal = ALL_TASKS[recipe.task].peft_task_type == "CAUSAL_LM"
    if not causal or type(base).__name__ not in kinds or get(recipe.technique).own_loss:
        return False
    source = inspect.getsource(inspect.unwrap(type(base).forward))
    return "self.loss_function(" in source and hasattr(base, base.base_model_prefix)


def computing_notes(recipe: Recipe) -> list[str]:
    """Say which settings do not do here what they are there for."""
    notes = []
    if recipe.bf16 and not has_bf16():
        notes.append(
            "bf16 is emulated here: neither AVX512-BF16 nor AMX nor a GPU with bfloat16 was found, so "
            "steps take longer than without it."
        )
    if recipe.onednn and torch.cuda.is_available():
        notes.append("onednn has no effect here: matrices are multiplied on the GPU.")
    elif recipe.onednn and (why := onednn.obstacle()):
        notes.append(f"onednn has no effect here: {why}.")
    return notes


def has_bf16() -> bool:
    """Tell whether this machine multiplies matrices in bfloat16 by itself."""
    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported(including_emulation=False)
    flags = torch.cpu.get_capabilities()
    return bool(flags.get("avx512_bf16") or flags.get("amx_bf16") or flags.get("bf16"))
