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
from workbench.training.adaptation import derived_arguments, target_modules
from workbench.training.adaptation.argument_limits import check_bounds, check_depth
from workbench.training.adaptation.heads import new_modules
from workbench.training.adaptation.initializers import takes_rows
from workbench.training.adaptation.module_names import check_names
from workbench.training.adaptation.running_stats import keep_statistics


def config_arguments(
    technique: Technique,
    model: torch.nn.Module,
    args: Mapping[str, Any],
    *,
    task_type: str | None,
    new_parameters: Sequence[str],
    max_steps: int,
    rows: Callable[[], list[dict]] = derived_arguments.stand_in,
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
        Names of parameters that are drawn anew: they must be trained and saved too.
    max_steps : int
        Steps of the run.
    rows : callable, optional
        Returns the first training rows, encoded: some arguments follow from them.

    Raises
    ------
    RecipeError, ModelError
        The base does not allow what is asked.
    """
    check_names(model, args)
    elsewhere = own_arguments(optimizer_function(technique))
    full: dict[str, Any] = {} if task_type is None else {"task_type": task_type}
    for name, value in [*technique.fixed.items(), *args.items()]:
        outer, _, inner = name.partition(".")
        if isinstance(value, Mapping) and not inner:
            full[name] = dict(value)
        elif inner:
            full[outer] = {**full.get(outer, {}), inner: value}
        elif name not in elsewhere:
            full[name] = value
    if technique.target_finder and full.get("target_modules") is None:
        full.update(technique.target_finder.load()(model))
    for name, derive in technique.derived.items():
        outer, _, inner = name.rpartition(".")
        within = full[outer] if outer else full
        if within.get(inner) is None:
            known = derived_arguments.Known(model, max_steps, full, rows)
            value = derive.load()(known)
            if value is not None:
                within[inner] = value
    check_bounds(technique, model, full)
    new = new_modules(model, new_parameters)
    if new:
        if "modules_to_save" not in {spec.name for spec in fields(config_class(technique.name))}:
            allowed = "one that can train a new head in addition to its adapter"
            raise RecipeError([Problem("technique", allowed, technique.name)])
        full["modules_to_save"] = sorted(new | set(full.get("modules_to_save") or ()))
    return full


def selected_names(
    technique: Technique,
    model: torch.nn.Module,
    args: Mapping[str, Any],
    new_parameters: Sequence[str],
) -> list[str]:
    """Return which of the base's parameters a selective technique trains.

    Raises
    ------
    ModelError
        The model has nothing of that kind.
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
            f"{type(model).__name__}, which has no {technique.selection}: choose another one."
        )
    return names


def rewritten(config: Mapping[str, Any], model: torch.nn.Module) -> set[str]:
    """Return the parameters that a PEFT config's start writes into."""
    if not writes_base(config):
        return set()
    return {
        name
        for name, _ in model.named_parameters()
        if target_modules.matches(name.rpartition(".")[0], config["target_modules"])
    }


def without_start(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a config that injects the same parameters without looking at weights or data."""
    plain = dict(config)
    start = plain.get("init_lora_weights")
    if starts_specially(start):
        plain["init_lora_weights"] = True
        for name in ("eva_config", "corda_config", "lora_ga_config", "loftq_config"):
            plain.pop(name, None)
    # Starting from words of the vocabulary needs weights too.
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

    Running statistics move where all is trained, and else only in layers that are trained whole.

    Parameters
    ----------
    config : mapping
        Arguments of the PEFT config, if the technique has one.
    selected : iterable of str
        The parameters to train, if the technique trains some of the base's own.
    batches : sequence of dict, optional
        For starts that are made from data; None counts only, with PEFT's plain start.
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
    made = config_class(technique.name)(**copy.deepcopy(dict(config)))
    if batches is None and technique.plain_shapes:
        adapted = peft.get_peft_model(model, made)
    else:
        given = [batches] if takes_rows(technique.initializer) else []
        adapted = technique.initializer.load()(model, made, *given)
    if technique.forward_hook is not None:
        technique.forward_hook.load()(adapted)
    keep_statistics(adapted)
    return _wrapping(technique, adapted)


def _wrapping(technique: Technique, adapted: torch.nn.Module) -> torch.nn.Module:
    """Refuse a model in which nothing was wrapped, which some types of PEFT pass over in silence."""
    if technique.target_finder and not any(
        isinstance(one, BaseTunerLayer) for one in adapted.modules()
    ):
        kind = type(adapted.get_base_model()).__name__
        raise ModelError(
            f"target_modules must name layers that {technique.title} can wrap, but it wraps none of "
            f"{kind}'s: name others."
        )
    return adapted
