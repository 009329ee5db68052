"""What a technique is tried on: the user's base if it is small, else a small one of its kind."""

from __future__ import annotations

import copy
import functools
import shutil
import tempfile
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
import transformers
from transformers import PreTrainedModel

from workbench.errors import ModelError, RecipeError
from workbench.recipe import Recipe
from workbench.registry.tasks import TASKS, Task
from workbench.sources.lookup import find_facts, task_problems
from workbench.training.adaptation.base_model import Base, clone, read_base, skeleton, sums
from workbench.training.adaptation.conv1d import convert_conv1d
from workbench.training.adaptation.heads import head_modules
from workbench.training.adaptation.quantize import stored_quantization
from workbench.training.inspection.compatibility.tiny_config import shrink
from workbench.training.runtime.quiet_loading import loading
from workbench.training.runtime.rng import Randomness
from workbench.training.speedups.labelled_logits import keeps_loss

# Up to so many parameters a base is tried itself: a copy for each technique takes a moment.
SMALL = 30_000_000
LABELS = 2
ROWS, LENGTH = 2, 16


@dataclass(frozen=True)
class TrialModel:
    """A base to try techniques on.

    Parameters
    ----------
    name : str
        The base, as the user gave it.
    model_type : str
        Such as ``gpt2``.
    base : Base
        What techniques are tried on.
    shapes : PreTrainedModel
        The user's own base, or its skeleton: parameters and modules are counted on it.
    task : Task or None
    full_size : bool
        Whether ``base`` is the user's own, and not a small model of its architecture.
    batch : dict of str to torch.Tensor
        Rows with labels: ``input_ids``, ``attention_mask`` and labels for a language model of shape
        (:data:`ROWS`, :data:`LENGTH`).
    """

    name: str
    model_type: str
    base: Base
    shapes: PreTrainedModel
    task: Task | None
    full_size: bool
    batch: dict[str, torch.Tensor]

    @functools.cached_property
    def keeps_loss(self) -> bool:
        """Whether its loss is the same with labelled logits."""
        return keeps_loss(clone(self.base, lambda name: False))


def from_recipe(recipe: Recipe, num_labels: int | None = None) -> TrialModel:
    """Make a trial model of what a recipe names: its base, its task, how the base is stored.

    Parameters
    ----------
    recipe : Recipe
    num_labels : int, optional
        How many labels a new head tells apart; :data:`LABELS` if not given.

    Raises
    ------
    RecipeError, ModelError
        The base cannot be loaded, or cannot do the task.
    """
    facts, task = find_facts(recipe), TASKS[recipe.task]
    if problems := task_problems(recipe, facts):
        raise RecipeError(problems)
    labels = (num_labels or LABELS) if task.labels else None
    trust, convert = recipe.trust_remote_code, recipe.convert_conv1d
    full_size = facts.parameters <= SMALL
    with loading(recipe.model):
        shapes = skeleton(facts.path, task.auto_class, labels, trust, convert)
        path = facts.path if full_size else _save_small(shapes)
        base = _read(path, task, labels, recipe)
    batch = example_batch(base.model, task)
    return TrialModel(recipe.model, facts.model_type, base, shapes, task, full_size, batch)


def from_module(
    model: PreTrainedModel, batch: Mapping[str, Any] | None = None, *, convert: bool = False
) -> TrialModel:
    """Make a trial model of a model in memory, which stays as it is.

    Parameters
    ----------
    model : PreTrainedModel
    batch : mapping, optional
        Rows with labels, as the model takes them; made up if not given.
    convert : bool
        Whether to rewrite Conv1D layers of a copy as Linear ones.
    """
    task = next((task for task in TASKS.values() if is_for(model, task)), None)
    if batch is None:
        if task is None:
            raise ModelError(
                f"batch must be given for {type(model).__name__}, which is for none of the tasks "
                f"{', '.join(TASKS)}: give some rows with labels, as the model takes them."
            )
        batch = example_batch(model, task)
    if convert:
        model = convert_conv1d(copy.deepcopy(model))
    heads = head_modules(model) if task is not None and task.labels else ()
    new_parameters = [name for name, _ in model.named_parameters() if name.split(".")[0] in heads]
    base = Base(model, tuple(new_parameters), heads, False, sums(model))
    name, model_type = type(model).__name__, model.config.model_type
    return TrialModel(name, model_type, base, model, task, True, dict(batch))


def is_for(model: torch.nn.Module, task: Task) -> bool:
    """Tell whether a model is of the class that a task loads."""
    classes = getattr(transformers, task.auto_class)._model_mapping
    config: type = type(model.config)
    return config in classes and classes[config] is type(model)


def _save_small(shapes: PreTrainedModel) -> str:
    """Save a small model of random weights of the same architecture, and return where."""
    folder = tempfile.mkdtemp()
    # LoftQ reads the weights from disk again, so they stay for as long as the trial model may.
    weakref.finalize(shapes, shutil.rmtree, folder, ignore_errors=True)
    config = shrink(shapes.config)
    if stored_quantization(config) is not None:
        # Its weights are stored as the recipe says when it is loaded.
        del config.quantization_config
    with Randomness(0):
        model = type(shapes)(config)
    model.save_pretrained(folder)
    return folder


def _read(path: str, task: Task, labels: int | None, recipe: Recipe) -> Base:
    return read_base(
        path,
        task.auto_class,
        labels,
        recipe.quantization,
        recipe.trust_remote_code,
        recipe.convert_conv1d,
        "cpu",
        recipe.model,
    )


def example_batch(model: torch.nn.Module, task: Task) -> dict[str, torch.Tensor]:
    """Make up rows with labels, the same each time."""
    generator = torch.Generator().manual_seed(0)
    config: Any = model.config  # its fields depend on the architecture
    labels = torch.arange(ROWS) % config.num_labels
    if model.main_input_name == "pixel_values":
        size = config.image_size
        height, width = size if isinstance(size, list | tuple) else (size, size)
        shape = (ROWS, config.num_channels, height, width)
        return {"pixel_values": torch.randn(shape, generator=generator), "labels": labels}
    vocabulary = config.get_text_config().vocab_size
    ids = torch.randint(vocabulary, (ROWS, LENGTH), generator=generator)
    ids[:, LENGTH // 2 - 1] = vocabulary // 2  # prompts, the first halves, end with the same token
    batch = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    if task.labels == "label":
        return {**batch, "labels": labels}
    return {**batch, "labels": ids % config.num_labels if task.labels else ids.clone()}
