"""The memory forecast against what PyTorch's allocator handed out at most."""

from __future__ import annotations

from pathlib import Path

import torch

import workbench as wb
from gpu_sections.report import Report
from gpu_sections.setup import DEVICE, Sizes, allocated, free, peaks, recipe_of, settle
from workbench import Recipe
from workbench.errors import is_out_of_memory
from workbench.training.prepare import prepare

STEPS = 3


def measure(report: Report, sizes: Sizes, model: Path, rows: Path) -> None:
    """Print a line for each case: LoRA in bfloat16, the smallest first."""
    cases = [
        recipe_of(model, rows, size, sizes.forecast_tokens, gradient_checkpointing=checkpointing)
        for size in sizes.forecast_rows
        for checkpointing in (True, False)
    ]
    for recipe in cases:
        name = f"{recipe.per_device_train_batch_size} x {recipe.max_length}"
        name += ", gradient checkpointing" * recipe.gradient_checkpointing
        forecast = wb.forecast(recipe, device=DEVICE)
        free()
        before = allocated()
        try:
            measured = _measured(recipe)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            measured = {}
        free()
        line = f"  {name:<34} forecast {forecast.peak / 1e9:6.2f} GB ({forecast.seconds:.1f} s)"
        figures = {"forecast": forecast.peak, "parts": dict(forecast.parts), **measured}
        figures["allocated_before"] = before
        if measured:
            figures["error"] = forecast.peak / measured["allocated"] - 1
            line += (
                f", measured {measured['allocated'] / 1e9:6.2f} GB ({figures['error']:+.1%}), "
                f"reserved {measured['reserved'] / 1e9:.2f} GB"
            )
        else:
            line += ", memory ran out"
        report.say(line)
        report.keep("forecast", name, **figures)


def _measured(recipe: Recipe) -> dict[str, int]:
    """Take a few steps; return the most bytes after the first, with what had been there before."""
    prepared = prepare(recipe)
    with prepared.randomness:
        next(prepared.steps)
    settle()
    free()
    with prepared.randomness:
        for _ in range(STEPS - 1):
            next(prepared.steps)
    settle()
    if DEVICE == "cuda":
        return peaks()
    # On a CPU nothing is counted for us but what autograd keeps.
    with prepared.randomness, prepared.meter.counting(), torch.enable_grad():
        next(prepared.steps)
    peak = prepared.meter.read()["peak"]
    return {"allocated": peak, "reserved": peak}
