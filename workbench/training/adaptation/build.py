"""How a technique is put onto a base: the same steps, in the same order, for every caller.

A run has a base with weights, a count its shapes on the meta device, a forecast fake tensors, a
compatibility probe a small base or the user's own, and a run over a plain module that module. They
differ in how tensors are made and in what is set on a model besides the technique; what is done, and in
which order, is here:

1. :func:`adaptation_of` says what the technique means on the base: the arguments of its PEFT config and
   which of the base's parameters it trains;
2. :meth:`Adaptation.private` says which tensors of the base it changes, so that the others are shared;
3. :func:`put_on_clone` clones the base around the shared ones, has the task's settings put into the
   clone, and copies what is trained and still shared;
4. :func:`put_on`, which is enough where only shapes are wanted, initializes the new head and adapts the
   model.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from workbench.registry.technique import Technique
from workbench.training.adaptation import derived_arguments
from workbench.training.adaptation.adapt import (
    adapt,
    config_arguments,
    overwritten_parameters,
    selected_names,
    without_start,
)
from workbench.training.adaptation.base_model import Base, clone, copy_shared_trained
from workbench.training.adaptation.heads import new_head


@dataclass(frozen=True)
class Adaptation:
    """What a technique means on a base, as plain data.

    Parameters
    ----------
    technique : Technique
    config : mapping
        Arguments of its PEFT config, in full and literal; empty where it has none.
    selected : sequence of str
        The base's own parameters that are trained, if some of them are.
    new_parameters : sequence of str
        Newly initialized parameters: the task's head.
    """

    technique: Technique
    config: Mapping[str, Any]
    selected: Sequence[str]
    new_parameters: Sequence[str]

    def private(self, model: torch.nn.Module) -> set[str]:
        """Return the parameters of the base that are changed, if not all of them are."""
        return {*self.new_parameters, *self.selected, *overwritten_parameters(self.config, model)}


def adaptation_of(
    technique: Technique,
    model: torch.nn.Module,
    args: Mapping[str, Any],
    *,
    task_type: str | None,
    new_parameters: Sequence[str] = (),
    head: Sequence[str] | None = None,
    max_steps: int | None,
    rows: Callable[[], list[dict]] = derived_arguments.placeholder_rows,
    complete: Callable[[Mapping[str, Any]], Mapping[str, Any]] = dict,
) -> Adaptation:
    """Return what a technique with these arguments means on a base.

    Parameters
    ----------
    technique : Technique
    model : torch.nn.Module
        The base or its skeleton: only names and shapes are read.
    args : mapping
        The user's arguments.
    task_type, max_steps, rows
        See :func:`workbench.training.adaptation.adapt.config_arguments`.
    new_parameters : sequence of str
        Newly initialized parameters.
    head : sequence of str, optional
        The head's parameters, where they are not initialized anew.
    complete : callable, optional
        Takes the user's arguments and adds those that PEFT cannot read from the base itself.

    Raises
    ------
    RecipeError, ModelError
        The base does not allow what is asked.
    """
    config: dict[str, Any] = {}
    if technique.config is not None:
        config = config_arguments(
            technique,
            model,
            complete(args),
            task_type=task_type,
            new_parameters=new_parameters,
            max_steps=max_steps,
            rows=rows,
        )
    selected = selected_names(technique, model, args, new_parameters if head is None else head)
    return Adaptation(technique, config, selected, new_parameters)


def put_on(
    adaptation: Adaptation,
    model: torch.nn.Module,
    start: Sequence[dict] | None = None,
    *,
    shapes_only: bool = False,
) -> torch.nn.Module:
    """Put a technique onto a model, in place; returns the model to train.

    A new head and the technique's parameters are initialized from torch's default generators.

    Parameters
    ----------
    adaptation : Adaptation
    model : torch.nn.Module
    start : sequence of dict, optional
        Batches for initializations from data; None is for counting only, with PEFT's own
        initialization.
    shapes_only : bool
        Whether no values are wanted: then nothing is initialized from weights or data.
    """
    config = adaptation.config
    if shapes_only:
        config = without_start(config)
    elif adaptation.new_parameters and adaptation.technique.trainable != "nothing":
        new_head(model, adaptation.new_parameters)
    return adapt(model, adaptation.technique, config, adaptation.selected, start)


def put_on_clone(
    adaptation: Adaptation,
    base: Base,
    start: Sequence[dict] | None = None,
    *,
    tell: Callable[[torch.nn.Module], Any] = lambda model: None,
    copies: Collection[str] = (),
) -> torch.nn.Module:
    """Put a technique onto a clone of a base; returns the model to train.

    What is trained, or overwritten by the technique's initialization, is copied; all else is shared.

    Parameters
    ----------
    adaptation, start
        See :func:`put_on`.
    base : Base
    tell : callable, optional
        Takes the clone, and sets what its task and its tokenizer need before anything is put on it.
    copies : collection of str
        Further parameters and buffers to copy.
    """
    private = {*adaptation.private(base.model), *copies}
    trains_all = adaptation.technique.trainable == "all"
    model = clone(base, lambda name: trains_all or name in private)
    if adaptation.technique.trainable != "nothing":
        tell(model)
    return copy_shared_trained(put_on(adaptation, model, start), base)
