"""How much memory a recipe's run will need, before any weight is loaded.

One step is run dry (:mod:`workbench.training.dryrun`): the run's own code with tensors of shapes
only. What the processor's allocator or CUDA's hands out at the fullest moment is the forecast.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from workbench.catalog.lookup import look_up
from workbench.compare.words import size
from workbench.errors import RecipeError
from workbench.recipe import Recipe

PARTS = ("weights", "adapters", "gradients", "optimizer", "activations")


@dataclass(frozen=True)
class Forecast:
    """The memory that a recipe's run will need, in bytes.

    Parameters
    ----------
    recipe : Recipe
    device : str
        ``cpu`` or ``cuda``.
    parts : dict of str to int
        What is alive at the fullest moment of a training step: ``weights`` (the base, which runs
        share), ``adapters`` (what is injected, and the run's own copies of what it changes in the
        base), ``gradients``, ``optimizer`` and ``activations`` (whatever else lives then). Where
        nothing is trained, that of the evaluation.
    peak : int
        Their sum.
    evaluation : int
        What an evaluation's batch needs, beside what stays in memory.
    saved : int
        What storing the base in fewer bits saves.
    available : int
        What the device has left now.
    seconds : float
        How long the forecast took.
    """

    recipe: Recipe
    device: str
    parts: Mapping[str, int]
    peak: int
    evaluation: int
    saved: int
    available: int
    seconds: float

    @property
    def needed(self) -> int:
        """The most that the run needs, in training or in evaluation."""
        return max(self.peak, self.evaluation)

    @property
    def fits(self) -> bool:
        """Whether the device has that much."""
        return self.needed <= self.available

    def __repr__(self) -> str:
        parts = ", ".join(f"{name} {size(self.parts[name])}" for name in PARTS if self.parts[name])
        word = "fits" if self.fits else "does not fit"
        return (
            f"Forecast({size(self.needed)} of {size(self.available)} on {self.device}: {word}; "
            f"{parts})"
        )


def forecast(recipe: Recipe, *, device: str | None = None) -> Forecast:
    """Foretell the memory of a recipe's run (imports torch and peft).

    Parameters
    ----------
    recipe : Recipe
    device : {"cpu", "cuda"}, optional
        Where it would run; where it will if not given.

    Raises
    ------
    RecipeError
        With all that is wrong with the recipe.

    Examples
    --------
    >>> told = forecast(Recipe(technique="lora", max_steps=10))
    >>> told.peak == sum(told.parts.values()), told.fits
    (True, True)
    """
    began = time.perf_counter()
    found = look_up(recipe)
    if found.problems or found.facts is None or found.table is None:
        raise RecipeError(found.problems)
    from workbench.training.dryrun import DryRun
    from workbench.training.memory import available, device_of

    device = device_of(device)
    resolved = recipe.resolved()
    run = DryRun(resolved, found.facts, found.table, device)
    live = run.follow(resolved.per_device_train_batch_size)
    phase = "train" if run.trains else "evaluation"
    parts = live.peaks[phase]
    return Forecast(
        recipe=recipe,
        device=device,
        parts=parts,
        peak=sum(parts.values()),
        evaluation=sum(live.peaks["evaluation"].values()),
        saved=run.whole - parts["weights"] if resolved.quantization else 0,
        available=available(device),
        seconds=time.perf_counter() - began,
    )
