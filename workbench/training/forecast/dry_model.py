"""An adapted model on fake tensors, with the memory that is taken before the run begins."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from transformers import PreTrainedModel

from workbench.errors import ModelError
from workbench.recipe import Recipe
from workbench.registry.tasks import TASKS
from workbench.registry.techniques import get
from workbench.training.adaptation.build import Adaptation
from workbench.training.adaptation.quantize import (
    extra_tensors,
    plain_tensors,
    quantization_config_of,
)
from workbench.training.adaptation.refusals import Refusal
from workbench.training.adaptation.running_stats import moving_statistics
from workbench.training.forecast.fake_model import (
    CpuLayout,
    ExpertProducts,
    Faker,
    pack,
    with_packed_layers,
)
from workbench.training.forecast.largest_batches import LargestBatches
from workbench.training.forecast.torch_internals import FakeTensorMode
from workbench.training.forecast.tracker import Live
from workbench.training.inputs.limits import counts_positions
from workbench.training.inspection.skeleton import adapt_shapes
from workbench.training.runtime.quiet_loading import quiet_transformers
from workbench.training.speedups.apply import set_up
from workbench.training.speedups.settings import use_mask_positions

# Some initializers look at weights: for so many parameters weights can be made up.
MOST_WEIGHTS = 200_000_000


@dataclass(frozen=True)
class DryModel:
    """An adapted model on fake tensors.

    Parameters
    ----------
    model : torch.nn.Module
    mode : FakeTensorMode
        What its tensors belong to: whatever is computed with them is computed in it.
    tensors : dict of str to list of torch.Tensor
        What is in memory before the run begins, by kind: the base's ``weights``, and ``adapters``, what
        is injected together with the run's own copies of what it changes in the base.
    config : mapping
        The PEFT config's fields.
    """

    model: torch.nn.Module
    mode: FakeTensorMode
    tensors: dict[str, list[torch.Tensor]]
    config: Mapping[str, Any]


def make_dry_model(
    recipe: Recipe,
    shapes: PreTrainedModel,
    new_parameters: tuple[str, ...],
    batches: LargestBatches,
    device: str,
    *,
    labelled_logits: bool,
    check: Callable[[torch.nn.Module], None],
) -> DryModel:
    """Apply a recipe's technique to a skeleton as a run does, and put fake tensors into it.

    Parameters
    ----------
    recipe : Recipe
        A resolved one.
    shapes : PreTrainedModel
        The base on the meta device; it stays as it is.
    new_parameters : tuple of str
        Its parameters that are drawn anew.
    batches : LargestBatches
    device : {"cpu", "cuda"}
    labelled_logits : bool
        Whether logits are computed for labelled positions only.
    check : callable
        Called with the adapted model while it is still on the meta device; it may raise.

    Raises
    ------
    ModelError
        The technique looks at weights that cannot be made up.
    """
    technique = get(recipe.technique)
    trains = technique.trainable != "nothing"
    count = sum(parameter.numel() for parameter in shapes.parameters())
    if technique.needs_weights and count > MOST_WEIGHTS:
        raise ModelError(
            f"The memory of {technique.title} cannot be forecast on {recipe.model!r}: its "
            "initialization reads weights, and this base has too many to simulate them."
        )
    model = copy.deepcopy(shapes)
    stored: Any = None
    packed_layers: list[tuple[torch.nn.Linear, torch.Tensor]] = []
    if recipe.quantization:
        stored = quantization_config_of(model, recipe.quantization, new_parameters)
        model, packed_layers = with_packed_layers(model, stored)
    names = _tensor_names(model)
    adapted, adaptation = _adapt(recipe, model, new_parameters, batches, device)
    check(adapted)
    if TASKS[recipe.task].reads_last_token(batches.padding_side):
        model.config.pad_token_id = batches.inputs.processor.pad_token_id
    if counts_positions(recipe, shapes):
        use_mask_positions(adapted)
    mode = FakeTensorMode(allow_non_fake_inputs=True)
    faker = Faker(mode, device)
    if stored is not None:
        pack(packed_layers, stored, faker)
    fake_tensors = faker.model(adapted)
    # Compiling changes what is alive too, in ways that only compiling shows.
    set_up(recipe.replace(torch_compile=False), adapted, labelled_logits=labelled_logits)
    if trains:
        _initialize(adapted, mode, batches, recipe, adaptation.config)
    changed = {*moving_statistics(shapes), *(adaptation.private(shapes) if trains else ())}
    tensors = _by_kind(adapted, mode, names, changed)
    # What a technique keeps elsewhere than in parameters and buffers is the adapter's.
    storages = {part.untyped_storage()._cdata for parts in tensors.values() for part in parts}
    tensors["adapters"] += [
        part
        for tensor in fake_tensors
        for part in plain_tensors(tensor)
        if part.untyped_storage()._cdata not in storages
    ]
    return DryModel(adapted, mode, tensors, adaptation.config)


def _adapt(
    recipe: Recipe,
    model: PreTrainedModel,
    new_parameters: tuple[str, ...],
    batches: LargestBatches,
    device: str,
) -> tuple[torch.nn.Module, Adaptation]:
    technique = get(recipe.technique)
    layout = CpuLayout() if device == "cpu" else contextlib.nullcontext()
    try:
        with layout:
            return adapt_shapes(recipe, model, new_parameters, batches.start_rows)
    except Refusal as error:
        if recipe.quantization is None:
            raise
        raise ModelError(
            f"The memory of {technique.title} with quantization={recipe.quantization!r} "
            "cannot be forecast: its initialization reads quantized weights."
        ) from error


def _initialize(
    model: torch.nn.Module,
    mode: FakeTensorMode,
    batches: LargestBatches,
    recipe: Recipe,
    config: Mapping[str, Any],
) -> None:
    """Do what some techniques leave to the first forward pass, which is no part of a usual step."""
    with mode, ExpertProducts(), Live(), torch.no_grad(), quiet_transformers():
        model(**batches.batch("train", recipe.per_device_train_batch_size, config))


def _by_kind(
    model: torch.nn.Module,
    mode: FakeTensorMode,
    names: Mapping[tuple[int, str], str],
    changed: set[str],
) -> dict[str, list[torch.Tensor]]:
    """Divide a model's tensors into the base's and the run's own.

    Parameters
    ----------
    model : torch.nn.Module
    mode : FakeTensorMode
    names : mapping
        The base's tensors; see :func:`_tensor_names`.
    changed : set of str
        Those of them that the run changes: it has copies, beside which the base's stay in memory.
    """
    weights: list[torch.Tensor] = [*extra_tensors(model)]
    adapters: list[torch.Tensor] = []
    for module in model.modules():
        for attribute, tensor in (*module._parameters.items(), *module._buffers.items()):
            if tensor is None:
                continue
            name = names.get((id(module), attribute))
            if name is not None and name not in changed and not tensor.requires_grad:
                weights.append(tensor)
                continue
            adapters.append(tensor)
            if name is not None:
                with mode:
                    weights.append(torch.empty_like(tensor))
    return {
        "weights": [part for tensor in weights for part in plain_tensors(tensor)],
        "adapters": [part for tensor in adapters for part in plain_tensors(tensor)],
    }


def _tensor_names(model: torch.nn.Module) -> dict[tuple[int, str], str]:
    """Return the name of each parameter and buffer, by the id of its module and its attribute."""
    return {
        (id(module), attribute): f"{path}.{attribute}" if path else attribute
        for path, module in model.named_modules()
        for attribute in (*module._parameters, *module._buffers)
    }
