"""How many parameters a recipe would train, before anything is loaded or trained.

The model is built on the meta device, where tensors have shapes and no memory, and the technique is
applied to it there: a moment's work for a model of any size.
"""

from __future__ import annotations

import copy
import functools

import torch

from workbench.catalog.fits import task_problems
from workbench.catalog.lookup import find_facts, load_data
from workbench.catalog.tasks import TASKS
from workbench.catalog.techniques import get
from workbench.errors import RecipeError
from workbench.recipe import Recipe
from workbench.training.adapt import (
    adapt,
    config_arguments,
    selected_names,
    without_start,
)
from workbench.training.base import skeleton
from workbench.training.heads import new_parameters
from workbench.training.loading import loading
from workbench.training.meters import count_parameters
from workbench.training.optimizer import make_optimizer, optimizer_facts
from workbench.training.plan import longest


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
        See :func:`workbench.training.meters.count_parameters`.

    Raises
    ------
    RecipeError, ModelError, DataError
        The recipe cannot be carried out.
    """
    recipe = recipe.check().resolved()
    facts = find_facts(recipe)
    problems = task_problems(recipe, facts)
    if problems:
        raise RecipeError(problems)
    longest(recipe, facts.context)
    task, technique = TASKS[recipe.task], get(recipe.technique)
    if task.labels and num_labels is None:
        num_labels = len(load_data(recipe).labels)
    with loading(recipe.model):
        shapes = _shapes(
            facts.path,
            task.auto_class,
            num_labels if task.labels else None,
            recipe.trust_remote_code,
            recipe.convert_conv1d,
        )
    model = copy.deepcopy(shapes).requires_grad_(False)
    # A head for labels is new to every checkpoint; a language model's comes with it.
    fresh = new_parameters(model, facts.path) if task.labels else ()
    config = {}
    if technique.config is not None:
        config = config_arguments(
            technique,
            model,
            recipe.technique_args,
            task_type=task.peft_task_type,
            fresh=fresh,
            max_steps=recipe.max_steps or 1000,  # how long a run is does not change what it trains
        )
    selected = selected_names(technique, model, recipe.technique_args, fresh)
    with torch.device("meta"):
        adapted = adapt(model, technique, without_start(config), selected)
    make_optimizer(optimizer_facts(recipe, technique), adapted)  # some of them freeze parameters
    return count_parameters(adapted, shapes)


@functools.lru_cache(maxsize=4)
def _shapes(
    path: str, auto_class: str, num_labels: int | None, trust: bool, convert: bool
) -> torch.nn.Module:
    return skeleton(path, auto_class, num_labels, trust, convert)
