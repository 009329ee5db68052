"""LoRA runs that train together: one forward and backward pass of the frozen base for all of them.

Each member has its own batches in their own order, its own optimizer, schedule, clipping and
evaluations. When a member asks for a step whose gradients are not computed yet, the gradients of all
members that lack them are computed in one pass; the other members find theirs computed when they ask. A
member's weights move in its own step only, so a pause, a stop or an evaluation finds them as its last
event left them.
"""

from __future__ import annotations

import inspect
import math
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from itertools import chain, repeat
from typing import NamedTuple

import torch

from workbench.training.batched_lora.adapter_stack import AdapterStack
from workbench.training.batched_lora.join_batches import IGNORED, join, losses_of
from workbench.training.batched_lora.row_optimizer import RowOptimizer
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
        Those that have not left.
    stack : AdapterStack
        Their trained parameters, in the order of ``members``.
    bf16 : bool
        Whether matrices are multiplied in bfloat16.
    """

    def __init__(self, prepared: Sequence[Prepared]):
        self.lock = threading.RLock()
        self.stack = AdapterStack([run.model for run in prepared])
        self.stack.model.train()
        self.members = [Member(self, row, run) for row, run in enumerate(prepared)]
        plan = prepared[0].plan
        self._shifts = plan.auto_class == "AutoModelForCausalLM"
        self._pad_token_id = getattr(prepared[0].tokenizer, "pad_token_id", 0)
        # Members have it around their own models, of which the stack is none.
        self.bf16 = bool(plan.recipe["bf16"])
        self._started = False
        parameters = inspect.signature(self.stack.model.forward).parameters
        # Nothing is generated from what a step has read.
        self._settings = {"use_cache": False} if "use_cache" in parameters else {}

    def start(self) -> None:
        """Let the members' own models compute with what the group trains."""
        self._started = True
        for member in self.members:
            member.row_optimizer.share_row()
            member.prepared.meter.optimizer = member.row_optimizer.optimizer

    def compute_gradients(self) -> None:
        """Compute the next step's gradients of all members that have none waiting, in one pass."""
        started = time.perf_counter()
        members = [
            member for member in self.members if member.computed is None and member.load_batches()
        ]
        if not members:
            return
        rows = tuple(member.row for member in members)
        self.stack.serve(rows)
        try:
            with _shared_count(members) if self._counts(members) else nullcontext():
                losses = self._backward([member.micro_batches for member in members]).tolist()
        except BaseException:
            self.stack.discard_gradients(rows)
            raise
        self.stack.collect(rows)
        seconds = (time.perf_counter() - started) / len(members)
        for member, loss in zip(members, losses, strict=True):
            member.computed = ComputedStep(loss, seconds)

    def _backward(self, micro_batches: list[list[dict[str, torch.Tensor]]]) -> torch.Tensor:
        """Add up gradients and return the losses, each micro-batch counting by its targets.

        Parameters
        ----------
        micro_batches : list of list of dict
            Of each member that is served, those of its step.

        Returns
        -------
        torch.Tensor
            Of shape (members served,).
        """
        # (members, micro-batches of a step)
        targets = torch.stack(
            [
                torch.stack([(batch["labels"] != IGNORED).sum() for batch in batches])
                for batches in micro_batches
            ]
        )
        shares = targets / targets.sum(1, keepdim=True)
        total = torch.zeros((), device=targets.device)
        for batches, share in zip(zip(*micro_batches, strict=True), shares.unbind(1), strict=True):
            inputs = join(batches, self._pad_token_id)
            labels = inputs.pop("labels")
            with torch.autocast(labels.device.type, torch.bfloat16, enabled=self.bf16):
                logits = self.stack.model(**inputs, **self._settings).logits
            losses = losses_of(logits, labels, len(batches), shifts=self._shifts) * share
            self.stack.backward(losses.sum())
            total = total + losses.detach()
        return total

    def _counts(self, members: list[Member]) -> bool:
        """Tell whether a member's meter would count the memory of this step."""
        return self._started and any(
            member.step + 1 in (1, member.prepared.largest_batch_step) for member in members
        )

    def leave(self, member: Member) -> None:
        """Give a member what it has learnt in memory of its own; the others go on."""
        with self.lock:
            if member not in self.members:
                return
            member.row_optimizer.return_row()
            member.prepared.meter.optimizer = member.loop_kwargs["optimizer"]
            self.members.remove(member)
            self.stack.keep_runs([other.row for other in self.members])
            for row, other in enumerate(self.members):
                other.row = row
                other.row_optimizer.bind_row(self.stack, row)
                other.row_optimizer.share_row()


class ComputedStep(NamedTuple):
    """What a member's next step finds computed, apart from its row of gradients.

    Parameters
    ----------
    loss : float
    seconds : float
        The member's share of the pass over the base.
    """

    loss: float
    seconds: float


class Member(Iterator[dict]):
    """One run of a group, with the events of :func:`workbench.training.loop.train`.

    The loop stands here a second time: the one in :mod:`workbench.training.loop` computes the forward and
    backward pass of its own model between two events, and exported scripts carry it as it is. Here that
    pass may have been computed by another member's request, so what is left of a step is done under the
    group's lock: the row's clipping and step, the schedule, and a share of the time.

    Parameters
    ----------
    group : Group
    row : int
        The member's row in the group's stack.
    prepared : Prepared

    Attributes
    ----------
    step : int
        The last one that is complete.
    micro_batches : list of dict
        Those of the next step, as far as they are loaded.
    computed : ComputedStep or None
        The next step's, once its gradients are there.
    """

    def __init__(self, group: Group, row: int, prepared: Prepared):
        self.group, self.row, self.prepared = group, row, prepared
        self.loop_kwargs = prepared.loop_kwargs
        optimizer = self.loop_kwargs["optimizer"]
        optimizer = getattr(optimizer, "optimizer", optimizer)
        self.row_optimizer = RowOptimizer(optimizer, group.stack, row)
        self.step = 0
        self.micro_batches: list[dict[str, torch.Tensor]] = []
        self.computed: ComputedStep | None = None
        self._failure: Exception | None = None
        self._batches = chain.from_iterable(repeat(self.loop_kwargs["train_loader"]))
        self._events = self._train()

    def __next__(self) -> dict:
        # Not in the generator's own ``finally``, which the garbage collector may run in any thread.
        try:
            return next(self._events)
        except BaseException:
            self.group.leave(self)
            raise

    def close(self) -> None:
        """End the run's generator and leave the group."""
        self._events.close()
        self.group.leave(self)

    def load_batches(self) -> bool:
        """Load the next step's batches; False where there is no such step or loading fails.

        The error is raised when this member asks for the step, as it is no other member's.
        """
        size = self.loop_kwargs["gradient_accumulation_steps"]
        if self._failure is not None or self.step == self.loop_kwargs["max_steps"]:
            return False
        try:
            while len(self.micro_batches) < size:
                self.micro_batches.append(next(self._batches))
        except Exception as error:  # noqa: BLE001 (raised when the member itself asks)
            self._failure = error
        return self._failure is None

    def take_step(self) -> float:
        """Step with the gradients that are computed, and forget them; returns their norm.

        The schedule stays where it is.
        """
        norm = self.row_optimizer.step(self.loop_kwargs["max_grad_norm"])
        self.micro_batches, self.computed = [], None
        return norm

    def _train(self) -> Generator[dict]:
        loop = self.loop_kwargs
        tokens, seconds = 0, 0.0
        if loop["eval_on_start"]:
            yield from loop["evaluate"](0)
        loop["model"].train()
        for step in range(1, loop["max_steps"] + 1):
            event, step_tokens, step_seconds = self._step(step)
            tokens, seconds = tokens + step_tokens, seconds + step_seconds
            yield {
                **event,
                "tokens": tokens,
                "tokens_per_second": step_tokens / step_seconds,
                "seconds": seconds,
            }
            if step % loop["eval_steps"] == 0 or step == loop["max_steps"]:
                yield from loop["evaluate"](step)
                loop["model"].train()

    def _step(self, step: int) -> tuple[dict, int, float]:
        """Take one step; returns the first part of its event, its tokens and its seconds."""
        with self.group.lock:
            if self.computed is None:
                self.group.compute_gradients()
            if self._failure is not None:
                raise self._failure
            assert self.computed is not None
            started = time.perf_counter()
            loss, shared_seconds = self.computed
            if not math.isfinite(loss):
                raise FloatingPointError(f"the loss became {loss} at step {step}")
            step_tokens = sum(map(count_tokens, self.micro_batches))
            norm = self.take_step()
            if not math.isfinite(norm):
                raise FloatingPointError(f"the gradient norm became {norm} at step {step}")
            scheduler = self.loop_kwargs["scheduler"]
            learning_rate = scheduler.get_last_lr()[0]
            # The scheduler warns unless the optimizer that it knows has stepped, as its copy has.
            vars(self.row_optimizer.run_optimizer).update(_opt_called=True)
            scheduler.step()
            self.step = step
        event = {
            "event": "train",
            "step": step,
            "loss": loss,
            "learning_rate": learning_rate,
            "grad_norm": norm,
        }
        return event, step_tokens, shared_seconds + time.perf_counter() - started


@contextmanager
def _shared_count(members: list[Member]) -> Iterator[None]:
    """Count the activations of a step as a run's own meter would, and give each member its share."""
    meter = members[0].prepared.meter
    before, meter.activations = meter.activations, 0
    try:
        with meter.counting():
            yield
        share = meter.activations // len(members)
    finally:
        meter.activations = before
    for member in members:
        own_meter = member.prepared.meter
        own_meter.activations = max(own_meter.activations, share)
