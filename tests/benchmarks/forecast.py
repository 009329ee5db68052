"""The memory forecast against what the allocator hands out, technique by technique.

For each case it prints the forecast's peak of a training step, the peak by torch's profiler, the
error, and the seconds that the forecast took. Every technique with its defaults on the task that it
suits, on the bundled base and on a llama of some 35 million random weights; some with gradient
checkpointing and in bfloat16 too; LoRA on a base stored in each of the ways there are.

Usage: ``python tests/benchmarks/forecast.py [--techniques NAME ...] [--models village-3m llama-35m]``
"""

from __future__ import annotations

import argparse
import gc
import os
import statistics
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["HF_HUB_OFFLINE"] = "1"
sys.path.insert(0, str(Path(__file__).parents[2]))

import torch
import transformers

import workbench as wb
from tests.allocator import allocated
from workbench.display.units import size
from workbench.errors import WorkbenchError
from workbench.recipe import Recipe
from workbench.registry.quantizations import QUANTIZATIONS
from workbench.registry.techniques import TECHNIQUES
from workbench.sources.bundled import data_folder

DATA = {"classify": "reviews", "lm": "chronicle", "instruct": "village-qa"}
CHECKPOINTED = ("full", "lora", "prompt_tuning", "ia3")
ROWS = 8
TARGET = 3.0  # per cent


def save_llama(folder: Path) -> str:
    """Save a llama of random weights, with the bundled base's tokenizer."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(data_folder() / "village-3m")
    config = transformers.LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=512,
        intermediate_size=1408,
        num_hidden_layers=10,
        num_attention_heads=8,
        max_position_embeddings=512,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    torch.manual_seed(0)
    transformers.LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


def cases(techniques: list[str], model: str) -> Iterator[Recipe]:
    """Yield a recipe for each case: as many rows as a batch has, so that every step is the widest."""
    for name in techniques:
        task = next(task for task in DATA if task in TECHNIQUES[name].tasks)
        recipe = Recipe(
            model=model,
            task=task,
            data=DATA[task],
            technique=name,
            max_steps=3,
            max_length=128,
            max_train_samples=ROWS,
            max_eval_samples=ROWS,
        )
        yield recipe
        if name in CHECKPOINTED:
            yield recipe.replace(gradient_checkpointing=True)
            yield recipe.replace(bf16=True)
            yield recipe.replace(onednn=True)
        if name == "lora":
            for quantization in QUANTIZATIONS:
                yield recipe.replace(quantization=quantization)


def main() -> None:
    """Print a row for each case, and how many are within the target."""
    able = [
        name
        for name, technique in TECHNIQUES.items()
        if technique.trainable != "nothing" and set(technique.tasks) & set(DATA)
    ]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--techniques", nargs="+", default=able, choices=able)
    parser.add_argument("--models", nargs="+", default=["village-3m", "llama-35m"])
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    errors, seconds = [], []
    print(f"{'model':<10} {'case':<40} {'forecast':>9} {'measured':>9} {'error':>8} {'took':>7}")
    with tempfile.TemporaryDirectory() as folder:
        for name in given.models:
            model = save_llama(Path(folder)) if name == "llama-35m" else name
            for recipe in cases(given.techniques, model):
                more = ("gradient_checkpointing", "bf16", "onednn", "quantization")
                label = [
                    one if getattr(recipe, one) is True else getattr(recipe, one) for one in more
                ]
                case = " ".join([recipe.technique, *filter(None, label)])
                gc.collect()
                try:
                    told, measured = wb.forecast(recipe), allocated(recipe)
                except WorkbenchError as error:
                    print(f"{name:<10} {case:<40} {error}", flush=True)
                    continue
                errors.append(100 * (told.peak / measured - 1))
                seconds.append(told.seconds)
                print(
                    f"{name:<10} {case:<40} {size(told.peak):>9} {size(measured):>9} "
                    f"{errors[-1]:>+7.2f}% {told.seconds:>5.1f} s",
                    flush=True,
                )
    within = sum(abs(error) <= TARGET for error in errors)
    print(
        f"{within} of {len(errors)} within {TARGET:g}%; the largest {max(map(abs, errors)):.2f}%."
    )
    print(
        f"A forecast took {statistics.median(seconds):.1f} s (median), at most {max(seconds):.1f} s."
    )


if __name__ == "__main__":
    main()
