"""Python values and calls as text, whose layout is ruff's matter."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


class Code(str):
    """Text that is Python already, and stands as it is."""

    __slots__ = ()


def literal(value: Any) -> str:
    """Write plain data as Python; whatever else it is raises TypeError.

    Examples
    --------
    >>> print(literal({"r": 8, "names": ("up",), "limit": float("inf")}))
    {'r': 8, 'names': ('up', ), 'limit': float('inf')}
    """
    if isinstance(value, Code):
        return value
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{literal(k)}: {literal(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | set | frozenset):
        return "[" + ", ".join(map(literal, value)) + "]"
    if isinstance(value, tuple):
        return "(" + "".join(f"{literal(item)}, " for item in value) + ")"
    if isinstance(value, float) and not math.isfinite(value):
        return f"float('{value}')"
    if value is None or type(value) in (bool, int, float, str):
        return repr(value)
    raise TypeError(f"a script can contain plain data only, but not {type(value).__name__}")


def call(function: str, *args: Any, **kwargs: Any) -> Code:
    """Write a call of a function; :class:`Code` stands as it is among its arguments.

    Examples
    --------
    >>> print(call("LoraConfig", Code("model"), r=8, task_type="CAUSAL_LM"))
    LoraConfig(model, r=8, task_type='CAUSAL_LM')
    """
    named = [f"{name}={literal(value)}" for name, value in kwargs.items()]
    return Code(f"{function}({', '.join([*map(literal, args), *named])})")
