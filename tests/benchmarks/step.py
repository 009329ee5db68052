"""What a step costs: this loop against a bare PyTorch loop, a plain Accelerate loop and the Trainer.

All four train the same clone of the same base on the same batches. The bare loop is one that a careful
person writes for this one case: batches ready, parameters in a list, AdamW over all of them at once,
no cache and no logits that nobody reads, nothing read but the loss. Steps are taken in turns, one of each, so that what else the machine does
falls on all alike; figures are ratios of the steps in a round, as median and quartiles. The losses of
this loop and the bare one must be the same bits.

Usage: ``python tests/benchmarks/step.py [--steps 40] [--cases village-3m llama-35m toy-24] [--threads 1]``
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
import transformers
from accelerate import Accelerator
from torch.utils.data import DataLoader

from workbench import Recipe
from workbench.sources.bundled import data_folder
from workbench.training.batches import encode_rows
from workbench.training.inputs.row_order import shuffled
from workbench.training.prepare import build, prepare
from workbench.training.resolve import Resolved, resolve
from workbench.training.runtime.rng import Randomness
from workbench.training.speedups.settings import use_labelled_logits

# Sizes of llamas with random weights; (c) is so small that what Python does costs the most.
SIZES = {
    "llama-35m": {"hidden_size": 512, "intermediate_size": 1408, "num_hidden_layers": 8,
                  "num_attention_heads": 8, "vocab_size": 8192},
    "toy-24": {"hidden_size": 64, "intermediate_size": 176, "num_hidden_layers": 24,
               "num_attention_heads": 4, "vocab_size": 2048},
}  # fmt: skip
WARM = 3
# The processor time of this process is what is left to compare by where others use the machine too.
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


def recipe_of(case: str, folder: Path, steps: int) -> Recipe:
    """Return a case's recipe: LoRA on all seven linears of each layer."""
    model = case
    if case in SIZES:
        model = str(save(folder / case, SIZES[case]))
    return Recipe(model=model, data="chronicle", task="lm", technique="lora", max_steps=steps + WARM,
                  max_length=64, eval_steps=10**6, max_eval_samples=8)  # fmt: skip


def save(folder: Path, sizes: dict) -> Path:
    """Save a llama of random weights with the bundled tokenizer."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(data_folder() / "village-3m")
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        **sizes, max_position_embeddings=512, eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id, bos_token_id=tokenizer.bos_token_id,
    )  # fmt: skip
    transformers.LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def ours(recipe: Recipe) -> Iterator[float]:
    """Take the workbench's steps."""
    prepared = prepare(recipe)
    while True:
        with prepared.randomness:
            event = next(prepared.steps)
        yield event["loss"]


def untrained(resolved: Resolved) -> tuple[torch.nn.Module, DataLoader]:
    """Return the model as it starts, and its batches."""
    rows, _ = encode_rows(resolved)
    with Randomness(resolved.recipe.seed):
        model = build(resolved.plan, resolved.base, resolved.tokenizer, [])
    collate = resolved.inputs.collator(resolved.plan.padding_side)
    return model.train(), shuffled(rows, resolved.recipe, collate)


def bare(resolved: Resolved) -> Iterator[float]:
    """Take the steps of a bare loop."""
    model, loader = untrained(resolved)
    use_labelled_logits(model)  # as this loop has it, for the same bits
    batches = list(loader)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    rate = resolved.recipe.learning_rate
    optimizer = torch.optim.AdamW(trained, lr=rate, weight_decay=0.0, foreach=True)
    scheduler = schedule(optimizer, resolved)
    while True:
        for batch in batches:
            loss = model(**batch, use_cache=False).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(trained, 1.0)
            optimizer.step()
            scheduler.step()
            optimizer.zero_grad()
            yield loss.item()


def plain_accelerate(resolved: Resolved) -> Iterator[float]:
    """Take the steps of the loop in Accelerate's documentation."""
    accelerator = Accelerator()
    model, loader = untrained(resolved)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=resolved.recipe.learning_rate, weight_decay=0
    )
    scheduler = schedule(optimizer, resolved)
    model, optimizer, loader, scheduler = accelerator.prepare(model, optimizer, loader, scheduler)
    while True:
        for batch in loader:
            model.train()
            with accelerator.accumulate(model):
                loss = model(**batch).loss
                accelerator.backward(loss)
                accelerator.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
                scheduler.step()
                optimizer.zero_grad()
            yield loss.item()


def trainer(resolved: Resolved) -> Iterator[float]:
    """Take the steps of a default Trainer, which runs in a thread and waits after each."""
    model, loader = untrained(resolved)
    go, done = threading.Semaphore(0), threading.Semaphore(0)

    class Wait(transformers.TrainerCallback):
        def on_step_end(self, *_, **__):
            done.release()
            go.acquire()

    settings = resolved.recipe
    with tempfile.TemporaryDirectory() as folder:
        arguments = transformers.TrainingArguments(
            folder, max_steps=settings.max_steps, learning_rate=settings.learning_rate,
            per_device_train_batch_size=settings.per_device_train_batch_size, report_to="none",
            save_strategy="no", disable_tqdm=True, seed=settings.seed, use_cpu=True,
            logging_strategy="no",
        )  # fmt: skip
        made = transformers.Trainer(
            model, arguments, train_dataset=loader.dataset, data_collator=loader.collate_fn,
            callbacks=[Wait()],
        )  # fmt: skip

        def work() -> None:
            go.acquire()
            made.train()
            done.release()

        threading.Thread(target=work, daemon=True).start()
        while True:
            go.release()
            done.acquire()
            yield float("nan")


def schedule(optimizer: torch.optim.Optimizer, resolved: Resolved):
    """Return the recipe's schedule."""
    return transformers.get_scheduler(
        resolved.recipe.lr_scheduler_type, optimizer, num_warmup_steps=0,
        num_training_steps=resolved.recipe.max_steps,
    )  # fmt: skip


def measure(recipe: Recipe, steps: int, clock: Callable[[], float]) -> None:
    """Print a case's figures."""
    resolved = resolve(recipe)
    loops = {
        "this loop": ours(recipe),
        "bare PyTorch": bare(resolved),
        "plain Accelerate": plain_accelerate(resolved),
        "default Trainer": trainer(resolved),
    }
    seconds: dict[str, list[float]] = {name: [] for name in loops}
    losses: dict[str, list[float]] = {name: [] for name in loops}
    for number in range(WARM + steps):
        # Who goes first has the caches of whoever was last: that turns too.
        order = list(loops.items())
        order = order[number % len(order) :] + order[: number % len(order)]
        for name, loop in order:
            begun = clock()
            losses[name].append(next(loop))
            seconds[name].append(clock() - begun)
    for name in loops:
        ratios = [a / b for a, b in zip(seconds[name], seconds["bare PyTorch"], strict=True)][WARM:]
        low, middle, high = statistics.quantiles(ratios, n=4)
        over = statistics.median(seconds[name][WARM:]) / statistics.median(
            seconds["bare PyTorch"][WARM:]
        )
        print(f"  {name:<18}{1000 * statistics.median(seconds[name][WARM:]):>9.2f} ms"
              f"{over:>8.3f}x   pairs {middle:.3f} ({low:.3f} to {high:.3f})", flush=True)  # fmt: skip
    mine, theirs = losses["this loop"], losses["bare PyTorch"]
    apart = max(abs(a - b) / b for a, b in zip(mine, theirs, strict=True))
    print(
        f"  losses equal to the bit: {mine == theirs} (largest relative difference {apart:.1e})\n"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--clock", choices=CLOCKS, default="wall")
    cases = ("village-3m", *SIZES)
    parser.add_argument("--cases", nargs="+", choices=cases, default=cases)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    transformers.logging.set_verbosity_error()
    with tempfile.TemporaryDirectory() as folder:
        for case in given.cases:
            print(f"{case}, {given.steps} steps, {given.threads} thread(s), {given.clock} time")
            measure(recipe_of(case, Path(folder), given.steps), given.steps, CLOCKS[given.clock])
