"""Operators of bitsandbytes whose results have shapes that depend on values, which a dry run has not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import bitsandbytes  # noqa: F401 (defines its operators)
import torch

_OPS = torch.ops.bitsandbytes


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
    """Multiply in 8 bits; no outliers stand beside."""
    given = packed, weight, row_scales, scales
    return _OPS.int8_scaled_mm.default(*given, bias=bias, dtype=rows.dtype), rows.new_empty(0)


OPENED: dict[Any, Callable[..., Any]] = {
    _OPS.int8_vectorwise_quant.default: _quantize_rows,
    _OPS.int8_mixed_scaled_mm.default: _mixed_product,
}
