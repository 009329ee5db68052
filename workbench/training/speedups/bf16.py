"""Matrix products in bfloat16: what stands against it, and whether a run's loss stays near."""

from __future__ import annotations

import torch

from workbench.recipe import Recipe
from workbench.training.speedups.comparison import Batch, loss_differs
from workbench.training.speedups.settings import use_bf16 as apply

__all__ = ["TESTED_WITH", "apply", "guard", "is_native", "obstacle"]

TESTED_WITH = {"torch": ">=2.11,<2.16"}
# A bfloat16 has three digits, and errors add up over a model's layers.
RTOL = 0.1


def obstacle(recipe: Recipe, model: torch.nn.Module) -> str | None:
    """Return None: where the machine cannot do it, PyTorch emulates it, which is slow and said so."""
    return None


def guard(recipe: Recipe, model: torch.nn.Module, batch: Batch) -> str | None:
    """Say how a batch's loss differs from that in the weights' own precision; None within :data:`RTOL`.

    ``model`` is the one that :func:`apply` was called with, and nothing else since.
    """
    return loss_differs(model, batch, vars(model)["forward"].__wrapped__, RTOL)


def is_native() -> bool:
    """Tell whether this machine multiplies matrices in bfloat16 by itself."""
    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported(including_emulation=False)
    flags = torch.cpu.get_capabilities()
    return bool(flags.get("avx512_bf16") or flags.get("amx_bf16") or flags.get("bf16"))
