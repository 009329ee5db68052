"""A step on a GPU: this loop against a bare PyTorch loop and a plain Trainer with the same settings.

LoRA on all seven linears of a llama of about 1.1 B random weights, in bfloat16 as the recipe's ``bf16``
has it. For each it prints the tokens per second, the share of the rate at which the card was measured to
multiply large bfloat16 matrices, and the peak of the memory that PyTorch's allocator handed out. They
take turns, a block of steps each; figures are medians of the blocks with the lowest and the highest.

Usage: ``python tests/benchmarks/cuda.py [--shapes 1x512 8x512] [--steps 20] [--blocks 5]``; without a
GPU, ``--tiny`` goes through the same motions on the processor.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
import transformers
from torch.utils.flop_counter import FlopCounterMode

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.benchmarks.step import save, schedule, untrained
from workbench import Recipe
from workbench.training.prepare import prepare
from workbench.training.resolve import Resolved, resolve
from workbench.training.speedups.settings import use_bf16, use_labelled_logits

LARGE = {"hidden_size": 2048, "intermediate_size": 5632, "num_hidden_layers": 22,
         "num_attention_heads": 32, "num_key_value_heads": 4, "vocab_size": 32000}  # fmt: skip
TINY = {"hidden_size": 64, "intermediate_size": 176, "num_hidden_layers": 2,
        "num_attention_heads": 4, "vocab_size": 2048}  # fmt: skip
WARM = 3


def ours(resolved: Resolved) -> Iterator[int]:
    """Take the workbench's steps; yields the tokens of each."""
    prepared, before = prepare(resolved.recipe), 0
    while True:
        with prepared.randomness:
            event = next(prepared.steps)
        yield event["tokens"] - before
        before = event["tokens"]


def bare(resolved: Resolved) -> Iterator[int]:
    """Take the steps of a bare loop, batches on the device beforehand."""
    model, loader = untrained(resolved)
    use_labelled_logits(model)
    use_bf16(model)
    model.to(device())
    batches = [{name: part.to(device()) for name, part in batch.items()} for batch in loader]
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=resolved.recipe.learning_rate, weight_decay=0.0)
    scheduler = schedule(optimizer, resolved)
    while True:
        for batch in batches:
            loss = model(**batch, use_cache=False).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(trained, 1.0)
            optimizer.step()
            scheduler.step()
            optimizer.zero_grad()
            loss.item()
            yield int(batch["attention_mask"].sum())


def trainer(resolved: Resolved, steps: int) -> tuple[float, int]:
    """Take a block of a Trainer's steps."""
    model, loader = untrained(resolved)
    settings, seen = resolved.recipe, []
    collate, watch = loader.collate_fn, Watch()

    def noted(rows: list[dict]) -> dict[str, torch.Tensor]:
        batch = collate(rows)
        seen.append(int(batch["attention_mask"].sum()))
        return batch

    class Timed(transformers.TrainerCallback):
        def on_step_end(self, args, state, control, **_):
            if state.global_step == WARM:
                watch.start()
            elif state.global_step == WARM + steps:
                watch.stop()

    with tempfile.TemporaryDirectory() as folder:
        arguments = transformers.TrainingArguments(
            folder, max_steps=WARM + steps, learning_rate=settings.learning_rate, bf16=True,
            per_device_train_batch_size=settings.per_device_train_batch_size, save_strategy="no",
            disable_tqdm=True, use_cpu=device() == "cpu", logging_strategy="no", report_to="none",
        )  # fmt: skip
        made = transformers.Trainer(
            model, arguments, train_dataset=loader.dataset, data_collator=noted, callbacks=[Timed()]
        )
        made.remove_callback(transformers.PrinterCallback)
        made.train()
    return sum(seen[WARM : WARM + steps]) / watch.seconds, watch.peak


class Watch:
    """The seconds and the peak of the memory between a start and a stop."""

    seconds, peak = 0.0, 0

    def start(self) -> None:
        """Begin, once the device has done what it was given."""
        settle()
        if torch.cuda.is_available():
            torch.cuda.reset_peak_memory_stats()
        self._began = time.perf_counter()

    def stop(self) -> None:
        """End, once the device has done what it was given."""
        settle()
        self.seconds = time.perf_counter() - self._began
        if torch.cuda.is_available():
            self.peak = torch.cuda.max_memory_allocated()


def device() -> str:
    """Return where steps are taken."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def settle() -> None:
    """Wait for the device."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def rate(size: int) -> float:
    """Return the floating-point operations per second of a product of large bfloat16 matrices."""
    one, other = (torch.randn(size, size, device=device(), dtype=torch.bfloat16) for _ in range(2))
    best = 0.0
    for _ in range(5):
        settle()
        began = time.perf_counter()
        for _ in range(10):
            one @ other
        settle()
        best = max(best, 10 * 2 * size**3 / (time.perf_counter() - began))
    return best


def operations(resolved: Resolved) -> float:
    """Return the floating-point operations of a step for each token, counted and not computed."""
    loop = bare(resolved)
    next(loop)
    with FlopCounterMode(display=False) as counter:
        tokens = next(loop)
    return counter.get_total_flops() / tokens


def block(make: Callable[[Resolved], Iterator[int]], resolved: Resolved, steps: int) -> tuple:
    """Take a block of a loop's steps; return tokens per second and the peak of the memory."""
    loop, watch = make(resolved), Watch()
    for _ in range(WARM):
        next(loop)
    watch.start()
    tokens = sum(next(loop) for _ in range(steps))
    watch.stop()
    loop.close()
    return tokens / watch.seconds, watch.peak


def measure(recipe: Recipe, steps: int, blocks: int, most: float) -> None:
    """Print a case's figures: each loop has the card for itself for a block."""
    resolved = resolve(recipe)
    each = operations(resolved)
    told: dict[str, list[tuple[float, int]]] = {}
    takes = {
        "ours": lambda: block(ours, resolved, steps),
        "bare": lambda: block(bare, resolved, steps),
        "Trainer": lambda: trainer(resolved, steps),
    }
    for number in range(blocks):
        order = list(takes)[number % 3 :] + list(takes)[: number % 3]
        for name in order:
            gc.collect()
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
            told.setdefault(name, []).append(takes[name]())
    for name, found in told.items():
        speeds = [speed for speed, _ in found]
        middle = statistics.median(speeds)
        ratio = [speed / other for speed, (other, _) in zip(speeds, told["Trainer"], strict=True)]
        print(
            f"  {name:<8} {middle:>10,.0f} tokens/s ({min(speeds):,.0f} to {max(speeds):,.0f}), "
            f"{middle * each / most:.1%} of the measured rate, {max(peak for _, peak in found) / 1e9:.2f} GB, "
            f"{statistics.median(ratio):.2f} of the Trainer's ({min(ratio):.2f} to {max(ratio):.2f})",
            flush=True,
        )


def main() -> None:
    """Print a block of lines for each shape of batch."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shapes", nargs="+", default=["1x512", "8x512"], help="rows x tokens")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--blocks", type=int, default=5)
    parser.add_argument("--tiny", action="store_true", help="a tiny llama, on whatever there is")
    given = parser.parse_args()
    if not (given.tiny or torch.cuda.is_available()):
        print("There is no CUDA GPU here: --tiny goes through the same motions without one.")
        return
    transformers.logging.set_verbosity_error()
    most = rate(512 if given.tiny else 8192)
    print(f"{device()}: {most / 1e12:.1f} Tflop/s in bfloat16 products")
    with tempfile.TemporaryDirectory() as folder:
        model = save(Path(folder) / "llama", TINY if given.tiny else LARGE)
        for shape in given.shapes:
            rows, tokens = map(int, shape.split("x"))
            recipe = Recipe(
                model=str(model), data="chronicle", task="lm", technique="lora", bf16=True,
                max_length=tokens, per_device_train_batch_size=rows, eval_steps=10**6,
                max_steps=10**4, max_eval_samples=8,
            )  # fmt: skip
            print(
                f"{rows} rows of up to {tokens} tokens, {given.blocks} blocks of {given.steps} steps"
            )
            measure(recipe, given.steps, given.blocks, most)


if __name__ == "__main__":
    main()
