"""A run that is ready to step, with all that its owner asks it for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch

from workbench.training.adaptation.meters import MemoryMeter
from workbench.training.plan import Plan
from workbench.training.runtime.rng import Randomness


@dataclass
class Prepared:
    """A run before its first step.

    Parameters
    ----------
    plan : Plan
    model : torch.nn.Module
        The model to train, in memory of its own for whatever is trained.
    tokenizer : transformers.PreTrainedTokenizerBase
        For images their processor.
    steps : iterator of dict
        Asking for the next event trains one step; see :func:`workbench.training.loop.train`.
    loop_kwargs : dict
        What the loop was given, by name; empty where something stands between it and the run.
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

    plan: Plan
    model: torch.nn.Module
    tokenizer: Any
    steps: Iterator[dict]
    loop_kwargs: dict[str, Any]
    randomness: Randomness
    meter: MemoryMeter
    parameters: dict
    notes: list[str]
    initial_state: dict[str, torch.Tensor] | None
    largest_batch_step: int
    shared_resources: tuple[Any, ...]
    own_thread_rng: bool
