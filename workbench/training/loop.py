"""The training loop: a generator of events, one per step and per evaluation.

Pause is not asking for the next event, stop is closing the generator. The loop knows nothing of
panels, stores or threads; exported scripts carry its source as it stands here, and it runs under
``accelerate launch`` unchanged.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from itertools import chain, repeat

import torch
from accelerate import Accelerator


def train(
    accelerator: Accelerator,
    model: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    scheduler: torch.optim.lr_scheduler.LRScheduler,
    batches: Iterable[dict[str, torch.Tensor]],
    evaluate: Callable[[int], Iterator[dict]],
    *,
    max_steps: int,
    gradient_accumulation_steps: int = 1,
    max_grad_norm: float = 1.0,
    eval_steps: int = 50,
    eval_on_start: bool = False,
    after_step: Callable[[int], dict] | None = None,
) -> Iterator[dict]:
    """Train, yielding a ``train`` event per optimizer step and what ``evaluate(step)`` yields.

    Parameters
    ----------
    accelerator : accelerate.Accelerator
        Has prepared model, optimizer and batches.
    batches : iterable of dict
        ``input_ids`` and ``attention_mask`` of shape (rows, tokens), or ``pixel_values`` of shape
        (rows, channels, height, width); ``labels`` of shape (rows, tokens) or (rows,), where -100
        marks what is not learnt. Gone through again and again.
    evaluate : callable
        Takes the step's number and yields events; the last one holds the results.
    max_steps : int
        Optimizer steps.
    after_step : callable, optional
        Takes the step's number while its gradients are still there; what it returns is told.

    Yields
    ------
    dict
        ``step``, ``loss`` (nats per target), ``learning_rate``, ``grad_norm`` (before clipping),
        ``tokens`` read so far (those that are no padding; where rows are images, images),
        ``tokens_per_second`` of this step, ``seconds`` trained so far.

    Raises
    ------
    FloatingPointError
        The loss or the gradients are not finite; the weights are those of the step before.
    """
    # The module tree is walked once, here: walking it at each step costs more than small adapters.
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    stream = chain.from_iterable(repeat(batches))
    tokens, seconds = 0, 0.0
    if eval_on_start:
        yield from evaluate(0)
    model.train()
    for step in range(1, max_steps + 1):
        started = time.perf_counter()
        window = [next(stream) for _ in range(gradient_accumulation_steps)]
        shares = [1.0]
        if len(window) * accelerator.num_processes > 1:
            # Each batch counts by its targets, so that accumulating gives the loss of one large batch.
            targets = torch.stack([(batch["labels"] != -100).sum() for batch in window])
            shares = targets * accelerator.num_processes / accelerator.reduce(targets.sum())
        total = 0.0
        for index, (batch, share) in enumerate(zip(window, shares, strict=True), 1):
            with accelerator.no_sync(model) if index < len(window) else nullcontext():
                loss = model(**batch).loss * share
                accelerator.backward(loss)
            total += loss.detach()
        norm = accelerator.clip_grad_norm_(trained, max_grad_norm)
        # The device is waited for here and nowhere else: all that is read is read in one place.
        loss, grad_norm = accelerator.reduce(total, "mean").item(), norm.item()
        seen = sum(read(batch) for batch in window)
        for figure, value in {"loss": loss, "gradient norm": grad_norm}.items():
            if not math.isfinite(value):
                raise FloatingPointError(f"the {figure} became {value} at step {step}")
        learning_rate = scheduler.get_last_lr()[0]
        optimizer.step()
        told = after_step(step) if after_step else {}
        scheduler.step()
        optimizer.zero_grad()
        elapsed = time.perf_counter() - started
        tokens, seconds = tokens + seen, seconds + elapsed
        yield {
            "event": "train",
            "step": step,
            "loss": loss,
            "learning_rate": learning_rate,
            "grad_norm": grad_norm,
            "tokens": tokens,
            "tokens_per_second": seen / elapsed,
            "seconds": seconds,
            **told,
        }
        if step % eval_steps == 0 or step == max_steps:
            yield from evaluate(step)
            model.train()


def read(batch: dict[str, torch.Tensor]) -> int:
    """Count what a model reads of a batch: tokens that are no padding, or images."""
    if "attention_mask" in batch:
        return int(batch["attention_mask"].sum())
    return batch["input_ids"].numel() if "input_ids" in batch else len(batch["labels"])
