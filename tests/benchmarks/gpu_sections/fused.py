"""LoRA runs in one pass of their base against the same runs one after the other, at small batches."""

from __future__ import annotations

import time
from pathlib import Path

from gpu_sections.report import Report, spread, summary
from gpu_sections.setup import Sizes, free, recipe_of, settle
from workbench import Recipe
from workbench.race.batching import fuse
from workbench.training.prepare import prepare
from workbench.training.prepared import Prepared

WARM = 2


def measure(report: Report, sizes: Sizes, model: Path, rows: Path) -> None:
    """Print a line for each number of runs."""
    most = max(sizes.fused_runs)
    recipes = [_recipe(model, rows, sizes.fused_tokens, run) for run in range(most)]
    for runs in sizes.fused_runs:
        # Both begin at their first step.
        alone = [prepare(recipe) for recipe in recipes[:runs]]
        fused = [prepare(recipe) for recipe in recipes[:runs]]
        groups, notes = fuse(fused, always=True)
        report.keep("fused", f"{runs} runs", notes=notes)
        if not groups:
            report.say("\n".join(f"  {note}" for note in notes))
            continue
        _compare(report, sizes, alone, fused)
        del alone, fused
        free()


def _recipe(model: Path, rows: Path, tokens: int, run: int) -> Recipe:
    return recipe_of(
        model, rows, 1, tokens, name=f"run {run}", seed=run, r=(8, 4, 16, 8)[run % 4],
        lora_alpha=(16, 8)[run % 2], learning_rate=(3e-4, 1e-4, 2e-4)[run % 3],
    )  # fmt: skip


def _compare(report: Report, sizes: Sizes, alone: list[Prepared], fused: list[Prepared]) -> None:
    """Let all runs step by themselves and fused in turns, from the same start."""
    seconds: dict[str, list[float]] = {"alone": [], "fused": []}
    apart = 0.0
    for pair in range(WARM + sizes.fused_pairs):
        losses = {}
        for name, members in (("alone", alone), ("fused", fused)):
            settle()
            began = time.perf_counter()
            losses[name] = [_step(member) for member in members]
            settle()
            if pair >= WARM:
                seconds[name].append(time.perf_counter() - began)
        if pair == 0:
            apart = max(
                abs(a - b) / a for a, b in zip(losses["alone"], losses["fused"], strict=True)
            )
    ratio = [a / b for a, b in zip(seconds["alone"], seconds["fused"], strict=True)]
    each = {name: [1 / taken for taken in found] for name, found in seconds.items()}
    report.say(
        f"  {len(fused)} runs of 1 row of {sizes.fused_tokens} tokens: samples per second of a run "
        f"{spread(each['fused'], '.1f')} fused, {spread(each['alone'], '.1f')} one by one; "
        f"{spread(ratio)} times as fast; losses differ by {apart:.1e} at the first step"
    )
    report.keep(
        "fused", f"{len(fused)} runs", ratio=summary(ratio), first_loss_difference=apart,
        samples_per_second={name: summary(found) for name, found in each.items()},
    )  # fmt: skip


def _step(prepared: Prepared) -> float:
    with prepared.randomness:
        return next(prepared.steps)["loss"]
