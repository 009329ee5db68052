"""Every technique trained for real on one bundled task, through the panel's code path.

Trains each technique of the catalogue that serves the task, at its own learning rate and with its
own defaults, and prints one table sorted by quality, then where the time of the slowest five went.
Memory is what the run needs at its fullest (weights, gradients, optimizer state, activations);
seconds are those of the whole run: its start, its steps and its one evaluation.

Usage: ``python tests/benchmarks/all_techniques.py [--steps 120] [--data reviews]``
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import dataclass

import torch

import workbench as wb
from workbench.display.units import size
from workbench.registry.tasks import TASKS
from workbench.registry.techniques import TECHNIQUES
from workbench.sources.datasets.cards import bundled

SLOWEST = 5
# Evaluate at the end only.
AT_THE_END = 1_000_000


@dataclass
class Clock:
    """When a run took its first and its last step."""

    began: float
    first: float = 0.0
    last: float = 0.0

    def hear(self, run: wb.Run, event: dict) -> None:
        """Note the time of a step."""
        if event["event"] == "train":
            self.last = time.perf_counter()
            self.first = self.first or self.last - event["seconds"]


def carry_out(bench: wb.Bench, recipe: wb.Recipe) -> dict:
    """Train a recipe in the panel and return the row of the table."""
    technique = TECHNIQUES[recipe.technique]
    bench.recipe = recipe
    clock = Clock(time.perf_counter())
    run = bench.train()
    run.subscribe(clock.hear)
    run.wait()
    ended = time.perf_counter()
    return {
        "technique": technique.title,
        "family": technique.family,
        "quality": run.evaluations[-1][TASKS[recipe.task].metric],
        "trainable": run.parameters["trainable"],
        "peak": run.memory["peak"],
        "seconds": ended - clock.began,
        "start": clock.first - clock.began,
        "steps": clock.last - clock.first,
        "end": ended - clock.last,
    }


def main(steps: int, data: str, techniques: list[str], seed: int) -> None:
    """Print the tables."""
    task = TASKS[bundled()[data].task]
    rows, refused = [], []
    with tempfile.TemporaryDirectory() as folder:
        bench = wb.Bench(runs=folder)
        # Whatever is loaded and compiled once must not be put down to the first technique.
        carry_out(bench, wb.Recipe(data=data, task=task.name, max_steps=1, max_eval_samples=8))
        for name in techniques:
            if task.name not in TECHNIQUES[name].tasks:
                continue
            recipe = wb.Recipe(data=data, task=task.name, technique=name, max_steps=steps,
                               eval_steps=AT_THE_END, seed=seed)  # fmt: skip
            try:
                rows.append(carry_out(bench, recipe))
                print(f"{name}: {rows[-1]['seconds']:.1f} s", flush=True)
            except wb.WorkbenchError as error:
                refused.append(f"{TECHNIQUES[name].title}: {error}")
    best_first = sorted(rows, key=lambda row: row["quality"], reverse=task.higher_is_better)
    print(f"\n{data}, {steps} steps, seed {seed}, {torch.get_num_threads()} threads\n")
    print(f"{'technique':<28}{'family':<16}{task.metric:>12}{'trainable':>12}"
          f"{'peak memory':>14}{'seconds':>9}")  # fmt: skip
    for row in best_first:
        print(f"{row['technique']:<28}{row['family']:<16}{row['quality']:>12.4f}"
              f"{row['trainable']:>12,}{size(row['peak']):>14}{row['seconds']:>9.1f}")  # fmt: skip
    print(f"\nthe slowest {SLOWEST}: seconds until the first step, in steps, after the last\n")
    for row in sorted(rows, key=lambda row: -row["seconds"])[:SLOWEST]:
        print(f"{row['technique']:<28}{row['start']:>9.1f}{row['steps']:>9.1f}{row['end']:>9.1f}"
              f"{1000 * row['steps'] / steps:>9.0f} ms a step")  # fmt: skip
    for sentence in refused:
        print(f"\nnot trained: {sentence}")
    print(f"\n{len(rows)} techniques trained, {len(refused)} not")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=120)
    parser.add_argument("--data", default="reviews", choices=list(bundled()))
    parser.add_argument("--techniques", nargs="+", default=list(TECHNIQUES), choices=TECHNIQUES)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    main(given.steps, given.data, given.techniques, given.seed)
