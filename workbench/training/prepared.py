"""A run that is ready to step, and what every run hands to the training loop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

import torch
import transformers

from workbench.recipe import Recipe
from workbench.registry.technique import Technique
from workbench.training.adaptation.meters import MemoryMeter
from workbench.training.runtime.rng import Randomness


class RunPlan(Protocol):
    """What the plan of every run has: :class:`workbench.training.plan.Plan`, and that of a module's run."""

    @property
    def recipe(self) -> dict[str, Any]:
        """The recipe with everything filled in."""

    @property
    def max_steps(self) -> int:
        """How many optimizer steps the run has."""

    @property
    def fused(self) -> int:
        """How many runs train together in one pass of their base; 0 for one alone."""

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as plain data."""


P = TypeVar("P", bound=RunPlan)


@dataclass
class Prepared(Generic[P]):
    """A run before its first step.

    Parameters
    ----------
    plan : Plan or ModulePlan
    model : torch.nn.Module
        The model to train, in memory of its own for whatever is trained.
    tokenizer : transformers.PreTrainedTokenizerBase or None
        For images their processor; None for a module's run.
    steps : iterator of dict
        Asking for the next event trains one step; see :func:`workbench.training.loop.train`.
    evaluate : callable or None
        Takes a step and returns the events of an evaluation after it; None where the run is nothing else.
    loop_kwargs : dict
        Keyword arguments of the loop; empty where something stands between it and the run.
    randomness : Randomness
        To be entered around each request for an event.
    meter : MemoryMeter
    parameters : dict
        See :func:`workbench.training.adaptation.meters.count_parameters`.
    notes : list of str
        What the user should know, such as rows that were cut.
    initial_state : dict of str to torch.Tensor, or None
        The adapter as it began, where saving needs it.
    largest_batch_step : int
        The step of the first epoch whose batch is the largest.
    shared_resources : tuple
        What others can use too as long as somebody holds it: the base and the encoded rows.
    own_thread_rng : bool
        Whether it may step while others do; see :func:`workbench.training.runtime.rng.may_step_beside`.
    """

    plan: P
    model: torch.nn.Module
    tokenizer: Any
    steps: Iterator[dict]
    evaluate: Callable[[int], Iterator[dict]] | None
    loop_kwargs: dict[str, Any]
    randomness: Randomness
    meter: MemoryMeter
    parameters: dict
    notes: list[str]
    initial_state: dict[str, torch.Tensor] | None
    largest_batch_step: int
    shared_resources: tuple[Any, ...]
    own_thread_rng: bool


def loop_arguments(
    recipe: Recipe,
    technique: Technique,
    model: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    max_steps: int,
) -> dict[str, Any]:
    """Return those arguments of the loop that follow from a recipe alone.

    Parameters
    ----------
    recipe : Recipe
    technique : Technique
    model : torch.nn.Module
        The adapted model, which the technique's ``after_step`` is called with.
    optimizer : torch.optim.Optimizer
        Not yet prepared by an accelerator.
    max_steps : int
    """
    scheduler = transformers.get_scheduler(
        recipe.lr_scheduler_type,
        optimizer,
        num_warmup_steps=recipe.warmup_steps,
        num_training_steps=max_steps,
    )
    after_step = technique.after_step
    return {
        "scheduler": scheduler,
        "max_steps": max_steps,
        "gradient_accumulation_steps": recipe.gradient_accumulation_steps,
        "max_grad_norm": recipe.max_grad_norm,
        "eval_steps": recipe.eval_steps,
        "eval_on_start": recipe.eval_on_start,
        "after_step": partial(after_step.load(), model) if after_step is not None else None,
    }
