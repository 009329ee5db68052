"""The training loop: a generator of events, one per step and per evaluation.

Pause is not asking for the next event, stop is closing the generator. The loop knows nothing of
panels, stores or threads; exported scripts carry its source, less what they do not need, and it
runs under ``accelerate launch`` unchanged.
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
    train_loader: Iterable[dict[str, torch.Tensor]],
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

    The loss is in nats per target, which a label of -100 is not, the gradient norm before clipping.
    FloatingPointError is raised before a step whose loss or gradients are not finite.

    Parameters
    ----------
    after_step : callable, optional
        Takes the step's number while its gradients are still there; returns what the step's event
        has more.
    """
    # The module tree is walked once, here: walking it at each step costs more than small adapters.
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    batches = chain.from_iterable(repeat(train_loader))
    tokens, seconds = 0, 0.0
    if eval_on_start:
        yield from evaluate(0)
    model.train()
    for step in range(1, max_steps + 1):
        started = time.perf_counter()
        if gradient_accumulation_steps == 1:
            batch = next(batches)
            loss = model(**batch).loss
            if accelerator.num_processes > 1 and batch["labels"].dim() > 1:
                # Each process counts by its targets, as if all had been in one large batch.
                targets = (batch["labels"] != -100).sum()
                loss = loss * (targets * accelerator.num_processes / accelerator.reduce(targets))
            accelerator.backward(loss)
        else:
            micro_batches = [next(batches) for _ in range(gradient_accumulation_steps)]
            loss = backward_together(accelerator, model, micro_batches)
        norm = accelerator.clip_grad_norm_(trainable, max_grad_norm)
        # The device is waited for here and nowhere else: all that is read is read in one place.
        loss, grad_norm = accelerator.reduce(loss.detach(), "mean").item(), norm.item()
        if gradient_accumulation_steps == 1:
            step_tokens = count_tokens(batch)
        else:
            step_tokens = sum(map(count_tokens, micro_batches))
        for figure, value in {"loss": loss, "gradient norm": grad_norm}.items():
            if not math.isfinite(value):
                raise FloatingPointError(f"the {figure} became {value} at step {step}")
        tokens += step_tokens
        event = {
            "event": "train",
            "step": step,
            "loss": loss,
            "grad_norm": grad_norm,
            "learning_rate": scheduler.get_last_lr()[0],
            "tokens": tokens,
        }
        optimizer.step()
        if after_step is not None:
            event |= after_step(step)
        scheduler.step()
        optimizer.zero_grad()
        step_seconds = time.perf_counter() - started
        seconds += step_seconds
        yield event | {"tokens_per_second": step_tokens / step_seconds, "seconds": seconds}
        if step % eval_steps == 0 or step == max_steps:
            yield from evaluate(step)
            model.train()


def backward_together(
    accelerator: Accelerator, model: torch.nn.Module, batches: list[dict[str, torch.Tensor]]
) -> torch.Tensor:
    """Add up the gradients of several batches as if they were one; return its loss."""
    # Each batch counts by its targets.
    targets = torch.stack([(batch["labels"] != -100).sum() for batch in batches])
    weights = targets * accelerator.num_processes / accelerator.reduce(targets.sum())
    total = torch.zeros((), device=targets.device)
    for index, (batch, weight) in enumerate(zip(batches, weights, strict=True), 1):
        # Processes exchange their gradients once, with the last batch.
        with accelerator.no_sync(model) if index < len(batches) else nullcontext():
            loss = model(**batch).loss * weight
            accelerator.backward(loss)
        total += loss.detach()
    return total


def count_tokens(batch: dict[str, torch.Tensor]) -> int:
    """Count what the model reads of a batch, padding left out."""
    if "attention_mask" in batch:
        return int(batch["attention_mask"].sum())
    if "input_ids" in batch:
        return batch["input_ids"].numel()
    return len(batch["labels"])
