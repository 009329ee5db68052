"""QLoRA against LoRA: memory, and the time of a step, on a llama of random weights.

Both are ready to step in one process and take turns in blocks of steps, so that whatever else the
machine does falls on both alike. Prints bytes of weights and at the fullest, and the ratio of step
times: median, quartiles and range over the pairs of blocks.

Usage: ``python tests/benchmarks/qlora.py [--pairs 15] [--steps 5] [--layers 10] [--threads 1]``
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path

import torch
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

from workbench import Recipe
from workbench.display.units import size
from workbench.sources.models.describe import resolve
from workbench.training.prepare import prepare
from workbench.training.prepared import Prepared

SEED = 0


def random_llama(folder: Path, layers: int) -> int:
    """Save a llama of random weights with the bundled tokenizer; return its parameters."""
    tokenizer = AutoTokenizer.from_pretrained(resolve("village-3m"))
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=512,
        intermediate_size=1408,
        num_hidden_layers=layers,
        num_attention_heads=8,
        max_position_embeddings=256,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    torch.manual_seed(SEED)
    model = LlamaForCausalLM(config)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return model.num_parameters()


def ready(folder: Path, technique: str) -> Prepared:
    """Make a run ready to step, on rows of one length."""
    return prepare(
        Recipe(model=str(folder), data="chronicle", task="lm", technique=technique, max_length=64,
               max_steps=1_000_000, eval_steps=1_000_000, max_eval_samples=8)
    )  # fmt: skip


def block(prepared: Prepared, steps: int) -> float:
    """Take some steps and return the seconds of one."""
    seconds = []
    with prepared.randomness:
        for _ in range(steps):
            event = next(prepared.steps)
            seconds.append(event["seconds"])
    return (seconds[-1] - seconds[0]) / (steps - 1)


def main(pairs: int, steps: int, layers: int) -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home) / "llama"
        count = random_llama(folder, layers)
        runs = {name: ready(folder, name) for name in ("lora", "qlora")}
        print(f"a llama of {count:,} parameters, {torch.get_num_threads()} threads")
        figures = {}
        for name, prepared in runs.items():
            with prepared.randomness, prepared.meter.counting():
                next(prepared.steps)
            figures[name] = prepared.meter.read()
            print(f"{name:<6} weights {size(figures[name]['weights']):>9}, at the fullest "
                  f"{size(figures[name]['peak']):>9}")  # fmt: skip
        for key, word in (("weights", "weights"), ("peak", "fullest")):
            ratio = figures["qlora"][key] / figures["lora"][key]
            print(f"memory, {word}: qlora takes {ratio:.3f} of lora's")
        ratios = []
        for pair in range(pairs):
            order = ("lora", "qlora") if pair % 2 else ("qlora", "lora")
            each = {name: block(runs[name], steps) for name in order}
            ratios.append(each["qlora"] / each["lora"])
            print(f"pair {pair + 1}: lora {each['lora'] * 1000:.0f} ms, qlora "
                  f"{each['qlora'] * 1000:.0f} ms a step, ratio {ratios[-1]:.3f}", flush=True)  # fmt: skip
    low, middle, high = statistics.quantiles(ratios, n=4)
    print(f"step time, {pairs} interleaved pairs: qlora takes {middle:.3f} times lora's in the median "
          f"(quartiles {low:.3f} and {high:.3f}, from {min(ratios):.3f} to {max(ratios):.3f})")  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=15)
    parser.add_argument("--steps", type=int, default=5, help="in a block; the first is not timed")
    parser.add_argument("--layers", type=int, default=10)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    main(given.pairs, given.steps, given.layers)
