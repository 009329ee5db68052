"""Whether it pays to train runs together: a few steps are timed both ways, and leave no trace."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import Any

from workbench.training.batched_lora.group import Group, Member
from workbench.training.loop import train
from workbench.training.prepared import Prepared
from workbench.training.runtime.rng import Randomness
from workbench.training.speedups.comparison import first_batches

# The first round warms up. More are timed until there is enough to judge by.
ROUNDS, SECONDS = 5, 1.5
# How far losses and norms may lie apart, relative to their size, and still be the same arithmetic; in
# bfloat16, of three digits, products of other shapes round otherwise.
SAME, SAME_BF16 = 1e-3, 3e-2


@dataclass(frozen=True)
class Pace:
    """The result of a measurement.

    Parameters
    ----------
    ratio : float
        Time of the members' own steps by that of fused ones: above 1, fusing is faster.
    difference : float
        The largest relative difference of a loss or a gradient norm.
    rounds : int
        How many pairs were timed.
    allowed : float
        The largest difference with which it is the same arithmetic.
    """

    ratio: float
    difference: float
    rounds: int
    allowed: float = SAME

    @property
    def same(self) -> bool:
        """Whether both ways compute the same."""
        return self.difference <= self.allowed


def measure(group: Group) -> Pace:
    """Time the first steps of a group that has not started, and put everything back."""
    members = list(group.members)
    batches = [_first_steps(member.prepared, ROUNDS + 1) for member in members]
    ratios, differences = [], []
    started = time.perf_counter()
    with Randomness(0), _restored(group):
        own_steps = [_own_steps(*pair) for pair in zip(members, batches, strict=True)]
        for index in range(ROUNDS + 1):
            began = time.perf_counter()
            events = [next(steps) for steps in own_steps]
            between = time.perf_counter()
            fused = _fused_step(group, [steps[index] for steps in batches])
            ended = time.perf_counter()
            differences += [
                abs(own - other) / max(abs(own), 1e-3)
                for event, figures in zip(events, fused, strict=True)
                for own, other in zip((event["loss"], event["grad_norm"]), figures, strict=True)
            ]
            if index > 0:
                ratios.append((between - began) / (ended - between))
            if len(ratios) > 1 and ended - started > SECONDS:
                break
    # NaN compares as smaller than any difference.
    worst = math.inf if any(map(math.isnan, differences)) else max(differences)
    allowed = SAME_BF16 if group.bf16 else SAME
    return Pace(statistics.median(ratios), worst, len(ratios), allowed)


@contextmanager
def _restored(group: Group) -> Iterator[None]:
    """Put parameters, optimizers and the group itself back to before the first step."""
    values = [
        (parameter, parameter.detach().clone())
        for member in group.members
        for parameter in member.prepared.model.parameters()
        if parameter.requires_grad
    ]
    try:
        yield
    finally:
        for parameter, value in values:
            parameter.data.copy_(value)
            parameter.grad = None
        for member in group.members:
            member.row_optimizer.run_optimizer.state.clear()
            member.row_optimizer.optimizer.state.clear()
            member.micro_batches, member.computed = [], None
        group.stack.gradients.zero_()
        group.stack.load()


def _first_steps(prepared: Prepared, count: int) -> list[list[dict]]:
    """Return the micro-batches of each of a run's first steps."""
    loop_kwargs = prepared.loop_kwargs
    size, device = loop_kwargs["gradient_accumulation_steps"], loop_kwargs["accelerator"].device
    batches = first_batches(loop_kwargs["train_loader"], count * size, device)
    return [batches[start : start + size] for start in range(0, len(batches), size)]


class _ConstantSchedule:
    """A scheduler that leaves the learning rate as it is."""

    def __init__(self, scheduler: Any):
        self._scheduler = scheduler

    def get_last_lr(self) -> list[float]:
        return self._scheduler.get_last_lr()

    def step(self) -> None:
        """Leave the learning rate as it is."""


def _own_steps(member: Member, batches: list[list[dict]]) -> Iterator[dict]:
    """Return the loop that a run would have by itself, over its first steps, without evaluations."""
    loop_kwargs = member.loop_kwargs
    changes = {
        "train_loader": list(chain.from_iterable(batches)),
        "scheduler": _ConstantSchedule(loop_kwargs["scheduler"]),
        "evaluate": lambda step: iter(()),
        "max_steps": len(batches),
        "eval_steps": len(batches) + 1,
        "eval_on_start": False,
    }
    return train(**{**loop_kwargs, **changes})


def _fused_step(group: Group, batches: Sequence[list[dict]]) -> list[tuple[float, float]]:
    """Step all members once with these micro-batches; returns each one's loss and gradient norm."""
    for member, micro_batches in zip(group.members, batches, strict=True):
        member.micro_batches = list(micro_batches)
    group.compute_gradients()
    figures = []
    for member in group.members:
        assert member.computed is not None
        figures.append((member.computed.loss, member.take_step()))
    return figures
