"""Operators that a dry run cannot look into: their results' shapes depend on values, or they copy inside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from workbench.training.forecast.torch_internals import FakeTensor

_OPS = torch.ops.bitsandbytes
_ATEN = torch.ops.aten


def _quantize_rows(
    rows: torch.Tensor, threshold: float = 0.0
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Quantise row by row, and find no outliers: they are few columns, of which nothing is known."""
    _ = rows.abs() >= threshold
    most = torch.max(rows.abs(), dim=1).values.float()
    packed = torch.round(rows * (127.0 / most.unsqueeze(-1))).to(torch.int8)
    return packed, most, rows.new_empty(0, dtype=torch.int64)


def _mixed_product(
    rows: torch.Tensor,
    packed: torch.Tensor,
    weight: torch.Tensor,
    row_scales: torch.Tensor,
    scales: torch.Tensor,
    outliers: torch.Tensor | None = None,
    bias: torch.Tensor | None = None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Multiply in 8 bits, without outliers."""
    operands = packed, weight, row_scales, scales
    return _OPS.int8_scaled_mm.default(*operands, bias=bias, dtype=rows.dtype), rows.new_empty(0)


def _index(values: torch.Tensor, indices: Sequence[torch.Tensor | None]) -> Any:
    """Index; by a mask whose values are not known, as if it chose every element."""
    if not any(index is not None and index.dtype is torch.bool for index in indices):
        return NotImplemented
    integers = [part for index in indices for part in _chosen(index)]
    return _ATEN.index.Tensor(values, integers)


def _chosen(index: torch.Tensor | None) -> Sequence[torch.Tensor | None]:
    if index is None or index.dtype is not torch.bool:
        return [index]
    if not (index.is_meta or isinstance(index, FakeTensor)):
        return index.nonzero().unbind(1)
    return index.new_empty(index.numel(), index.dim(), dtype=torch.int64).unbind(1)


def _unique(
    values: torch.Tensor,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return one value: how many differ is not known."""
    inverse = values.new_empty(values.shape if return_inverse else 0, dtype=torch.int64)
    return values.new_empty(1), inverse, values.new_empty(int(return_counts), dtype=torch.int64)


def _sparse_mask(values: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Take the values at the indices of a sparse tensor, which are as many as it has."""
    chosen = torch.empty(mask._nnz(), dtype=values.dtype, device=values.device)
    return torch.sparse_coo_tensor(mask._indices(), chosen, mask.shape, check_invariants=False)


def _bmm(left: torch.Tensor, right: torch.Tensor) -> Any:
    """Multiply batches; conjugate views are copied for that."""
    conjugate = [factor for factor in (left, right) if factor.is_conj()]
    if not conjugate:
        return NotImplemented
    _copies = [torch.empty_like(factor) for factor in conjugate]  # alive while the product is made
    return left.new_empty(*left.shape[:2], right.shape[2])


def _coalesce(values: torch.Tensor) -> torch.Tensor:
    """Sort and add up; whether two values have the same index is not known, so none have."""
    copies = values._indices().clone(), values._values().clone(), values.shape
    return torch.sparse_coo_tensor(*copies, is_coalesced=True, check_invariants=False)


def opened() -> dict[Any, Callable[..., Any]]:
    """Return functions to call instead of such operators, by operator."""
    import bitsandbytes  # noqa: F401 (defines its operators)

    return {
        _ATEN.index.Tensor: _index,
        _ATEN.bmm.default: _bmm,
        _ATEN._coalesce.default: _coalesce,
        _ATEN._unique2.default: _unique,
        _ATEN.sparse_mask.default: _sparse_mask,
        _OPS.int8_vectorwise_quant.default: _quantize_rows,
        _OPS.int8_mixed_scaled_mm.default: _mixed_product,
    }
