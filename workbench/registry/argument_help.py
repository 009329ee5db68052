"""What PEFT says about the arguments of a technique."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

from workbench.registry.techniques import (
    arguments,
    config_class,
    get,
    optimizer_function,
    select_function,
)

# An entry of "Args:" in a docstring: the name, its type, and what is indented below it.
_ENTRY = re.compile(r"^ {4}(\w+) \([^\n]*?\):(.*(?:\n(?: {6,}.*)?)*)", re.MULTILINE)


def argument_help(technique: str, argument: str) -> str:
    """Return the help of an argument as PEFT has it, markup included (imports peft).

    It stands in the config's field, or else in the docstring of the config or of the function whose
    argument it is; it is empty where PEFT says nothing.
    """
    spec, _ = arguments(technique)[argument]
    declared = spec.metadata.get("help", "")
    if isinstance(declared, list | tuple):  # a stray comma
        declared = " ".join(declared)
    return declared or _documented(technique).get(argument, "")


def _documented(name: str) -> dict[str, str]:
    return {
        entry[1]: " ".join(entry[2].split())
        for source in _sources(name)
        for entry in _ENTRY.finditer(inspect.getdoc(source) or "")
    }


def _sources(name: str) -> Iterator[Any]:
    technique = get(name)
    if technique.config is not None:
        yield config_class(name)
    yield from filter(None, (optimizer_function(technique), select_function(technique)))
