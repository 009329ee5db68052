"""How much memory a recipe's run will need, before any weight is loaded.

One step is run dry (:mod:`workbench.training.forecast.dry_run`): the run's own code with tensors of shapes
only. What the processor's allocator or CUDA's hands out at the fullest moment is the forecast.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from workbench import imports
from workbench.display.memory_bar import DEVICES, memory_bar
from workbench.display.units import size
from workbench.errors import ModelError, RecipeError, WorkbenchError
from workbench.quiet import quiet_loggers
from workbench.recipe import Recipe
from workbench.registry.techniques import get
from workbench.sources.lookup import look_up
from workbench.training.forecast.advice import Growth, advise

PARTS = ("weights", "adapters", "gradients", "optimizer", "activations")


@dataclass(frozen=True)
class Forecast:
    """The memory that the run of a recipe will need, in bytes.

    It counts what the allocator hands out: a process on a CPU may take up to half as much again.
    Generating answers in evaluations is not included, and ``torch_compile`` is assumed to change nothing.

    Parameters
    ----------
    recipe : Recipe
    device : str
        ``cpu`` or ``cuda``.
    parts : dict of str to int
        What is in memory at the moment of a training step that needs most: ``weights`` (the base, which
        runs share), ``adapters`` (the added parameters, and the run's copies of base weights that it
        changes), ``gradients``, ``optimizer`` and ``activations`` (all other memory at that moment).
        Where nothing is trained, the same of the evaluation.
    peak : int
        Sum of the parts.
    evaluation : int
        The most that is in memory while a batch is evaluated.
    metered : dict of str to int
        The same parts as the run itself will measure them, each at its own largest: all gradients, and
        of the activations those that are stored for the backward pass.
    saved : int
        What quantizing the base saves.
    available : int
        What is free on the device now.
    seconds : float
        Duration of the forecast.

    Examples
    --------
    >>> prediction = forecast(Recipe(technique="lora", max_steps=10))
    >>> prediction.peak == sum(prediction.parts.values()), prediction.memory_suffices
    (True, True)
    """

    recipe: Recipe
    device: str
    parts: Mapping[str, int]
    peak: int
    evaluation: int
    metered: Mapping[str, int]
    saved: int
    available: int
    seconds: float
    _growth: Callable[[bool], Growth | None] = field(repr=False, compare=False)

    @property
    def needed(self) -> int:
        """Return the most memory that the run needs, in training or in evaluation."""
        return max(self.peak, self.evaluation)

    @property
    def memory_suffices(self) -> bool:
        """Return whether the device has as much memory as the run needs."""
        return self.needed <= self.available

    def largest_batch(
        self, available: int | None = None, *, gradient_checkpointing: bool | None = None
    ) -> int:
        """Return the largest batch size with enough memory, a power of two; 0 if there is none.

        Parameters
        ----------
        available : int, optional
            Bytes of memory; by default what is free on the device.
        gradient_checkpointing : bool, optional
            Whether gradient checkpointing is on; by default as in the recipe.
        """
        if gradient_checkpointing is None:
            gradient_checkpointing = self.recipe.gradient_checkpointing
        growth = self._growth(gradient_checkpointing)
        return growth.largest(self.available if available is None else available) if growth else 0

    def advice(self, available: int | None = None) -> str:
        """Say whether the memory is enough, and which batch size or setting would help.

        Parameters
        ----------
        available : int, optional
            Bytes of memory; by default what is free on the device.
        """
        available = self.available if available is None else available
        checkpointing = self.recipe.gradient_checkpointing
        plain = self._growth(checkpointing)
        if plain is None:
            word = "Enough memory" if self.peak <= available else "Not enough memory"
            return f"{word}: an evaluation needs {size(self.peak)} of {size(available)}."
        # Only where the advice depends on it: it costs another dry run.
        near = plain.largest(available) < 2 * self.recipe.per_device_train_batch_size
        return advise(
            self.recipe.per_device_train_batch_size,
            self.peak,
            available,
            plain,
            self._growth(True) if near and not checkpointing else None,
            self.evaluation,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the figures and the advice as plain data."""
        return {
            "device": self.device,
            "parts": dict(self.parts),
            "peak": self.peak,
            "evaluation": self.evaluation,
            "metered": dict(self.metered),
            "saved": self.saved,
            "available": self.available,
            "memory_suffices": self.memory_suffices,
            "largest_batch": self.largest_batch(),
            "advice": self.advice(),
            "seconds": round(self.seconds, 3),
        }

    def __repr__(self) -> str:
        parts = ", ".join(
            f"{name} {size(self.metered[name])}" for name in PARTS if self.metered[name]
        )
        free = f"{size(self.available)} free {DEVICES[self.device]}"
        return f"Forecast(peak {size(self.peak)} of {free}; maximum of each part: {parts})"

    def _repr_html_(self) -> str:
        return memory_bar(self.to_dict())


@quiet_loggers()
def forecast(recipe: Recipe, *, device: str | None = None) -> Forecast:
    """Forecast the memory of a recipe's run (imports torch and peft).

    Parameters
    ----------
    recipe : Recipe
    device : {"cpu", "cuda"}, optional
        The device of the run; by default the one that it would use on this machine.

    Returns
    -------
    Forecast
        Bytes by part, the peak, and advice in a sentence.

    Raises
    ------
    RecipeError
        With all problems of the recipe.
    ModelError
        The technique does not work with the base, or its memory cannot be forecast.
    """
    began = time.perf_counter()
    lookup = look_up(recipe)
    facts, table = lookup.facts, lookup.table
    if lookup.problems or facts is None or table is None:
        raise RecipeError(lookup.problems)
    imports.load(*imports.LIBRARIES, "workbench.training.prepare")
    from workbench.training.forecast.dry_run import EVALUATION, METER, TRAINING, DryRun
    from workbench.training.runtime.device_memory import available, device_of

    device = device_of(device)
    resolved = recipe.resolved(facts)
    rows = resolved.per_device_train_batch_size
    try:
        run = DryRun(resolved, facts, table, device)
        peaks = run.peaks(rows)
    except (WorkbenchError, MemoryError):
        raise
    except Exception as error:
        title, first = get(resolved.technique).title, str(error).strip().split("\n")[0]
        raise ModelError(
            f"The memory of {title} on {recipe.model!r} cannot be forecast: "
            f"{type(error).__name__} {first}".rstrip(".")
            + "."
        ) from error
    metered = peaks.pop(METER)
    totals = {phase: sum(parts.values()) for phase, parts in peaks.items()}
    trained = [phase for phase in peaks if phase.startswith(TRAINING)]
    evaluated = [phase for phase in peaks if phase.startswith(EVALUATION)]
    fullest = max(trained or evaluated, key=lambda phase: totals[phase])
    parts = peaks[fullest]

    @functools.cache
    def growth(checkpointing: bool) -> Growth | None:
        technique = get(resolved.technique)
        if not run.trains or (
            checkpointing and not (technique.checkpointable and run.can_checkpoint)
        ):
            return None
        same = checkpointing == resolved.gradient_checkpointing
        changed = {"gradient_checkpointing": checkpointing}
        peaks_here = peaks if same else run.peaks(rows, evaluate=False, **changed)
        peaks_twice = run.peaks(2 * rows, evaluate=False, **changed)
        here, twice = (
            {phase: sum(measured[phase].values()) for phase in trained}
            for measured in (peaks_here, peaks_twice)
        )
        return Growth(rows, here, twice)

    return Forecast(
        recipe=recipe,
        device=device,
        parts=parts,
        peak=totals[fullest],
        evaluation=max(totals[phase] for phase in evaluated),
        metered=metered,
        saved=run.full_precision_bytes - parts["weights"] if resolved.quantization else 0,
        available=available(device),
        seconds=time.perf_counter() - began,
        _growth=growth,
    )
