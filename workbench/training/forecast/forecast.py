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
    """The memory that a recipe's run will need, in bytes.

    It is the allocator's: a process on a CPU holds up to half as much again besides. Answers that an
    evaluation generates are not in it, and ``torch_compile`` is taken to change nothing.

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
        The most that is alive while a batch is evaluated.
    metered : dict of str to int
        What a run's own meter will count: its weights, all its gradients, the optimizer's state and
        what autograd keeps, which do not all reach their most at one moment.
    saved : int
        What storing the base in fewer bits saves.
    available : int
        What the device has left now.
    seconds : float
        How long the forecast took.

    Examples
    --------
    >>> told = forecast(Recipe(technique="lora", max_steps=10))
    >>> told.peak == sum(told.parts.values()), told.memory_suffices
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
        """The most that the run needs, in training or in evaluation."""
        return max(self.peak, self.evaluation)

    @property
    def memory_suffices(self) -> bool:
        """Whether the device has that much."""
        return self.needed <= self.available

    def largest_batch(
        self, available: int | None = None, *, gradient_checkpointing: bool | None = None
    ) -> int:
        """Return the largest batch that fits, a power of two; 0 if none does.

        Parameters
        ----------
        available : int, optional
            Bytes; those that the device has left if not given.
        gradient_checkpointing : bool, optional
            Whether with it; as the recipe says if not given.
        """
        own = self.recipe.gradient_checkpointing
        growth = self._growth(own if gradient_checkpointing is None else gradient_checkpointing)
        return growth.largest(self.available if available is None else available) if growth else 0

    def advice(self, available: int | None = None) -> str:
        """Say whether it fits, and what would, such as another batch or gradient checkpointing.

        Parameters
        ----------
        available : int, optional
            Bytes; those that the device has left if not given.
        """
        available = self.available if available is None else available
        own = self.recipe.gradient_checkpointing
        plain = self._growth(own)
        if plain is None:
            word = "Fits" if self.peak <= available else "Does not fit"
            return f"{word}: an evaluation needs {size(self.peak)} of {size(available)}."
        # Only where there is need of it: it costs another dry run.
        near = plain.largest(available) < 2 * self.recipe.per_device_train_batch_size
        return advise(
            self.recipe.per_device_train_batch_size,
            self.peak,
            available,
            plain,
            self._growth(True) if near and not own else None,
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
        parts = ", ".join(f"{name} {size(self.parts[name])}" for name in PARTS if self.parts[name])
        return f"Forecast({size(self.peak)} of {size(self.available)} on {self.device}: {parts})"

    def _repr_html_(self) -> str:
        from workbench.display.memory_bar import memory_bar

        return memory_bar(self.to_dict())


@quiet_loggers()
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
    ModelError
        The technique does not fit the base.
    """
    began = time.perf_counter()
    found = look_up(recipe)
    if found.problems or found.facts is None or found.table is None:
        raise RecipeError(found.problems)
    imports.load(*imports.LIBRARIES, "workbench.training.prepare")
    from workbench.training.forecast.dry_run import EVALUATION, METER, TRAINING, DryRun
    from workbench.training.runtime.device_memory import available, device_of

    device = device_of(device)
    resolved = recipe.resolved(found.facts.quantization)
    rows = resolved.per_device_train_batch_size
    try:
        run = DryRun(resolved, found.facts, found.table, device)
        peaks = run.peaks(rows)
    except (WorkbenchError, MemoryError):
        raise
    except Exception as error:
        title, first = get(resolved.technique).title, str(error).strip().split("\n")[0]
        raise ModelError(
            f"The memory of {title} on {recipe.model!r} cannot be foretold: {type(error).__name__} "
            f"{first}".rstrip(".")
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
        if not run.trains or (checkpointing and not (technique.checkpointable and run.recomputes)):
            return None
        same = checkpointing == resolved.gradient_checkpointing
        changed = {"gradient_checkpointing": checkpointing}
        few = peaks if same else run.peaks(rows, whole=False, **changed)
        many = run.peaks(2 * rows, whole=False, **changed)
        return Growth(
            rows, *({phase: sum(one[phase].values()) for phase in trained} for one in (few, many))
        )

    return Forecast(
        recipe=recipe,
        device=device,
        parts=parts,
        peak=totals[fullest],
        evaluation=max(totals[phase] for phase in evaluated),
        metered=metered,
        saved=run.whole - parts["weights"] if resolved.quantization else 0,
        available=available(device),
        seconds=time.perf_counter() - began,
        _growth=growth,
    )
