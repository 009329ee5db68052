"""Arguments that name modules, held against the names that a base has."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import torch

from workbench.display.wording import suggest
from workbench.errors import Problem, RecipeError


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
            if _means(value, names):
                hint = f"give a list, [{value!r}], to name modules by their last parts"
            yield Problem(argument, allowed, value, hint)
    else:
        for name in value:
            if not _means(name, names):
                yield Problem(argument, allowed, name, suggest(name, leaves))
                return


def _means(part: str, names: Collection[str]) -> bool:
    return any(name == part or name.endswith(f".{part}") for name in names)
