"""What does it give to train LoRA runs in one forward and backward pass of their base?

Runs that differ in rank, alpha, learning rate and seed step alone and fused in turns, over the bundled
language model, with one thread. Each line tells how many times as fast a fused step of all runs is as
their own steps, as the median of pairs with their spread; the largest difference of a loss; and what a
race would decide from its own short measurement.

Usage: ``python tests/benchmarks/fused.py [--runs 2 4 8] [--shapes 1x16 2x64 8x64] [--pairs 15]``
"""

from __future__ import annotations

import argparse
import statistics
import time
from dataclasses import dataclass

import torch

from workbench.race.batching import fuse
from workbench.recipe import Recipe
from workbench.training.prepare import prepare
from workbench.training.prepared import Prepared


@dataclass(frozen=True)
class Line:
    """What was measured for one number of runs and one shape of their batches."""

    runs: int
    shape: str
    ratios: list[float]
    difference: float
    milliseconds: float
    decision: str

    def __str__(self) -> str:
        low, high = min(self.ratios), max(self.ratios)
        return (
            f"{self.runs:>4} {self.shape:>6} {statistics.median(self.ratios):>7.2f}"
            f"   {low:.2f} to {high:.2f} {self.milliseconds:>9.1f} {self.difference:>11.1e}"
            f"   {self.decision}"
        )


def recipes(runs: int, shape: str, steps: int) -> list[Recipe]:
    """Return recipes that differ in everything in which fused runs may."""
    rows, tokens = map(int, shape.split("x"))
    first = Recipe(
        task="lm",
        data="chronicle",
        per_device_train_batch_size=rows,
        max_length=tokens,
        max_steps=steps,
        eval_steps=steps + 1,
        max_eval_samples=1,
    )
    return [
        first.replace(
            name=f"run {run}",
            seed=run,
            r=(8, 4, 16, 8)[run % 4],
            lora_alpha=(16, 8)[run % 2],
            learning_rate=(3e-3, 1e-3, 2e-3)[run % 3],
        )
        for run in range(runs)
    ]


def step(prepared: Prepared) -> float:
    """Step a run once and return its loss."""
    with prepared.randomness:
        return next(prepared.steps)["loss"]


def measure(runs: int, shape: str, pairs: int) -> Line:
    """Step the same runs alone and fused, in turns."""
    alone = [prepare(recipe) for recipe in recipes(runs, shape, pairs + 3)]
    decided = [prepare(recipe) for recipe in recipes(runs, shape, pairs + 3)]
    fused = [prepare(recipe) for recipe in recipes(runs, shape, pairs + 3)]
    decision = "fused" if fuse(decided)[0] else "not fused"
    fuse(fused, always=True)
    ratios, difference, spent = [], 0.0, []
    for pair in range(pairs + 2):
        began = time.perf_counter()
        own = [step(one) for one in alone]
        between = time.perf_counter()
        together = [step(one) for one in fused]
        ended = time.perf_counter()
        gap = max(abs(mine - theirs) for mine, theirs in zip(own, together, strict=True))
        difference = max(difference, gap)
        if pair > 1:  # the first ones warm up
            ratios.append((between - began) / (ended - between))
            spent.append(1000 * (ended - between) / runs)
    return Line(runs, shape, ratios, difference, statistics.median(spent), decision)


def main() -> None:
    """Print a line for each number of runs and shape."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, nargs="+", default=[2, 4, 8])
    parser.add_argument("--shapes", nargs="+", default=["1x16", "2x64", "8x64"])
    parser.add_argument("--pairs", type=int, default=15)
    given = parser.parse_args()
    torch.set_num_threads(1)
    print("runs  batch  faster   of pairs      ms a step  difference   in a race")
    for shape in given.shapes:
        for runs in given.runs:
            print(measure(runs, shape, given.pairs), flush=True)


if __name__ == "__main__":
    main()
