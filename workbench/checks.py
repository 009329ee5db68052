"""What one value may be: checked against a type hint and limits, and said in words."""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping
from types import UnionType
from typing import Any, Union, get_args, get_origin

from workbench.errors import Problem, did_you_mean


def value_problems(
    name: str, value: Any, hint: Any, limits: Mapping[str, Any] | None = None
) -> list[Problem]:
    """Check one value against its type hint and limits.

    Examples
    --------
    >>> [str(p) for p in value_problems("r", 0, int, {"ge": 1})]
    ['r must be an integer of at least 1, but is 0.']
    """
    limits = limits or {}
    optional, plain = _split_optional(hint)
    if value is None and optional:
        return []
    choices = limits.get("choices")
    allowed = describe(hint, limits)
    if choices is not None:
        if value in choices:
            return []
        near = did_you_mean(value, choices) if isinstance(value, str) else ""
        return [Problem(name, allowed, value, near if near.startswith("did") else "")]
    if not _fits(value, plain):
        return [Problem(name, allowed, value)]
    if isinstance(value, float) and not math.isfinite(value) and not limits.get("infinite"):
        return [Problem(name, allowed, value, "give a finite one")]
    if isinstance(value, int | float) and not isinstance(value, bool):
        tests = {"ge": operator.ge, "gt": operator.gt, "le": operator.le, "lt": operator.lt}
        if not all(test(value, limits[key]) for key, test in tests.items() if key in limits):
            return [Problem(name, allowed, value)]
    return []


def describe(hint: Any, limits: Mapping[str, Any]) -> str:
    """Say in words what a knob allows, to be read after "must be"."""
    optional, plain = _split_optional(hint)
    if limits.get("choices") is not None:
        words = "one of " + ", ".join(repr(choice) for choice in limits["choices"])
    else:
        words = _words(plain)
        bounds = {"ge": "of at least", "gt": "above", "le": "of at most", "lt": "below"}
        words += "".join(
            f"{' and' if i else ''} {bounds[key]} {limits[key]}"
            for i, key in enumerate(key for key in bounds if key in limits)
        )
    return words + (" (or None)" if optional else "")


def _split_optional(hint: Any) -> tuple[bool, tuple[Any, ...]]:
    parts = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    return type(None) in parts, tuple(part for part in parts if part is not type(None))


_WORDS = {int: "an integer", float: "a number", str: "a text", bool: "True or False"}


def _words(plain: tuple[Any, ...]) -> str:
    return " or ".join(dict.fromkeys(_WORDS.get(get_origin(p) or p, _plain_name(p)) for p in plain))


def _plain_name(part: Any) -> str:
    kind = get_origin(part) or part
    if kind in (list, tuple, set):
        return "a list"
    if isinstance(kind, type) and issubclass(kind, Mapping):
        return "a mapping"
    return getattr(kind, "__name__", str(kind))


def _fits(value: Any, plain: tuple[Any, ...]) -> bool:
    for part in plain:
        kind = get_origin(part) or part
        if kind is Any or not isinstance(kind, type):
            return True
        if kind in (int, float) and isinstance(value, bool):
            continue
        if kind is float and isinstance(value, int):
            return True
        if kind in (list, tuple, set) and isinstance(value, list | tuple | set):
            return True
        if isinstance(value, kind):
            return True
    return False
