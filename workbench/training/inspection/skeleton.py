"""How many parameters a recipe would train, before anything is loaded or trained.

The model is built on the meta device, where tensors have shapes and no memory, and the technique is
applied to it there: a moment's work for a model of any size.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence

import torch
from transformers import PreTrainedModel

from workbench.errors import RecipeError
from workbench.recipe import Recipe
from workbench.registry.tasks import TASKS
from workbench.registry.techniques import get
from workbench.sources.datasets.load import Table
from workbench.sources.lookup import find_facts, load_data, task_problems
from workbench.training.adaptation.base_model import shared_skeleton
from workbench.training.adaptation.build import Adaptation, adaptation_of, put_on
from workbench.training.adaptation.heads import find_new_parameters
from workbench.training.adaptation.meters import count_parameters
from workbench.training.adaptation.optimizer import make_optimizer, optimizer_facts
from workbench.training.adaptation.refusals import in_words
from workbench.training.inputs.limits import START_ROWS, choose_rows, token_limit
from workbench.training.inputs.task_inputs import TaskInputs
from workbench.training.runtime.quiet_loading import loading, quiet_thread
from workbench.training.runtime.rng import Randomness


def count(recipe: Recipe, data: Callable[[Recipe], Table] = load_data) -> dict[str, int]:
    """Count the parameters that a recipe would train.

    Parameters
    ----------
    recipe : Recipe
    data : callable, optional
        Reads a recipe's data, or has it read already. It is called only where the shapes depend on the
        data: for the number of labels, or for arguments that are derived from training rows.

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
    shapes, new_parameters = shapes_of(recipe, data)
    adapted, _ = adapt_shapes(
        recipe, copy.deepcopy(shapes), new_parameters, first_rows(recipe, data)
    )
    return count_parameters(adapted, shapes)


def shapes_of(
    recipe: Recipe, data: Callable[[Recipe], Table] = load_data
) -> tuple[PreTrainedModel, tuple[str, ...]]:
    """Return a recipe's base on the meta device, to be copied, and its new parameters.

    Parameters
    ----------
    recipe : Recipe
        A resolved one.
    data : callable, optional
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
    token_limit(recipe, facts.context)
    task, technique = TASKS[recipe.task], get(recipe.technique)
    adds_head = technique.adds_head(task)
    num_labels = len(data(recipe).labels) if adds_head else None
    with loading(recipe.model):
        shapes = shared_skeleton(
            facts.path,
            technique.auto_class(task),
            num_labels,
            recipe.trust_remote_code,
            recipe.convert_conv1d,
            facts.fingerprint,
        )
    # A head for labels is new to every checkpoint; a language model's comes with it.
    return shapes, find_new_parameters(shapes, facts.path) if adds_head else ()


def adapt_shapes(
    recipe: Recipe,
    model: PreTrainedModel,
    new_parameters: Sequence[str],
    rows: Callable[[], list[dict]] | None = None,
) -> tuple[torch.nn.Module, Adaptation]:
    """Apply a resolved recipe's technique to a skeleton, in place.

    Parameters
    ----------
    recipe : Recipe
    model : PreTrainedModel
        A base on the meta device; changed.
    new_parameters : sequence of str
        Names of its newly initialised parameters.
    rows : callable, optional
        Returns the first training rows, encoded; see :func:`first_rows`, the default.

    Returns
    -------
    tuple
        The adapted model, and what the technique means on it.
    """
    task, technique = TASKS[recipe.task], get(recipe.technique)
    device = "cpu" if technique.needs_weights else "meta"
    if technique.needs_weights:
        model = _with_weights(model)
    model.requires_grad_(False)
    adaptation = adaptation_of(
        technique,
        model,
        recipe.technique_args,
        task_type=task.peft_task_type,
        new_parameters=new_parameters,
        max_steps=recipe.max_steps or 1000,  # how long a run is does not change what it trains
        rows=rows or first_rows(recipe),
    )
    with in_words(technique, model), torch.device(device), Randomness(0), quiet_thread():
        adapted = put_on(adaptation, model, shapes_only=True)
    if technique.trainable != "nothing":
        make_optimizer(optimizer_facts(recipe, technique), adapted)  # some freeze parameters
    return adapted, adaptation


def _with_weights(model: PreTrainedModel) -> PreTrainedModel:
    """Give a skeleton weights drawn at random."""
    model = model.to_empty(device="cpu")
    with Randomness(0), torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0.0, 0.02)
    model.tie_weights()
    return model


def first_rows(
    recipe: Recipe, data: Callable[[Recipe], Table] = load_data
) -> Callable[[], list[dict]]:
    """Return a function that encodes a recipe's first training rows, as a run does.

    Parameters
    ----------
    recipe : Recipe
        A resolved one.
    data : callable, optional
        As in :func:`count`; called when the rows are asked for, which few techniques do.
    """

    def encode() -> list[dict]:
        table = data(recipe)
        inputs = TaskInputs.of(recipe, find_facts(recipe), table)
        return inputs.encode(choose_rows(recipe, table)[0][:START_ROWS])

    return encode
