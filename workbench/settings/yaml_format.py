"""YAML as recipes are written in it."""

from __future__ import annotations

import re
from typing import Any

import yaml

from workbench.errors import Problem, RecipeError


class Loader(yaml.SafeLoader):
    """Reads ``1e-3`` as a number, as YAML 1.2 does, where PyYAML takes it for a text."""


class Dumper(yaml.SafeDumper):
    """Puts quotes around texts that the loader would take for numbers."""


for _part in (Loader, Dumper):
    _part.add_implicit_resolver(
        "tag:yaml.org,2002:float",
        re.compile(r"^[-+]?(\d+(\.\d*)?|\.\d+)[eE][-+]?\d+$"),
        list("-+.0123456789"),
    )


def read_value(text: str) -> Any:
    """Read one value as a recipe's file would.

    Examples
    --------
    >>> read_value("[1e-4, 3]")
    [0.0001, 3]
    """
    try:
        return yaml.load(text, Loader=Loader)
    except yaml.YAMLError as error:
        raise RecipeError([Problem("value", "valid YAML", text)]) from error
