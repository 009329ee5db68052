"""How many parameters a recipe would train, before anything is loaded or trained.

The model is built on the meta device, where tensors have shapes and no memory, and the technique is
applied to it there: a moment's work for a model of any size.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Sequence
from typing import Any

import torch

from workbench.errors import RecipeError
from workbench.recipe import Recipe
from workbench.registry.tasks import TASKS
from workbench.registry.techniques import get
from workbench.sources.lookup import find_facts, load_data, task_problems
from workbench.sources.models.fingerprint import Fingerprint
from workbench.training.adaptation.adapt import (
    adapt,
    config_arguments,
    selected_names,
    without_start,
)
from workbench.training.adaptation.base_model import skeleton
from workbench.training.adaptation.heads import new_parameters
from workbench.training.adaptation.meters import count_parameters
from workbench.training.adaptation.optimizer import make_optimizer, optimizer_facts
from workbench.training.adaptation.refusals import in_words
from workbench.training.inputs.limits import START_ROWS, choose_rows, longest
from workbench.training.inputs.task_inputs import TaskInputs
from workbench.training.runtime.quiet_loading import loading, quiet_thread
from workbench.training.runtime.rng import Randomness


def count(recipe: Recipe, num_labels: int | None = None) -> dict:
    """Count the parameters that a recipe would train.

    Parameters
    ----------
    recipe : Recipe
    num_labels : int, optional
        Labels of a classification; read from the recipe's data if not given.

    Returns
    -------
    dict
        See :func:`workbench.training.adaptation.meters.count_parameters`.

    Raises
    ------
    RecipeError, ModelError, DataError
        The recipe cannot be carried out.
    """
    recipe = recipe.check().resolved()
    shapes, fresh = shapes_of(recipe, num_labels)
    adapted, _ = adapt_shapes(recipe, copy.deepcopy(shapes), fresh)
    return count_parameters(adapted, shapes)


def shapes_of(
    recipe: Recipe, num_labels: int | None = None
) -> tuple[torch.nn.Module, tuple[str, ...]]:
    """Return a recipe's base on the meta device, to be copied, and its new parameters.

    Parameters
    ----------
    recipe : Recipe
        A resolved one.
    num_labels : int, optional
        As in :func:`count`.

    Raises
    ------
    RecipeError, ModelError, DataError
        The base does not suit the task, or cannot hold what the recipe asks for.
    """
    facts = find_facts(recipe)
    problems = task_problems(recipe, facts)
    if problems:
        raise RecipeError(problems)
    longest(recipe, facts.context)
    task, technique = TASKS[recipe.task], get(recipe.technique)
    adds_head = technique.adds_head(task)
    if adds_head and num_labels is None:
        num_labels = len(load_data(recipe).labels)
    with loading(recipe.model):
        shapes = _shapes(
            facts.path,
            technique.auto_class(task),
            num_labels if adds_head else None,
            recipe.trust_remote_code,
            recipe.convert_conv1d,
            facts.fingerprint,
        )
    # A head for labels is new to every checkpoint; a language model's comes with it.
    return shapes, new_parameters(shapes, facts.path) if adds_head else ()


def adapt_shapes(
    recipe: Recipe,
    model: torch.nn.Module,
    fresh: Sequence[str],
    rows: Callable[[], list[dict]] | None = None,
) -> tuple[torch.nn.Module, dict[str, Any]]:
    """Apply a resolved recipe's technique to a skeleton, in place.

    Parameters
    ----------
    recipe : Recipe
    model : torch.nn.Module
    fresh : sequence of str
        Names of parameters that are drawn anew.
    rows : callable, optional
        Returns the first training rows, encoded; None takes them from the recipe's data.

    Returns
    -------
    tuple
        The adapted model, and the arguments of the technique's PEFT config in full.
    """
    task, technique = TASKS[recipe.task], get(recipe.technique)
    device = "cpu" if technique.weighs else "meta"
    if technique.weighs:
        model = _with_weights(model)
    model.requires_grad_(False)
    config = {}
    if technique.config is not None:
        config = config_arguments(
            technique,
            model,
            recipe.technique_args,
            task_type=task.peft_task_type,
            fresh=fresh,
            max_steps=recipe.max_steps or 1000,  # how long a run is does not change what it trains
            rows=rows or (lambda: _rows(recipe)),
        )
    selected = selected_names(technique, model, recipe.technique_args, fresh)
    with in_words(technique, model), torch.device(device), Randomness(0), quiet_thread():
        adapted = adapt(model, technique, without_start(config), selected)
    if technique.trains != "nothing":
        make_optimizer(optimizer_facts(recipe, technique), adapted)  # some freeze parameters
    return adapted, config


def _with_weights(model: torch.nn.Module) -> torch.nn.Module:
    """Give a skeleton weights drawn at random."""
    model = model.to_empty(device="cpu")
    with Randomness(0), torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0.0, 0.02)
    model.tie_weights()
    return model


def _rows(recipe: Recipe) -> list[dict]:
    """Encode a recipe's first training rows, as a run does."""
    table = load_data(recipe)
    inputs = TaskInputs.of(recipe, find_facts(recipe), table)
    return inputs.encode(choose_rows(recipe, table)[0][:START_ROWS])


@functools.lru_cache(maxsize=4)
def _shapes(
    path: str,
    auto_class: str,
    num_labels: int | None,
    trust: bool,
    convert: bool,
    files: Fingerprint,  # so that shapes are built anew when the folder has changed
) -> torch.nn.Module:
    return skeleton(path, auto_class, num_labels, trust, convert)
