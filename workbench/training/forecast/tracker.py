"""Which memory is alive at which moment of a dry run, storage by storage.

A dry run computes with tensors that have shapes and no memory (torch's FakeTensorMode). What it
allocates and frees is what the run itself will, so its peak is the run's.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from typing import Any

import torch

from workbench.training.adaptation.quantize import plain_tensors
from workbench.training.forecast.fake_ops import opened
from workbench.training.forecast.torch_internals import (
    FakeTensor,
    TorchDispatchMode,
    tree_leaves,
    tree_map_only,
    unset_fake_temporarily,
)

KINDS = ("weights", "adapters", "gradients", "optimizer", "activations")
# Ids, masks and labels of up to so many numbers are computed with, as some code looks at them.
SMALL = 1 << 20


class Live(TorchDispatchMode):
    """Follows the storages that operators make, from inside a FakeTensorMode.

    Tensors of integers and booleans that come from real ones stay real while they are small, so that
    masks are skipped and rows chosen as in a run. Values that are not known count as 1.

    Parameters
    ----------
    block : int
        What the device's allocator rounds sizes up to.

    Attributes
    ----------
    peaks : dict of str to dict
        Of each phase, the bytes of each kind when the most were alive.
    """

    def __init__(self, block: int = 1):
        super().__init__()
        self.peaks: dict[str, dict[str, int]] = {}
        self._block = block
        self._item = torch.ops.aten._local_scalar_dense.default
        self._opened = opened()
        self._total = 0
        self._alive = dict.fromkeys(KINDS, 0)
        self._kinds: dict[int, str] = {}
        self._storages: dict[int, tuple[weakref.ref, int]] = {}
        self.begin("start")

    def begin(self, part: str) -> None:
        """Begin a part, whose phases bear its name; what is alive stays alive."""
        self._part = part
        self.phase("start")

    def phase(self, name: str) -> None:
        """Begin a phase of the part in hand, or go on with it."""
        self._phase = f"{self._part} {name}"
        self.peaks.setdefault(self._phase, dict(self._alive))
        self._update_peak()

    def alive(self, kind: str) -> int:
        """Return the bytes of one kind that are alive now."""
        return self._alive[kind]

    def hold(self, tensors: Iterable[torch.Tensor], kind: str) -> None:
        """Follow tensors that are there already, or say what followed ones are for."""
        for tensor in tensors:
            key = self._follow(tensor)
            self._alive[self._kinds[key]] -= self._storages[key][1]
            self._alive[kind] += self._storages[key][1]
            self._kinds[key] = kind
        self._update_peak()

    def settle(self, kind: str) -> None:
        """Say that all activations which are alive are of another kind, which stays."""
        for key, current in self._kinds.items():
            if current == "activations":
                self._kinds[key] = kind
        self._alive[kind] += self._alive["activations"]
        self._alive["activations"] = 0

    def _follow(self, tensor: torch.Tensor) -> int:
        storage = tensor.untyped_storage()
        key = storage._cdata
        if key not in self._storages:
            size = -(-storage.nbytes() // self._block) * self._block
            self._storages[key] = weakref.ref(storage, lambda _: self._freed(key)), size
            self._kinds[key] = "activations"
            self._total += size
            self._alive["activations"] += size
            self._update_peak()
        return key

    def _freed(self, key: int) -> None:
        _, size = self._storages.pop(key)
        self._total -= size
        self._alive[self._kinds.pop(key)] -= size

    def _update_peak(self) -> None:
        if self._total > sum(self.peaks[self._phase].values()):
            self.peaks[self._phase] = dict(self._alive)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if any(_packs(kind) for kind in types):
            # Packed weights compute with plain tensors, whose operators come here in turn.
            return NotImplemented
        tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
        real = all(map(_is_real, tensors))
        if real and tensors:
            out = self._compute(func, args, kwargs)
        elif func is self._item:
            return _guess(args[0])
        else:
            if func in self._opened:
                with self:
                    out = self._opened[func](*args, **kwargs)
                if out is not NotImplemented:
                    return out
            out = func(*args, **kwargs)
            if real and all(map(_small, _tensors(out))):
                out = self._compute(func, args, kwargs)
        overloads = func.overloadpacket
        if overloads is torch.ops.aten.rand and out.dim() == 0:
            out.is_draw = True
        # Nothing is wrong with any value, and no draw is so low that a layer is dropped for it.
        drawn = overloads is torch.ops.aten.lt and getattr(args[0], "is_draw", False)
        if drawn or (overloads is torch.ops.aten.any and not real):
            out.is_unlikely = True
        for tensor in _tensors(out):
            for part in (tensor,) if tensor.layout is torch.strided else plain_tensors(tensor):
                self._follow(part)
        return out

    def _compute(self, func: Any, args: Any, kwargs: Any) -> Any:
        with unset_fake_temporarily() as fake:
            out = func(*args, **kwargs)

        def shape_only(tensor: torch.Tensor) -> torch.Tensor:
            return (
                FakeTensor(fake, tensor.to("meta"), tensor.device) if not _small(tensor) else tensor
            )

        return tree_map_only(torch.Tensor, shape_only, out)


def _guess(tensor: torch.Tensor) -> bool | int | float:
    """Return a value for a tensor whose value is not known: true, unless that was marked as unlikely."""
    constant = getattr(tensor, "constant", None)
    if constant is not None:
        return constant.item()
    if tensor.dtype is torch.bool:
        return not getattr(tensor, "is_unlikely", False)
    return 1.0 if tensor.is_floating_point() else 1


def _tensors(out: Any) -> list[torch.Tensor]:
    return [leaf for leaf in tree_leaves(out) if isinstance(leaf, torch.Tensor)]


def _small(tensor: torch.Tensor) -> bool:
    """Tell whether a tensor is one whose values code may look at."""
    return tensor.numel() <= SMALL and not (tensor.is_floating_point() or tensor.is_complex())


def _is_real(tensor: torch.Tensor) -> bool:
    """Tell whether a tensor has values."""
    return not (tensor.is_meta or isinstance(tensor, FakeTensor))


def _packs(kind: type) -> bool:
    """Tell whether a class of tensors packs weights."""
    plain = (torch.Tensor, torch.nn.Parameter)
    return kind not in plain and not issubclass(kind, FakeTensor)
