"""What each setting that changes how a model computes does to a step, on a random llama of 35 M.

Each is a pair of loops whose steps are taken in turns, so that what else the machine does falls on
both alike; figures are ratios of the steps in a round, as median and quartiles.

- ``bf16``, ``onednn``, ``torch_compile`` (with the seconds that compiling takes), ``gradient_checkpointing``
- ``padding_free`` against rows padded to the batch's longest, and to the longest of all
- logits only where labels are against all logits, at about a quarter of the tokens

Usage: ``python tests/benchmarks/settings.py [--steps 12] [--only bf16 padding_free] [--threads 1]``
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import torch
import transformers

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.benchmarks.step import CLOCKS, SIZES, save, schedule, untrained
from workbench import Recipe
from workbench.training.inputs.collate import collate_tokens
from workbench.training.prepare import prepare
from workbench.training.resolve import resolve
from workbench.training.speedups.apply import set_up

PAIRS = ("bf16", "onednn", "torch_compile", "gradient_checkpointing", "padding_free", "padding_free_maximum",
         "labelled_logits")  # fmt: skip
WARM = 2
WORDS = ("the", "a", "mill", "river", "bread", "Anna", "walks", "sees", "old", "new", "house", "by")
LONGEST = 256


def rows(folder: Path, task: str) -> str:
    """Write rows of texts from short to long, as chats and reviews are."""
    draw = random.Random(0)
    found = []
    for _ in range(240):
        length = min(LONGEST, int(draw.lognormvariate(3.8, 0.8)) + 4)
        words = [draw.choice(WORDS) for _ in range(length)]
        if task == "lm":
            found.append({"text": " ".join(words)})
        else:
            cut = max(1, round(0.75 * length))
            found.append({"prompt": " ".join(words[:cut]), "completion": " ".join(words[cut:])})
    path = folder / f"{task}.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in found))
    return str(path)


def run(recipe: Recipe) -> Iterator[float]:
    """Take a recipe's steps."""
    prepared = prepare(recipe)
    while True:
        with prepared.randomness:
            yield next(prepared.steps)["loss"]


def by_hand(recipe: Recipe, width: int | None, labelled: bool) -> Iterator[float]:
    """Take the steps of a recipe with rows padded to a width, or with all logits."""
    resolved = resolve(recipe)
    model, loader = untrained(resolved)
    if labelled:
        set_up(recipe, model, labelled_logits=True)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=resolved.recipe.learning_rate, weight_decay=0.0)
    scheduler = schedule(optimizer, resolved)
    pad = resolved.tokenizer.pad_token_id
    if width is not None:
        filler = {"input_ids": [pad] * width, "labels": [-100] * width}
        loader.collate_fn = lambda few: {
            name: value[:-1] for name, value in collate_tokens([*few, filler], pad).items()
        }
    while True:
        for batch in loader:
            loss = model(**batch).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(trained, 1.0)
            optimizer.step()
            scheduler.step()
            optimizer.zero_grad()
            yield loss.item()


def pair(name: str, recipe: Recipe, width: int) -> tuple[Iterator[float], Iterator[float]]:
    """Return the loop with a setting, and the one without."""
    if name == "padding_free_maximum":
        return run(recipe.replace(padding_free=True)), by_hand(recipe, width, labelled=True)
    if name == "labelled_logits":
        return run(recipe), by_hand(recipe, None, labelled=False)
    return run(recipe.replace(**{name: True})), run(recipe)


def main(names: list[str], steps: int, threads: int, clock: str) -> None:
    """Print a line for each pair."""
    torch.set_num_threads(threads)
    transformers.logging.set_verbosity_error()
    now = CLOCKS[clock]
    with tempfile.TemporaryDirectory() as folder:
        model = str(save(Path(folder) / "llama-35m", SIZES["llama-35m"]))
        print(
            f"llama-35m, {steps} steps, {threads} thread(s), {clock} time; ratios to the plain run"
        )
        for name in names:
            task = "instruct" if name == "labelled_logits" else "lm"
            recipe = Recipe(model=model, task=task, data=rows(Path(folder), task), max_steps=steps + WARM,
                            max_length=LONGEST, eval_steps=10**6, max_eval_samples=4,
                            max_new_tokens=1)  # fmt: skip
            with_it, without = pair(name, recipe, LONGEST)
            begun = time.perf_counter()
            losses = [[next(with_it)], []]
            first = time.perf_counter() - begun
            losses[1].append(next(without))
            seconds: list[list[float]] = [[], []]
            for _ in range(steps + WARM - 1):
                for side, loop in enumerate((with_it, without)):
                    begun = now()
                    losses[side].append(next(loop))
                    seconds[side].append(now() - begun)
            ratios = [a / b for a, b in zip(*seconds, strict=True)][WARM - 1 :]
            low, middle, high = statistics.quantiles(ratios, n=4)
            apart = max(abs(a - b) / b for a, b in zip(*losses, strict=True))
            extra = f"   first step {first:.1f} s" if name == "torch_compile" else ""
            print(f"  {name:<24}{middle:>7.3f} ({low:.3f} to {high:.3f})   losses differ by {apart:.1e}"
                  f"{extra}", flush=True)  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--clock", choices=CLOCKS, default="wall")
    parser.add_argument("--only", nargs="+", choices=PAIRS, default=PAIRS)
    given = parser.parse_args()
    main(given.only, given.steps, given.threads, given.clock)
