"""What a race of many runs would take, from a few steps of its first one."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence

from workbench.display.units import time
from workbench.recipe import Recipe
from workbench.runs.run import Run
from workbench.training.events import Event, TrainStep

# The first step is slower than the others, and is not counted.
STEPS = 4


def estimate(recipes: Sequence[Recipe]) -> str:
    """Train the first recipe for a few steps and say what all would take on this machine."""
    with tempfile.TemporaryDirectory() as folder:
        tried = Run(recipes[0], folder)
        tried.subscribe(_stop_soon)
        tried.start().wait()
    seconds = [event.seconds for event in tried.events.of(TrainStep)]
    each = (seconds[-1] - seconds[0]) / max(1, len(seconds) - 1) or seconds[-1]
    first, memory = tried.progress[1], tried.memory
    steps = sum(_steps(recipe, recipes[0], first) for recipe in recipes)
    # The base is there once; what a run trains, with its gradients and its optimizer state, is its own.
    per_run = memory["adapters"] + memory["gradients"] + memory["optimizer"]
    peak = memory["weights"] + per_run * len(recipes) + memory["activations"]
    return (
        f"its {steps:,.0f} steps would take about {time(steps * each / (os.cpu_count() or 1))} "
        f"and {peak / 1e9:,.1f} GB of memory, not counting evaluations"
    )


def _stop_soon(run: Run, event: Event) -> None:
    if isinstance(event, TrainStep) and event.step == STEPS:
        run.stop(evaluate=False)


def _steps(recipe: Recipe, first: Recipe, steps_of_first: int) -> float:
    """Return how many steps a recipe means, from those that another on the same rows takes."""
    if recipe.max_steps is not None:
        return recipe.max_steps
    rows = steps_of_first * _batch(first) / (1 if first.max_steps else first.num_train_epochs)
    return rows * recipe.num_train_epochs / _batch(recipe)


def _batch(recipe: Recipe) -> int:
    return recipe.per_device_train_batch_size * recipe.gradient_accumulation_steps
