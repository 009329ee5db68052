"""From a base to a model in which a technique's parameters, and no others, are trained."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any

import peft
import torch
from peft.tuners.tuners_utils import BaseTunerLayer

from workbench.errors import ModelError, Problem, RecipeError
from workbench.registry.technique import Technique, starts_specially, writes_base
from workbench.registry.techniques import (
    config_class,
    optimizer_function,
    own_arguments,
    select_function,
)
from workbench.training.adaptation import derived_arguments
from workbench.training.adaptation.argument_limits import check_bounds, check_depth
from workbench.training.adaptation.heads import new_modules
from workbench.training.adaptation.initializers import takes_batches
from workbench.training.adaptation.module_names import check_names, targeted_modules
from workbench.training.adaptation.running_stats import keep_statistics
from workbench.training.adaptation.wrapping import unwrapped


def config_arguments(
    technique: Technique,
    model: torch.nn.Module,
    args: Mapping[str, Any],
    *,
    task_type: str | None,
    new_parameters: Sequence[str],
    max_steps: int | None,
    rows: Callable[[], list[dict]] = derived_arguments.placeholder_rows,
) -> dict[str, Any]:
    """Return the arguments of the technique's PEFT config, in full and literal.

    Parameters
    ----------
    technique : Technique
        One that has a PEFT config.
    model : torch.nn.Module
        The base, or its skeleton: only names and shapes are read.
    args : mapping
        The user's arguments.
    task_type : str or None
        PEFT's ``TaskType``, where it has one for the task.
    new_parameters : sequence of str
        Names of newly initialized parameters, which must be trained and saved too.
    max_steps : int or None
        Steps of the run, where they are known.
    rows : callable, optional
        Returns the first training rows, encoded: some arguments follow from them.

    Raises
    ------
    RecipeError, ModelError
        The base does not allow what is asked.
    """
    check_names(model, args)
    config: dict[str, Any] = {} if task_type is None else {"task_type": task_type}
    config.update(_given_arguments(technique, args))
    if technique.target_finder and config.get("target_modules") is None:
        config.update(technique.target_finder.load()(model))
    for name, derive in technique.derived.items():
        outer, _, inner = name.rpartition(".")
        within = config[outer] if outer else config
        if within.get(inner) is None:
            run = derived_arguments.RunFacts(model, max_steps, config, rows)
            value = derive.load()(run)
            if value is not None:
                within[inner] = value
    check_bounds(technique, model, config)
    head = new_modules(model, new_parameters)
    if head:
        if "modules_to_save" not in {spec.name for spec in fields(config_class(technique.name))}:
            allowed = "one that can train a new head in addition to its adapter"
            raise RecipeError([Problem("technique", allowed, technique.name)])
        config["modules_to_save"] = sorted(head | set(config.get("modules_to_save") or ()))
    return config


def _given_arguments(technique: Technique, args: Mapping[str, Any]) -> dict[str, Any]:
    """Return the technique's and the user's arguments; ``outer.inner`` is one of a config within."""
    of_optimizer = own_arguments(optimizer_function(technique))
    config: dict[str, Any] = {}
    for name, value in [*technique.fixed.items(), *args.items()]:
        outer, _, inner = name.partition(".")
        if isinstance(value, Mapping) and not inner:
            config[name] = dict(value)
        elif inner:
            config[outer] = {**config.get(outer, {}), inner: value}
        elif name not in of_optimizer:
            config[name] = value
    return config


def selected_names(
    technique: Technique,
    model: torch.nn.Module,
    args: Mapping[str, Any],
    new_parameters: Sequence[str],
) -> list[str]:
    """Return the base's parameters that a selective technique trains, by name.

    Raises
    ------
    ModelError
        The model has no such parameter.
    """
    select = select_function(technique)
    if select is None:
        return []
    if "num_layers" in args:
        check_depth(model, args["num_layers"])
    names = select(model, new_parameters, **args)
    if not technique.head_only and set(names) <= set(new_parameters):
        raise ModelError(
            f"technique must find parameters to train, but {technique.title} finds none in "
            f"{type(model).__name__}, which has no {technique.selection}: choose another technique."
        )
    return names


def overwritten_parameters(config: Mapping[str, Any], model: torch.nn.Module) -> set[str]:
    """Return the base's parameters into which the initialization of a PEFT config writes."""
    if not writes_base(config):
        return set()
    targets = targeted_modules(model, config)
    return {name for name, _ in model.named_parameters() if name.rpartition(".")[0] in targets}


def without_start(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a config that injects the same parameters, initialized from neither weights nor data."""
    plain = dict(config)
    if starts_specially(plain.get("init_lora_weights")):
        plain["init_lora_weights"] = True
        for name in ("eva_config", "corda_config", "lora_ga_config", "loftq_config"):
            plain.pop(name, None)
    # The embeddings of tokens are weights too.
    if "prompt_tuning_init" in plain:
        plain["prompt_tuning_init"] = "RANDOM"
    return plain


def adapt(
    model: torch.nn.Module,
    technique: Technique,
    config: Mapping[str, Any],
    selected: Iterable[str],
    batches: Sequence[dict] | None = None,
) -> torch.nn.Module:
    """Make the technique's parameters the trained ones; returns the model to train.

    Running statistics move where everything is trained, and else only in layers all of whose
    parameters are.

    Parameters
    ----------
    model : torch.nn.Module
        The base, which is changed.
    technique : Technique
    config : mapping
        Arguments of the PEFT config, if the technique has one.
    selected : iterable of str
        The parameters to train, if the technique trains some of the base's own.
    batches : sequence of dict, optional
        For initializations from data; None is for counting only, with PEFT's own initialization.
    """
    if technique.trainable == "nothing":
        return model
    if technique.trainable == "all":
        return model.requires_grad_(True)
    if technique.trainable == "selected":
        chosen = set(selected)
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(name in chosen)
        keep_statistics(model)
        return model
    # PEFT writes into the lists of its configs, and these are the plan's.
    peft_config = config_class(technique.name)(**copy.deepcopy(dict(config)))
    if batches is None and technique.plain_shapes:
        adapted = peft.get_peft_model(model, peft_config)
    else:
        data = [batches] if takes_batches(technique.initializer) else []
        adapted = technique.initializer.load()(model, peft_config, *data)
    if technique.forward_hook is not None:
        technique.forward_hook.load()(adapted)
    keep_statistics(adapted)
    _check_wrapped(technique, adapted)
    return adapted


def _check_wrapped(technique: Technique, adapted: torch.nn.Module) -> None:
    """Refuse a model in which nothing was wrapped, of which some types of PEFT say nothing."""
    if technique.target_finder and not any(
        isinstance(module, BaseTunerLayer) for module in adapted.modules()
    ):
        name = type(unwrapped(adapted)).__name__
        raise ModelError(
            f"target_modules must name layers that {technique.title} can wrap, but it wraps none of "
            f"{name}'s: name others."
        )
