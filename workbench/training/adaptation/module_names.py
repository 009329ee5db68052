"""Arguments that name modules: which ones they name, and names that a base does not have."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import torch
from peft.utils import constants
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from workbench.display.wording import suggest
from workbench.errors import Problem, RecipeError
from workbench.tuners.name_endings import matches


def check_names(model: torch.nn.Module, args: Mapping[str, Any]) -> None:
    """Refuse arguments that name modules which the model does not have.

    A list holds whole names or their last parts; a text is a regular expression for whole names,
    or "all-linear". These are PEFT's rules, which pass over a name that matches nothing as long as
    another one matches something.

    Parameters
    ----------
    model : torch.nn.Module
        The base, or its skeleton: only names are read.
    args : mapping
        The user's arguments of a PEFT config.

    Raises
    ------
    RecipeError
        With the first such name of each argument.
    """
    names = [name for name, _ in model.named_modules() if name]
    # Most often a layer is meant that holds no others.
    leaves = [
        name.rpartition(".")[2]
        for name, module in model.named_modules()
        if not [*module.children()]
    ]
    problems: list[Problem] = []
    for argument, value in args.items():
        if "modules" in argument and value:
            problems += _problems(argument, value, names, sorted(set(leaves)))
    if problems:
        raise RecipeError(problems)


def targeted_modules(
    model: torch.nn.Module, config: Mapping[str, Any]
) -> dict[str, torch.nn.Module]:
    """Return the modules that a PEFT config names in ``target_modules``, by PEFT's rules.

    Parameters
    ----------
    model : torch.nn.Module
        The base, or its skeleton.
    config : mapping
        The config's arguments. ``target_modules`` is a list of whole names or their last parts, a
        regular expression for whole names, or "all-linear".

    Returns
    -------
    dict of str to torch.nn.Module
        By whole name; empty where the config names none.
    """
    targets = config.get("target_modules") or ()
    if is_all_linear(targets):
        return _all_linear(model, config.get("task_type"))
    return {
        name: module
        for name, module in model.named_modules()
        if (re.fullmatch(targets, name) if isinstance(targets, str) else matches(name, targets))
    }


def is_all_linear(targets: Any) -> bool:
    """Tell whether ``target_modules`` is PEFT's word for all linear layers."""
    return isinstance(targets, str) and targets.lower() == "all-linear"


def _all_linear(model: torch.nn.Module, task_type: str | None) -> dict[str, torch.nn.Module]:
    """Return the linear layers but for the head that PEFT leaves out."""
    head = None
    if isinstance(model, PreTrainedModel):
        head = model.get_output_embeddings()
        if head is None and task_type == "SEQ_CLS":
            heads = (getattr(model, name, None) for name in constants.SEQ_CLS_HEAD_NAMES)
            head = next((module for module in heads if module is not None), None)
    return {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear | Conv1D) and module is not head
    }


def _problems(
    argument: str, value: Any, names: Collection[str], leaves: Collection[str]
) -> Iterable[Problem]:
    allowed = "the name of a module of the base"
    if isinstance(value, str):
        if argument == "target_modules" and is_all_linear(value):
            return
        try:
            pattern = re.compile(value)
        except re.error as error:
            form = "a list of names or a regular expression"
            yield Problem(argument, form, value, f"{error.msg} at character {error.pos}")
            return
        if not any(pattern.fullmatch(name) for name in names):
            hint = "as a regular expression it must match a whole name"
            if any(matches(name, [value]) for name in names):
                hint = f"give a list, [{value!r}], to name modules by their last parts"
            yield Problem(argument, allowed, value, hint)
    else:
        for ending in value:
            if not any(matches(name, [ending]) for name in names):
                yield Problem(argument, allowed, ending, suggest(ending, leaves))
                return
