"""Does it pay to train runs together? A few steps of both ways are timed, which leave no trace."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice, repeat
from typing import Any

from accelerate.utils import send_to_device

from workbench.training.batched_lora.group import Group, Member
from workbench.training.loop import train
from workbench.training.prepared import Prepared
from workbench.training.runtime.rng import Randomness

# The first round warms up. More are timed until there is enough to judge by.
ROUNDS, SECONDS = 5, 1.5
# How far losses and norms may lie apart, relative to their size, and still be the same arithmetic.
SAME = 1e-3


@dataclass(frozen=True)
class Pace:
    """What a measurement has found.

    Parameters
    ----------
    ratio : float
        Time of the members' own steps by that of fused ones: above 1, fusing is faster.
    difference : float
        The largest relative difference of a loss or a gradient norm.
    rounds : int
        How many pairs were timed.
    """

    ratio: float
    difference: float
    rounds: int

    @property
    def same(self) -> bool:
        """Whether both ways compute the same."""
        return self.difference <= SAME


def measure(group: Group) -> Pace:
    """Time the first steps of a group that has not started, and put everything back."""
    members = list(group.members)
    windows = [_first_windows(member.prepared, ROUNDS + 1) for member in members]
    ratios, differences = [], []
    started = time.perf_counter()
    with Randomness(0), _restored(group):
        own = [_own_steps(*pair) for pair in zip(members, windows, strict=True)]
        for index in range(ROUNDS + 1):
            began = time.perf_counter()
            alone = [next(steps) for steps in own]
            between = time.perf_counter()
            together = _fused_step(group, [each[index] for each in windows])
            ended = time.perf_counter()
            differences += [
                abs(mine - theirs) / max(abs(mine), 1e-3)
                for event, told in zip(alone, together, strict=True)
                for mine, theirs in zip((event["loss"], event["grad_norm"]), told, strict=True)
            ]
            if index > 0:
                ratios.append((between - began) / (ended - between))
            if len(ratios) > 1 and ended - started > SECONDS:
                break
    # What is not a number is no small difference.
    worst = math.inf if any(map(math.isnan, differences)) else max(differences)
    return Pace(statistics.median(ratios), worst, len(ratios))


@contextmanager
def _restored(group: Group) -> Iterator[None]:
    """Put parameters, optimizers and the group itself back to before the first step."""
    own = [
        (parameter, parameter.detach().clone())
        for member in group.members
        for parameter in member.prepared.model.parameters()
        if parameter.requires_grad
    ]
    try:
        yield
    finally:
        for parameter, value in own:
            parameter.data.copy_(value)
            parameter.grad = None
        for member in group.members:
            member.twin.own.state.clear()
            member.twin.optimizer.state.clear()
            member.window, member.pending = [], None
        group.stack.gradients.zero_()
        group.stack.load()


def _first_windows(prepared: Prepared, count: int) -> list[list[dict]]:
    """Return the batches of a run's first steps, which its loader will give again."""
    loop_kwargs = prepared.loop_kwargs
    loader, size = (
        loop_kwargs["train_loader"].base_dataloader,
        loop_kwargs["gradient_accumulation_steps"],
    )
    state = loader.generator.get_state()
    stream = chain.from_iterable(repeat(loader))
    device = loop_kwargs["accelerator"].device
    windows = [
        [send_to_device(batch, device) for batch in islice(stream, size)] for _ in range(count)
    ]
    loader.generator.set_state(state)
    return windows


class _Still:
    """A schedule that stays where it is."""

    def __init__(self, scheduler: Any):
        self._scheduler = scheduler

    def get_last_lr(self) -> list[float]:
        return self._scheduler.get_last_lr()

    def step(self) -> None:
        """Leave the learning rate as it is."""


def _own_steps(member: Member, windows: list[list[dict]]) -> Iterator[dict]:
    """Return the loop that a run would have by itself, over its first steps, without evaluations."""
    loop_kwargs = member.loop_kwargs
    changes = {
        "train_loader": list(chain.from_iterable(windows)),
        "scheduler": _Still(loop_kwargs["scheduler"]),
        "evaluate": lambda step: iter(()),
        "max_steps": len(windows),
        "eval_steps": len(windows) + 1,
        "eval_on_start": False,
    }
    return train(**{**loop_kwargs, **changes})


def _fused_step(group: Group, windows: Sequence[list[dict]]) -> list[tuple[float, float]]:
    """Step all members once; returns their losses and norms."""
    for member, window in zip(group.members, windows, strict=True):
        member.window = list(window)
    group.advance()
    told = []
    for member in group.members:
        assert member.pending is not None
        told.append((member.pending[0], member.twin.step(member.loop_kwargs["max_grad_norm"])))
        member.window, member.pending = [], None
    return told
