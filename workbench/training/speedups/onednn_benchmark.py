"""How much faster one library multiplies matrices than another, on this machine."""

from __future__ import annotations

import statistics
import time
from functools import cache

import torch

from workbench.training.speedups.onednn import machine_obstacle
from workbench.training.speedups.settings import product

# Of a small base: rows of a batch, and the width of a layer.
ROWS, WIDTH, PAIRS = 512, 256, 15


@cache
def onednn_speedup() -> float:
    """Return how many times as fast as the library that PyTorch takes oneDNN multiplies in float32.

    The median of interleaved pairs, which take some hundredths of a second, once in a process. 1.0
    where PyTorch has no oneDNN, or none that can be used.

    Examples
    --------
    >>> onednn_speedup() > 0
    True
    """
    if machine_obstacle() is not None:
        return 1.0
    draw = torch.Generator().manual_seed(0)
    x, weight = (torch.randn(size, WIDTH, generator=draw) for size in (ROWS, WIDTH))
    with torch.no_grad():
        ratios = [
            _seconds(torch.nn.functional.linear, x, weight) / _seconds(product, x, weight)
            for _ in range(PAIRS)
        ]
    return statistics.median(ratios[1:])


def _seconds(multiply, x: torch.Tensor, weight: torch.Tensor) -> float:
    started = time.perf_counter()
    multiply(x, weight)
    return time.perf_counter() - started
