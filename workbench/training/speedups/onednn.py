"""Matrix products in oneDNN: whether this machine and this PyTorch have them, and they are products."""

from __future__ import annotations

from functools import cache

import torch

from workbench.errors import first_line
from workbench.recipe import Recipe
from workbench.training.speedups.comparison import Batch, are_close, loss_differs
from workbench.training.speedups.settings import Product
from workbench.training.speedups.settings import use_onednn as apply

__all__ = ["TESTED_WITH", "apply", "guard", "machine_obstacle", "obstacle"]

TESTED_WITH = {"torch": ">=2.11,<2.16"}
# In float32 sums of so few products lie closer together in any order.
TOLERANCE = 1e-4
# Of a batch's loss, which rounding errors of many layers go into.
RTOL = 1e-3


def obstacle(recipe: Recipe, model: torch.nn.Module) -> str | None:
    """Say why products in oneDNN cannot stand in for PyTorch's own; None where they can."""
    return machine_obstacle()


def machine_obstacle() -> str | None:
    """Say what this machine or this PyTorch lacks; None where products in oneDNN can be used.

    A product and its gradients are computed both ways, once in a process, which takes milliseconds. The
    setting is there to round otherwise, so they need be close only.

    Examples
    --------
    >>> torch.backends.mkldnn.is_available() and machine_obstacle() is not None
    False
    """
    if not torch.backends.mkldnn.is_available():
        return "this build of PyTorch has no oneDNN"
    return _product_difference()


def guard(recipe: Recipe, model: torch.nn.Module, batch: Batch) -> str | None:
    """Say how a batch's loss differs from that of PyTorch's own products; None within :data:`RTOL`.

    ``model`` is the one that :func:`apply` was called with, and nothing else since.
    """
    return loss_differs(model, batch, vars(model)["forward"].__wrapped__, RTOL)


@cache
def _product_difference() -> str | None:
    """Say how products there differ from PyTorch's own; None where they do not."""
    try:
        results = _product_and_gradients(Product.apply)
        plain = _product_and_gradients(torch.nn.functional.linear)
    except Exception as error:  # noqa: BLE001 (whatever another version of torch raises)
        return f"PyTorch {torch.__version__} does not support it ({first_line(error)})"
    if are_close(results, plain, rtol=TOLERANCE, atol=TOLERANCE):
        return None
    return f"PyTorch {torch.__version__} gives different products with it"


def _product_and_gradients(multiply) -> tuple[torch.Tensor, ...]:
    """Return a product of shape (32, 48), and the gradients of what it is made of."""
    generator = torch.Generator().manual_seed(0)
    shapes = (32, 64), (48, 64), (48,)
    inputs = [torch.randn(*shape, generator=generator).requires_grad_() for shape in shapes]
    with torch.enable_grad():
        product = multiply(*inputs)
        return product.detach(), *torch.autograd.grad(product.square().mean(), inputs)
