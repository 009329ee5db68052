"""LoRA runs that train together: one forward and backward pass of the frozen base for all of them.

Each member keeps what makes it a run of its own: batches in its own order, optimizer, schedule, clipping
and evaluations. Whoever asks for a step that is not there yet has the gradients computed for all that
have none waiting, and takes its own; the others find theirs when they ask. A member's weights move in
its own step only: a pause, a stop or an evaluation finds them as its last event left them.
"""

from __future__ import annotations

import inspect
import math
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from itertools import chain, repeat

import torch

from workbench.training.batched_lora.join_batches import IGNORED, join, losses_of
from workbench.training.batched_lora.row_optimizer import RowOptimizer
from workbench.training.batched_lora.stack import Stack
from workbench.training.loop import count_tokens
from workbench.training.prepared import Prepared


class Group:
    """Runs that train together.

    Parameters
    ----------
    prepared : sequence of Prepared
        Runs that have not stepped yet and may go together; see
        :mod:`workbench.training.batched_lora.eligibility`.

    Attributes
    ----------
    members : list of Member
        Those still in it.
    """

    def __init__(self, prepared: Sequence[Prepared]):
        self.lock = threading.RLock()
        self.stack = Stack([one.model for one in prepared])
        self.stack.model.train()
        self.members = [Member(self, run, one) for run, one in enumerate(prepared)]
        plan = prepared[0].plan
        self._shifts = plan.auto_class == "AutoModelForCausalLM"
        self._pad = getattr(prepared[0].tokenizer, "pad_token_id", 0)
        takes = inspect.signature(self.stack.model.forward).parameters
        # Nothing is generated from what a step has read.
        self._started = False
        self._settings = {"use_cache": False} if "use_cache" in takes else {}

    def start(self) -> None:
        """Let the members' own models compute with what the group trains."""
        self._started = True
        for member in self.members:
            member.twin.lend()
            member.prepared.meter.optimizer = member.twin.optimizer

    def advance(self) -> None:
        """Compute the gradients of all members that have none waiting."""
        started = time.perf_counter()
        served = [member for member in self.members if member.pending is None and member.draw()]
        if not served:
            return
        runs = tuple(member.run for member in served)
        self.stack.serve(runs)
        try:
            with _shared_count(served) if self._counts(served) else nullcontext():
                losses = self._backward([member.window for member in served]).tolist()
        except BaseException:
            self.stack.drop(runs)
            raise
        self.stack.collect(runs)
        seconds = (time.perf_counter() - started) / len(served)
        for member, loss in zip(served, losses, strict=True):
            member.pending = loss, seconds

    def _backward(self, windows: list[list[dict[str, torch.Tensor]]]) -> torch.Tensor:
        """Add up gradients and return the losses, each batch counting by its targets."""
        targets = torch.stack(
            [
                torch.stack([(batch["labels"] != IGNORED).sum() for batch in window])
                for window in windows
            ]
        )
        shares = targets / targets.sum(1, keepdim=True)
        total = torch.zeros((), device=targets.device)
        for batches, share in zip(zip(*windows, strict=True), shares.unbind(1), strict=True):
            inputs = join(batches, self._pad)
            labels = inputs.pop("labels")
            logits = self.stack.model(**inputs, **self._settings).logits
            losses = losses_of(logits, labels, len(batches), shifts=self._shifts) * share
            self.stack.backward(losses.sum())
            total = total + losses.detach()
        return total

    def _counts(self, served: list[Member]) -> bool:
        """Tell whether a member's meter would count in this step."""
        return self._started and any(
            member.step + 1 in (1, member.prepared.largest_batch_step) for member in served
        )

    def leave(self, member: Member) -> None:
        """Give a member what it has learnt; the others go on."""
        with self.lock:
            if member not in self.members:
                return
            member.twin.give_back()
            member.prepared.meter.optimizer = member.loop_kwargs["optimizer"]
            self.members.remove(member)
            self.stack.keep([other.run for other in self.members])
            for run, other in enumerate(self.members):
                other.run = run
                other.twin.point(self.stack, run)
                other.twin.lend()


class Member(Iterator[dict]):
    """One run of a group, with the events of :func:`workbench.training.loop.train`."""

    def __init__(self, group: Group, run: int, prepared: Prepared):
        self.group, self.run, self.prepared = group, run, prepared
        self.loop_kwargs = prepared.loop_kwargs
        optimizer = self.loop_kwargs["optimizer"]
        self.twin = RowOptimizer(getattr(optimizer, "optimizer", optimizer), group.stack, run)
        self.step = 0
        self.window: list[dict[str, torch.Tensor]] = []
        self.pending: tuple[float, float] | None = None
        self._failure: Exception | None = None
        self._stream = chain.from_iterable(repeat(self.loop_kwargs["train_loader"]))
        self._events = self._train()

    def __next__(self) -> dict:
        # Leaving is no matter of the generator's own end: the garbage collector may be what ends it.
        try:
            return next(self._events)
        except BaseException:
            self.group.leave(self)
            raise

    def close(self) -> None:
        """End the run's generator and leave the group."""
        self._events.close()
        self.group.leave(self)

    def draw(self) -> bool:
        """Have the batches of the next step at hand; what goes wrong is the member's own."""
        wanted = self.loop_kwargs["gradient_accumulation_steps"]
        if self._failure is not None or self.step == self.loop_kwargs["max_steps"]:
            return False
        try:
            while len(self.window) < wanted:
                self.window.append(next(self._stream))
        except Exception as error:  # noqa: BLE001 (raised when the member itself asks)
            self._failure = error
        return self._failure is None

    def _train(self) -> Iterator[dict]:
        given = self.loop_kwargs
        tokens, seconds = 0, 0.0
        if given["eval_on_start"]:
            yield from given["evaluate"](0)
        given["model"].train()
        for step in range(1, given["max_steps"] + 1):
            event = self._step(step)
            seen, elapsed = event.pop("seen"), event.pop("elapsed")
            tokens, seconds = tokens + seen, seconds + elapsed
            yield {
                **event,
                "tokens": tokens,
                "tokens_per_second": seen / elapsed,
                "seconds": seconds,
            }
            if step % given["eval_steps"] == 0 or step == given["max_steps"]:
                yield from given["evaluate"](step)
                given["model"].train()

    def _step(self, step: int) -> dict:
        with self.group.lock:
            if self.pending is None:
                self.group.advance()
            if self._failure is not None:
                raise self._failure
            started = time.perf_counter()
            loss, shared = self.pending
            if not math.isfinite(loss):
                raise FloatingPointError(f"the loss became {loss} at step {step}")
            norm = self.twin.step(self.loop_kwargs["max_grad_norm"])
            if not math.isfinite(norm):
                raise FloatingPointError(f"the gradient norm became {norm} at step {step}")
            scheduler = self.loop_kwargs["scheduler"]
            learning_rate = scheduler.get_last_lr()[0]
            # The optimizer that the scheduler knows has stepped, though in another place.
            self.twin.own._opt_called = True
            scheduler.step()
            seen = sum(map(count_tokens, self.window))
            self.step, self.window, self.pending = step, [], None
        return {
            "event": "train",
            "step": step,
            "loss": loss,
            "learning_rate": learning_rate,
            "grad_norm": norm,
            "seen": seen,
            "elapsed": shared + time.perf_counter() - started,
        }


@contextmanager
def _shared_count(served: list[Member]) -> Iterator[None]:
    """Count the activations of a step as a run's own meter would, and share them out."""
    meter = served[0].prepared.meter
    before, meter.activations = meter.activations, 0
    try:
        with meter.counting():
            yield
        share = meter.activations // len(served)
    finally:
        meter.activations = before
    for member in served:
        own = member.prepared.meter
        own.activations = max(own.activations, share)
