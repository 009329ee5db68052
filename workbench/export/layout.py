"""Python values and calls as text, laid out as ``ruff format`` leaves them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

WIDTH = 100


class Code(str):
    """Text that is Python already, and stands as it is."""

    __slots__ = ()


def literal(value: Any) -> str:
    """Write plain data as Python in one line.

    Examples
    --------
    >>> print(literal({"r": 8, "names": ["up", 'a "b"'], "limit": float("inf")}))
    {"r": 8, "names": ["up", 'a "b"'], "limit": float("inf")}
    """
    if isinstance(value, Code):
        return value
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{literal(k)}: {literal(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | set | frozenset):
        return "[" + ", ".join(literal(item) for item in value) + "]"
    if isinstance(value, tuple):
        inner = ", ".join(literal(item) for item in value)
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    if isinstance(value, float) and not math.isfinite(value):
        return f'float("{value}")'
    return repr(value)


def lay(before: str, value: Any, after: str = "", indent: int = 0) -> str:
    """Write ``before``, a value and ``after``: on one line where they fit, else an item a line.

    Examples
    --------
    >>> print(lay("labels = ", ["negative", "positive"]))
    labels = ["negative", "positive"]
    """
    line = " " * indent + before + literal(value) + after
    if len(line) <= WIDTH or isinstance(value, str) or not isinstance(value, Iterable):
        return line
    inner = indent + 4
    if isinstance(value, Mapping):
        lines = [lay(f"{literal(k)}: ", v, ",", inner) for k, v in value.items()]
        opening, closing = "{", "}"
    else:
        lines = [lay("", item, ",", inner) for item in value]
        opening, closing = "()" if isinstance(value, tuple) else "[]"
    rows = [" " * indent + before + opening, *lines, " " * indent + closing + after]
    return "\n".join(rows)


def call(
    before: str,
    *args: Any,
    after: str = "",
    indent: int = 4,
    **kwargs: Any,
) -> str:
    """Write a call, on one line where it fits, else an argument a line.

    Parameters
    ----------
    before : str
        What stands before the opening bracket.
    *args, **kwargs
        The arguments; :class:`Code` stands as it is.
    after : str
        What stands behind the closing bracket.
    indent : int
        Spaces before it all.

    Examples
    --------
    >>> print(call("config = LoraConfig", r=8, task_type="CAUSAL_LM"))
        config = LoraConfig(r=8, task_type="CAUSAL_LM")
    """
    given = [("", value) for value in args] + [(f"{key}=", value) for key, value in kwargs.items()]
    space = " " * indent
    inner = ", ".join(prefix + literal(value) for prefix, value in given)
    line = f"{space}{before}({inner}){after}"
    if len(line) <= WIDTH:
        return line
    lines = [lay(prefix, value, ",", indent + 4) for prefix, value in given]
    return "\n".join([f"{space}{before}(", *lines, f"{space}){after}"])


def _text(value: str) -> str:
    """Quote as ruff does: with double quotes, unless that takes more backslashes."""
    # Both kinds of quotes at the end make repr use single ones, escaped.
    inner = repr(value + "'\"")[1:-4]
    inner = re.sub(r"\\(.)", lambda match: "'" if match[1] == "'" else match[0], inner)
    quote = "'" if value.count('"') > value.count("'") else '"'
    return quote + inner.replace(quote, "\\" + quote) + quote
