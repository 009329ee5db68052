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

# What PEFT says of these in no more words than their names: the end of the name, and what it means.
_SAID = {
    r"dropout(_p)?$": (
        "Probability with which an input of the adapter is set to 0 in training: a higher one "
        "regularizes more; 0 turns it off."
    ),
    r"alpha$": (
        "Strength of the update, which is scaled by this value (in LoRA by lora_alpha / r): a higher one "
        "lets the adapter change the base more."
    ),
    r"^(r|.*rank.*)$": (
        "Rank of the update: a higher one can learn more, and trains more parameters."
    ),
}
SHORT = 4  # words
# An entry of "Args:" in a docstring: the name, its type, and what is indented below it.
_ENTRY = re.compile(r"^ {4}(\w+) \([^\n]*?\):(.*(?:\n(?: {6,}.*)?)*)", re.MULTILINE)


def argument_help(technique: str, argument: str) -> str:
    """Return the help of an argument as PEFT has it, markup included (imports peft).

    It stands in the config's field, or else in the docstring of the config or of the function whose
    argument it is. Where that only repeats the name, it is said what such an argument does.
    """
    spec, _ = arguments(technique)[argument]
    declared = spec.metadata.get("help", "")
    if isinstance(declared, list | tuple):  # a stray comma
        declared = " ".join(declared)
    text = declared or _documented(technique).get(argument, "")
    return text if len(text.split()) > SHORT else _meaning(argument) or text


def _meaning(argument: str) -> str:
    """Say what an argument means by its name, or nothing."""
    name = argument.rpartition(".")[2]
    return next((meaning for ending, meaning in _SAID.items() if re.search(ending, name)), "")


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
