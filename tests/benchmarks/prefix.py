"""What does a step cost where the frozen blocks under the first trained one are computed once?

Trains the same rows with LoRA in every block, in the top half and in the top one, and a head alone,
each with and without cache_frozen_prefix, and prints medians of the ratios of neighbouring steps, with
the quarter points of those ratios, and the largest difference of a loss. ``even`` rows are of one
length, ``uneven`` ones of many. First epochs, in which
activations are computed, are printed apart.

Usage: ``python tests/benchmarks/prefix.py [--bases 3m 35m] [--epochs 5]``
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import tempfile
from pathlib import Path

import torch
import transformers

import workbench as wb
from workbench.sources.models.describe import facts
from workbench.training import prepare as preparing

ROWS, BATCH = 48, 8
WORDS = [
    "the",
    "wind",
    "by",
    "a",
    "mill",
    "was",
    "cold",
    "and",
    "he",
    "said",
    "that",
    "she",
    "would",
    "come",
    "again",
    "to",
    "see",
    "it",
]


def bases(folder: Path, names: list[str]) -> dict[str, tuple[str, int]]:
    """Return folders of bases and their numbers of blocks; the large one has random weights."""
    small = facts("village-3m").path
    found = {"3m": (small, 4)}
    if "35m" in names:
        tokenizer = transformers.AutoTokenizer.from_pretrained(small)
        config = transformers.LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=576,
            intermediate_size=1536,
            num_hidden_layers=8,
            num_attention_heads=9,
            num_key_value_heads=3,
            pad_token_id=tokenizer.pad_token_id,
            tie_word_embeddings=True,
        )
        torch.manual_seed(0)
        transformers.LlamaForCausalLM(config).save_pretrained(folder / "35m")
        tokenizer.save_pretrained(folder / "35m")
        found["35m"] = (str(folder / "35m"), 8)
    return {name: found[name] for name in names}


def write(path: Path, lengths: list[int]) -> str:
    """Write rows of so many words."""
    turn = itertools.cycle(WORDS)
    texts = [" ".join(itertools.islice(turn, length)) for length in lengths]
    rows = [{"text": text, "label": "ab"[index % 2]} for index, text in enumerate(texts)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def begin(recipe: wb.Recipe, keeps: bool):
    """Make a run ready, with or without what it would keep."""
    own = preparing.skip_frozen
    if not keeps:
        preparing.skip_frozen = lambda *given: (given[-1], [])
    try:
        return preparing.prepare(recipe)
    finally:
        preparing.skip_frozen = own


def follow(runs: dict[str, object], steps: int) -> dict[str, list[dict]]:
    """Let runs take their steps in turn."""
    events: dict[str, list[dict]] = {name: [] for name in runs}
    for _ in range(steps):
        for name, run in runs.items():
            with run.randomness:
                event = next(run.steps)
                while event["event"] != "train":
                    event = next(run.steps)
            events[name].append(event)
    return events


def spread(times: list[float], others: list[float]) -> str:
    """Write the median and the quarter points of ratios of neighbours."""
    ratios = [one / other for one, other in zip(times, others, strict=True)]
    low, middle, high = statistics.quantiles(ratios, n=4)
    return f"{middle:.2f}x ({low:.2f} to {high:.2f})"


def measure(base: str, blocks: int, data: str, epochs: int) -> None:
    """Print one line for each way to train."""
    common = {
        "model": base,
        "data": data,
        "eval_data": data,
        "max_eval_samples": 1,
        "per_device_train_batch_size": BATCH,
        "max_steps": epochs * ROWS // BATCH,
        "eval_steps": 10**6,
        "cache_frozen_prefix": True,
    }
    every = wb.Recipe(technique="lora", **common)
    ways = {
        "top half": every.replace(layers_to_transform=list(range(blocks // 2, blocks))),
        "top block": every.replace(layers_to_transform=[blocks - 1]),
        "head only": every.replace(technique="head_only"),
    }
    for name, recipe in ways.items():
        plain = recipe.replace(cache_frozen_prefix=False)
        runs = {
            "kept": begin(recipe, keeps=True),
            "plain": begin(plain, keeps=False),
            "every": begin(every.replace(cache_frozen_prefix=False), keeps=False),
        }
        events = follow(runs, common["max_steps"])
        losses = {way: [event["loss"] for event in told] for way, told in events.items()}
        gap = max(abs(a - b) for a, b in zip(losses["kept"], losses["plain"], strict=True))
        first = ROWS // BATCH
        seconds = {way: gaps(told) for way, told in events.items()}
        late = {way: part[first:] for way, part in seconds.items()}
        early = {way: part[1:first] for way, part in seconds.items()}
        print(
            f"  {name:9} of itself uncached {spread(late['kept'], late['plain'])}, "
            f"of LoRA everywhere {spread(late['kept'], late['every'])} "
            f"(uncached {spread(late['plain'], late['every'])}); "
            f"first epoch {spread(early['kept'], early['plain'])} of itself; "
            f"largest difference of a loss {gap}",
            flush=True,
        )
        for run in runs.values():
            run.steps.close()


def gaps(events: list[dict]) -> list[float]:
    """Return the seconds of each step."""
    totals = [0.0, *(event["seconds"] for event in events)]
    return [after - before for before, after in itertools.pairwise(totals)]


def main(names: list[str], epochs: int) -> None:
    """Print the lines of each base, for rows of one length and of many."""
    with tempfile.TemporaryDirectory() as folder:
        for name, (base, blocks) in bases(Path(folder), names).items():
            for even in (True, False):
                lengths = [40] * ROWS if even else [16 + index % 48 for index in range(ROWS)]
                data = write(Path(folder) / f"{even}.jsonl", lengths)
                kind = "even" if even else "uneven"
                print(
                    f"{name}, rows {kind}, {epochs} epochs of {ROWS // BATCH} steps of {BATCH} rows"
                )
                measure(base, blocks, data, epochs)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bases", nargs="+", default=["3m", "35m"], choices=["3m", "35m"])
    parser.add_argument("--epochs", type=int, default=5)
    given = parser.parse_args()
    main(given.bases, given.epochs)
