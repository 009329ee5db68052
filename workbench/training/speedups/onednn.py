"""Whether this machine multiplies in oneDNN by the operator that the setting ``onednn`` leans on."""

from __future__ import annotations

from functools import cache

import torch

from workbench.errors import first_line
from workbench.training.speedups.settings import Product

TRIED = {"torch": ">=2.11,<2.16"}
# In float32 sums of so few products lie closer together in any order.
_CLOSE = {"rtol": 1e-4, "atol": 1e-4}


def obstacle() -> str | None:
    """Say why products in oneDNN cannot stand in for PyTorch's own; None where they can.

    A product and its gradients are computed both ways, once in a process, which takes milliseconds. The
    setting is there to round otherwise, so they need be close only.

    Examples
    --------
    >>> torch.backends.mkldnn.is_available() and obstacle() is not None
    False
    """
    if not torch.backends.mkldnn.is_available():
        return "this build of PyTorch has no oneDNN"
    return _difference()


@cache
def _difference() -> str | None:
    """Say how products there differ from PyTorch's own; None where they do not."""
    try:
        pairs = zip(_both(Product.apply), _both(torch.nn.functional.linear), strict=True)
        same = all(torch.allclose(mine, theirs, **_CLOSE) for mine, theirs in pairs)
    except Exception as error:  # noqa: BLE001 (whatever another version of torch raises)
        return f"PyTorch {torch.__version__} does not support it ({first_line(error)})"
    return None if same else f"PyTorch {torch.__version__} gives different products with it"


def _both(multiply) -> tuple[torch.Tensor, ...]:
    """Return a product with its gradients."""
    draw = torch.Generator().manual_seed(0)
    sizes = (32, 64), (48, 64), (48,)
    parts = [torch.randn(*size, generator=draw).requires_grad_() for size in sizes]
    with torch.enable_grad():
        out = multiply(*parts)
        return out.detach(), *torch.autograd.grad(out.square().mean(), parts)
