"""What the card does at best: products of large bfloat16 matrices, and copies."""

from __future__ import annotations

import importlib.metadata
import platform
import time
from collections.abc import Callable
from functools import partial

import torch

from gpu_sections.report import Report
from gpu_sections.setup import DEVICE, Sizes, free, settle

PACKAGES = ("torch", "transformers", "peft", "accelerate", "triton")


def measure(report: Report, sizes: Sizes) -> None:
    """Print names, versions and both rates; the first is what other sections are held against."""
    name = torch.cuda.get_device_name() if DEVICE == "cuda" else platform.processor() or "CPU"
    versions = {package: _version(package) for package in PACKAGES}
    written = ", ".join(f"{package} {version}" for package, version in versions.items())
    report.say(
        f"  {name}; Python {platform.python_version()}, CUDA {torch.version.cuda}, {written}"
    )
    n = sizes.product
    one, other = (torch.randn(n, n, device=DEVICE, dtype=torch.bfloat16) for _ in range(2))
    rate = 2 * n**3 / _seconds(partial(torch.matmul, one, other))
    source = torch.randn(n, 4 * n, device=DEVICE)
    target = torch.empty_like(source)
    bandwidth = 2 * source.nbytes / _seconds(partial(target.copy_, source))
    report.say(
        f"  {rate / 1e12:,.1f} Tflop/s in products of {n} x {n} bfloat16 matrices, "
        f"{bandwidth / 1e12:.2f} TB/s in copies (bytes read and written)"
    )
    report.keep("card", name=name, versions=versions, flops=rate, bandwidth=bandwidth)
    del one, other, source, target
    free()


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "none"


def _seconds(act: Callable[[], object]) -> float:
    """Return the seconds of one call, the least of five times ten."""
    least = float("inf")
    for _ in range(5):
        settle()
        began = time.perf_counter()
        for _ in range(10):
            act()
        settle()
        least = min(least, (time.perf_counter() - began) / 10)
    return least
