"""What a run really allocates, by torch's profiler: what forecasts are held against."""

from __future__ import annotations

import gc
import time

import torch
from torch.profiler import ProfilerActivity, profile

from workbench.recipe import Recipe
from workbench.training.adaptation.meters import storage_bytes
from workbench.training.adaptation.quantize import extra_tensors
from workbench.training.prepare import prepare
from workbench.training.resolve import resolve


def allocated(recipe: Recipe) -> int:
    """Return the most bytes that are alive while a recipe trains, to its fullest step.

    The base, which the run will share, is there before and counts as long as it is there. Whatever the
    run keeps from when it is made ready counts too, wherever that stands; what it takes only to be
    made ready does not, nor do evaluations.
    """
    base = resolve(recipe).base.model
    gc.collect()  # what an earlier run has left is not to be given back in between
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as told:
        run = prepare(recipe)
        ready = time.time_ns()
        # The first step makes the optimizer's state: the one after it needs more.
        last = max(2, run.largest_batch_step)
        with run.randomness:
            for event in run.steps:
                if event["event"] == "train" and event["step"] == last:
                    break
    return _with_base(base, told, ready)


def allocated_in_evaluation(recipe: Recipe) -> int:
    """Return the most bytes that are alive while a recipe evaluates before its first step."""
    base = resolve(recipe).base.model
    gc.collect()
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as told:
        run = prepare(recipe)
        ready = time.time_ns()
        for _ in run.loop_kwargs["evaluate"](0):
            pass
    return _with_base(base, told, ready)


def _with_base(base: torch.nn.Module, told: profile, ready: int) -> int:
    """Return the most bytes that were alive from a moment on, with those of the base."""
    now = most = 0
    for event in told.profiler.kineto_results.events():
        if event.name() == "[memory]":
            now += event.nbytes()
            if event.start_ns() >= ready:
                most = max(most, now)
    held = (*base.parameters(), *base.buffers(), *extra_tensors(base))
    return storage_bytes(held) + most
