"""What a dry run takes from PyTorch that PyTorch does not promise to keep, looked up in one place."""

from __future__ import annotations

from typing import Any

TRIED = {"torch": ">=2.11,<2.16"}

# Why a dry run cannot be, where a name is gone; then each stands for a class that nothing is one of.
MISSING: str | None = None
try:
    from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode, unset_fake_temporarily
    from torch.utils._python_dispatch import TorchDispatchMode, is_traceable_wrapper_subclass
    from torch.utils._pytree import tree_leaves, tree_map_only
except ImportError as error:
    MISSING = str(error)

    class _Gone:
        def __init__(self, *_: Any, **__: Any):
            raise ImportError(MISSING)

    FakeTensor = FakeTensorMode = TorchDispatchMode = _Gone  # type: ignore[misc, assignment]
    unset_fake_temporarily = is_traceable_wrapper_subclass = _Gone  # type: ignore[assignment]
    tree_leaves = tree_map_only = _Gone  # type: ignore[assignment]

__all__ = [
    "MISSING",
    "FakeTensor",
    "FakeTensorMode",
    "TorchDispatchMode",
    "is_traceable_wrapper_subclass",
    "tree_leaves",
    "tree_map_only",
    "unset_fake_temporarily",
]
