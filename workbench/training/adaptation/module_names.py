"""Arguments that name modules, held against the names that a base has."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import torch

from workbench.display.wording import suggest
from workbench.errors import Problem, RecipeError
from workbench.tuners.name_endings import matches


def check_names(model: torch.nn.Module, args: Mapping[str, Any]) -> None:
    """Refuse arguments that name modules which the model does not have.

    A list holds whole names or their last parts; a text is a regular expression for whole names,
    or "all-linear". These are PEFT's rules, which would pass over a name that means nothing as
    long as another one means something.

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
    # Layers that hold no others are what is meant as a rule.
    leaves = [
        name.rpartition(".")[2]
        for name, module in model.named_modules()
        if not [*module.children()]
    ]
    found: list[Problem] = []
    for argument, value in args.items():
        if "modules" in argument and value:
            found += _problems(argument, value, names, sorted(set(leaves)))
    if found:
        raise RecipeError(found)


def targeted_modules(
    model: torch.nn.Module, targets: str | Collection[str] | None
) -> dict[str, torch.nn.Module]:
    """Return the modules that an argument ``target_modules`` names, by PEFT's rules.

    Parameters
    ----------
    model : torch.nn.Module
        The base, or its skeleton.
    targets : str, collection of str or None
        Endings of names, a regular expression for whole names, or "all-linear", which is every module
        here.

    Returns
    -------
    dict of str to torch.nn.Module
        By whole name.
    """
    return {
        name: module for name, module in model.named_modules() if _is_targeted(name, targets or ())
    }


def _is_targeted(name: str, targets: str | Collection[str]) -> bool:
    if isinstance(targets, str):
        return targets == "all-linear" or re.fullmatch(targets, name) is not None
    return matches(name, targets)


def _problems(
    argument: str, value: Any, names: Collection[str], leaves: Collection[str]
) -> Iterable[Problem]:
    allowed = "the name of a module of the base"
    if isinstance(value, str):
        if argument == "target_modules" and value.lower() == "all-linear":
            return
        try:
            pattern = re.compile(value)
        except re.error as error:
            kind = "a list of names or a regular expression"
            yield Problem(argument, kind, value, f"{error.msg} at character {error.pos}")
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
