"""Is the bundled base worth adapting: what does LoRA add to it, and what does it add to LoRA?

For each bundled data set, prints the score on its test split

- zero-shot: the base as it is (for a classification, with heads drawn from five seeds),
- of LoRA on the base,
- of the same LoRA on random weights: same configuration, tokenizer, seed and recipe.

The last is what the data can teach without anything the base has read. Points are percent of the
test rows (of the tokens, for language modelling). Seconds are those of the whole run, from loading
the base to the last evaluation.

Usage: ``python tests/benchmarks/worth_adapting.py [--threads 2] [--data reviews chronicle]``
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

from workbench import Recipe, train
from workbench.sources.datasets.cards import bundled
from workbench.sources.models.describe import resolve

BASE = "village-3m"
# The figures of a task: column of the evaluation, title, factor.
FIGURES = {
    "classify": (("accuracy", "accuracy, points", 100),),
    "instruct": (("exact_match", "exact match, points", 100),),
    "lm": (
        ("token_accuracy", "next token, points", 100),
        ("perplexity", "perplexity (less is better)", 1),
    ),
}
# A new head is drawn for each; without one, zero-shot is the same for every seed.
HEADS = 5
# Evaluate at the end only.
AT_THE_END = 1_000_000


def random_weights(folder: Path, seed: int) -> Path:
    """Save a model of the base's shape whose weights are those that training would start from."""
    path = resolve(BASE)
    torch.manual_seed(seed)
    AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(path)).save_pretrained(folder)
    AutoTokenizer.from_pretrained(path).save_pretrained(folder)
    return folder


def zero_shot(recipe: Recipe, runs: Path) -> list[dict]:
    """Evaluate before the first step, once for each new head."""
    seeds = range(HEADS) if recipe.task == "classify" else [recipe.seed]
    started = recipe.replace(eval_on_start=True, max_steps=1)
    return [
        train(started.replace(seed=seed), runs, progress=False).evaluations[0] for seed in seeds
    ]


def adapted(recipe: Recipe, runs: Path) -> tuple[dict, float]:
    """Carry out the recipe: its last evaluation and its seconds."""
    begun = time.perf_counter()
    run = train(recipe, runs, progress=False)
    return run.evaluations[-1], time.perf_counter() - begun


def main() -> None:
    """Print the table."""
    cards = bundled()
    parser = argparse.ArgumentParser(description="What LoRA adds, and what the base adds to LoRA.")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", nargs="+", choices=list(cards), default=list(cards))
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(f"{'data':<12}{'':<28}{'zero-shot':>10}{'LoRA':>8}{'seconds':>9}"
          f"{'LoRA on random weights':>24}{'seconds':>9}")  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        runs, control = Path(folder) / "runs", random_weights(Path(folder) / "random", options.seed)
        for name in options.data:
            recipe = Recipe(model=BASE, data=name, task=cards[name].task, technique="lora",
                            seed=options.seed, eval_steps=AT_THE_END)  # fmt: skip
            before = zero_shot(recipe, runs)
            after, seconds = adapted(recipe, runs)
            random, random_seconds = adapted(recipe.replace(model=str(control)), runs)
            for key, title, factor in FIGURES[recipe.task]:
                start = statistics.mean(figures[key] for figures in before)
                print(f"{name:<12}{title:<28}{start * factor:>10.1f}{after[key] * factor:>8.1f}"
                      f"{seconds:>9.1f}{random[key] * factor:>24.1f}{random_seconds:>9.1f}",
                      flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
