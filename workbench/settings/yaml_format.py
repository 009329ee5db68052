"""YAML as recipes are written in it."""

from __future__ import annotations

import os
import re
from pathlib import Path
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


def read_mapping(source: str | os.PathLike) -> dict[str, Any]:
    """Read a mapping of names to values from a YAML file, or from YAML text.

    Raises
    ------
    RecipeError
        The file is missing, is not YAML or is not a mapping.

    Examples
    --------
    >>> read_mapping("technique: lora")
    {'technique': 'lora'}
    """
    text = os.fspath(source)
    # Text has a line break or a colon.
    if isinstance(source, os.PathLike) or not re.search(r":\s|\n", source):
        text = _read_file(Path(source))
    try:
        settings = yaml.load(text, Loader=Loader)
    except yaml.YAMLError as error:
        where = getattr(error, "problem_mark", None)
        hint = f"look at line {where.line + 1}" if where else ""
        raise RecipeError([Problem("recipe", "valid YAML", str(source), hint)]) from error
    if not isinstance(settings, dict):
        raise RecipeError([Problem("recipe", "a mapping of names to values", settings)])
    return settings


def _read_file(path: Path) -> str:
    if not path.is_file():
        raise RecipeError([Problem("recipe", "an existing YAML file", str(path))])
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise RecipeError([Problem("recipe", "a YAML file in UTF-8", str(path))]) from error
