"""What a run really allocates, by torch's profiler: what forecasts are held against."""

from __future__ import annotations

from torch.profiler import ProfilerActivity, profile

from workbench.recipe import Recipe
from workbench.training.meters import storage_bytes
from workbench.training.plan import resolve
from workbench.training.prepare import prepare
from workbench.training.quantize import beside_weights


def allocated(recipe: Recipe) -> int:
    """Return the most bytes that are alive while a recipe trains, to its fullest step.

    The weights, which are there before, count as long as they are there: the base's and the run's
    own. Evaluations do not.
    """
    base = resolve(recipe).base  # the run will share it
    run = prepare(recipe)
    held = [
        tensor
        for model in (base.model, run.model)
        for tensor in (*model.parameters(), *model.buffers(), *beside_weights(model))
    ]
    # The first step makes the optimizer's state: the one after it needs more.
    last = max(2, run.fullest)
    with run.randomness, profile(activities=[ProfilerActivity.CPU], profile_memory=True) as told:
        for event in run.steps:
            if event["event"] == "train" and event["step"] == last:
                break
    now = most = 0
    for event in told.profiler.kineto_results.events():
        if event.name() == "[memory]":
            now += event.nbytes()
            most = max(most, now)
    return storage_bytes(held) + most
