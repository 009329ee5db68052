"""The loops that are held against each other; each takes blocks of steps when it is asked to."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator
from typing import Any

import peft
import torch
import transformers

from gpu_sections.setup import DEVICE, around_same_weights, settle
from workbench import Recipe
from workbench.training.batches import encode_rows
from workbench.training.inputs.row_order import shuffled
from workbench.training.prepare import build, prepare
from workbench.training.resolve import Resolved
from workbench.training.runtime.rng import Randomness
from workbench.training.speedups.settings import use_bf16


class Steps:
    """A loop that is a generator with an item per step."""

    def __init__(self, steps: Iterator[Any]):
        self._steps = steps

    def take(self, count: int) -> None:
        """Take so many steps."""
        for _ in range(count):
            next(self._steps)

    def close(self) -> None:
        """End the loop."""
        self._steps.close()  # type: ignore[attr-defined]


def ours(recipe: Recipe) -> Iterator[dict]:
    """Take the workbench's steps."""
    prepared = prepare(recipe)
    try:
        while True:
            with prepared.randomness:
                event = next(prepared.steps)
            yield event
    finally:
        prepared.steps.close()


def adapted(resolved: Resolved, base: Any = None) -> torch.nn.Module:
    """Return the model as it starts: over the run's own base, or over another one."""
    with Randomness(resolved.recipe.seed):
        if base is None:
            model = build(resolved.plan, resolved.base, resolved.tokenizer, [])
        else:
            config = peft.LoraConfig(**resolved.plan.config)
            model = peft.get_peft_model(around_same_weights(base), config)
    return model.train()


def bf16_base(resolved: Resolved) -> torch.nn.Module:
    """Load the base with its weights in bfloat16, as transformers does where a checkpoint has them so."""
    model = transformers.AutoModelForCausalLM.from_pretrained(
        resolved.plan.model_path, dtype=torch.bfloat16
    )
    return model.requires_grad_(False).to(DEVICE)


def batches_of(resolved: Resolved) -> torch.utils.data.DataLoader:
    """Return a run's batches."""
    rows, _ = encode_rows(resolved)
    return shuffled(rows, resolved.recipe, resolved.inputs.collator(resolved.plan.padding_side))


def bare(resolved: Resolved, base: Any = None) -> Iterator[torch.Tensor]:
    """Take the steps of a bare loop: batches on the device, one fused optimizer, nothing waited for."""
    model = adapted(resolved, base)
    use_bf16(model)
    batches = [
        {name: part.to(DEVICE) for name, part in batch.items()} for batch in batches_of(resolved)
    ]
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(
        trained, lr=resolved.recipe.learning_rate, weight_decay=0.0, fused=True
    )
    scheduler = transformers.get_scheduler(
        resolved.recipe.lr_scheduler_type, optimizer, num_warmup_steps=0,
        num_training_steps=resolved.recipe.max_steps,
    )  # fmt: skip
    while True:
        for batch in batches:
            loss = model(**batch, use_cache=False).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(trained, 1.0)
            optimizer.step()
            scheduler.step()
            optimizer.zero_grad()
            yield loss.detach()


class Trainer(transformers.TrainerCallback):
    """A Trainer with its defaults, which runs in a thread and waits after each block of steps."""

    def __init__(self, resolved: Resolved, base: Any = None):
        self._go, self._done = threading.Semaphore(0), threading.Semaphore(0)
        self._left, self._over = 0, False
        self._error: BaseException | None = None
        self._folder = tempfile.TemporaryDirectory()
        settings, loader = resolved.recipe, batches_of(resolved)
        arguments = transformers.TrainingArguments(
            self._folder.name, max_steps=settings.max_steps, bf16=True,
            learning_rate=settings.learning_rate, seed=settings.seed,
            per_device_train_batch_size=settings.per_device_train_batch_size, report_to="none",
            save_strategy="no", logging_strategy="no", disable_tqdm=True, use_cpu=DEVICE == "cpu",
        )  # fmt: skip
        self._trainer = transformers.Trainer(
            adapted(resolved, base), arguments, train_dataset=loader.dataset,
            data_collator=loader.collate_fn, callbacks=[self],
        )  # fmt: skip
        self._trainer.remove_callback(transformers.PrinterCallback)
        threading.Thread(target=self._work, daemon=True).start()

    def _work(self) -> None:
        self._go.acquire()
        try:
            if not self._over:
                self._trainer.train()
        except BaseException as error:  # noqa: BLE001 (raised where the steps are asked for)
            self._error = error
        self._done.release()

    def on_step_end(self, args, state, control, **_):
        """Wait at the end of a block."""
        self._left -= 1
        if self._left == 0:
            settle()
            self._done.release()
            self._go.acquire()
        control.should_training_stop = self._over

    def take(self, count: int) -> None:
        """Take so many steps."""
        self._left = count
        self._go.release()
        self._done.acquire()
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        """End the training, unless it has failed."""
        if self._error is None:
            self._over = True
            self._go.release()
            self._done.acquire()
        self._folder.cleanup()
        del self._trainer
