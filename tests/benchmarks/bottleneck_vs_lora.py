"""Bottleneck adapters against LoRA at equal numbers of trainable parameters.

On two bundled tasks with the bundled base, and on MiniLM with banking77 where that is at hand. LoRA's
rank and each adapter's width are chosen so that what they add to the base differs by 2 % at most (the
task's head, which is the same for all, is not counted). Each technique gets the learning rate that
did best among some multiples of its own after a third of the steps, on a tenth of the training rows
that its training did not see; then it is trained on all of them from several seeds and scored on the
test rows.

Usage: ``python tests/benchmarks/bottleneck_vs_lora.py [--only reviews] [--seeds 3] [--steps 300]``
"""

from __future__ import annotations

import argparse
import math
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import torch

from workbench import Recipe, train
from workbench.registry.tasks import TASKS
from workbench.registry.techniques import TECHNIQUES
from workbench.sources.datasets.cards import bundled
from workbench.training.inspection.skeleton import count

PROJECT = Path(__file__).parents[2]
BANKING = PROJECT.parent / "shared" / "datasets"
ADAPTERS = [name for name, one in TECHNIQUES.items() if one.config == "BottleneckConfig"]
CLOSE = 0.02
# LoRA's ranks, those nearest to the usual 8 first.
RANKS = sorted(range(4, 33), key=lambda rank: abs(rank - 8))
FACTORS = (1.0, 0.3, 0.1)
# Evaluate at the end only.
AT_THE_END = 1_000_000


@dataclass
class Contest:
    """A task, with its training rows as a file from which a tenth can be held out."""

    recipe: Recipe
    rows: Path

    @property
    def metric(self) -> str:
        """What it is scored by."""
        return TASKS[self.recipe.task].metric


def contests(steps: int) -> dict[str, Contest]:
    """Return what is at hand; say what is not."""
    found = {}
    for name in ("reviews", "village-qa"):
        recipe = Recipe(data=name, task=bundled()[name].task, max_steps=steps,
                        eval_steps=AT_THE_END)  # fmt: skip
        found[name] = Contest(recipe, PROJECT / "data" / name / "train.jsonl")
    train_file, test_file = (BANKING / f"banking77_{part}.csv" for part in ("train", "test"))
    if train_file.is_file() and test_file.is_file():
        recipe = Recipe(model="all-MiniLM-L6-v2", data=str(train_file), eval_data=str(test_file),
                        label_column="category", task="classify", max_steps=2 * steps,
                        per_device_train_batch_size=16, eval_steps=AT_THE_END)  # fmt: skip
        found["banking77"] = Contest(recipe, train_file)
    else:
        print(f"banking77 is left out: {BANKING} does not hold banking77_train.csv and _test.csv\n")
    return found


def rivals(recipe: Recipe) -> dict[str, Recipe]:
    """Return the recipes of LoRA and each adapter, with equal numbers of trainable parameters."""
    lora = recipe.replace(technique="lora")
    head, by_rank = _line(lora, "r")
    lines = {}
    for name in ADAPTERS:
        start, by_width = _line(recipe.replace(technique=name), "bottleneck_dim")
        lines[name] = (start - head, by_width)
    for rank in RANKS:
        wanted = rank * by_rank
        widths = {name: round((wanted - start) / by) for name, (start, by) in lines.items()}
        gaps = [
            abs(start + widths[name] * by - wanted) / wanted for name, (start, by) in lines.items()
        ]
        if max(gaps) <= CLOSE and min(widths.values()) >= 1:
            made = {"lora": lora.replace(r=rank, lora_alpha=2 * rank)}
            for name, width in widths.items():
                made[name] = recipe.replace(technique=name, bottleneck_dim=width)
            return made
    raise SystemExit(f"no rank of {min(RANKS)} to {max(RANKS)} gives equal numbers for all")


def _line(recipe: Recipe, knob: str) -> tuple[int, int]:
    """Return the trainable parameters at a knob of nought, and what each step of it adds."""
    one, two = (count(recipe.replace(**{knob: value}))["trainable"] for value in (1, 2))
    return 2 * one - two, two - one


def best_rate(contest: Contest, recipe: Recipe, runs: Path) -> float:
    """Return the learning rate that did best on held-out training rows."""
    own = recipe.resolved().learning_rate
    held = recipe.replace(
        data=str(contest.rows),
        eval_data=None,
        eval_fraction=0.1,
        max_steps=math.ceil(recipe.max_steps / 3),
    )
    scores = {}
    for factor in FACTORS:
        run = train(held.replace(learning_rate=own * factor), runs, progress=False)
        scores[own * factor] = run.evaluations[-1][contest.metric]
    pick = max if TASKS[recipe.task].higher_is_better else min
    return pick(scores, key=scores.__getitem__)


def main(only: list[str] | None, seeds: int, steps: int) -> None:
    """Print a table for each task."""
    if not ADAPTERS:
        print("the catalogue has no technique with a BottleneckConfig")
        return
    for title, contest in contests(steps).items():
        if only and title not in only:
            continue
        made = rivals(contest.recipe)
        print(f"{title}: {contest.recipe.max_steps} steps, {seeds} seeds, "
              f"{torch.get_num_threads()} threads")  # fmt: skip
        print(f"{'technique':<20}{'size':>6}{'trainable':>12}{'rate':>9}{contest.metric:>14}"
              f"{'sd':>8}{'seconds':>9}")  # fmt: skip
        with tempfile.TemporaryDirectory() as folder:
            for name, recipe in made.items():
                begun = time.perf_counter()
                rate = best_rate(contest, recipe, Path(folder))
                finished = [
                    train(recipe.replace(learning_rate=rate, seed=seed), folder, progress=False)
                    for seed in range(seeds)
                ]
                scores = [run.evaluations[-1][contest.metric] for run in finished]
                spread = statistics.stdev(scores) if seeds > 1 else 0.0
                knob = next(iter(set(recipe.technique_args) & {"r", "bottleneck_dim"}))
                print(f"{name:<20}{recipe.technique_args[knob]:>6}"
                      f"{finished[0].parameters['trainable']:>12,}{rate:>9.2g}"
                      f"{statistics.mean(scores):>14.4f}{spread:>8.4f}"
                      f"{time.perf_counter() - begun:>9.0f}", flush=True)  # fmt: skip
        print()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=("reviews", "village-qa", "banking77"))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=300, help="twice as many for banking77")
    given = parser.parse_args()
    main(given.only, given.seeds, given.steps)
