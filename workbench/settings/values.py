"""What one value may be: checked against a type hint and limits, and said in words."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Mapping
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

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
    limits = {**documented_limits(name), **(limits or {})}
    plain, optional = parts_of(hint)
    if value is None and optional:
        return []
    choices = limits.get("choices")
    allowed = describe(hint, limits)
    if choices is not None:
        if value in choices:
            return []
        return [Problem(name, allowed, value, _nearest(value, choices))]
    if not any(_is_of_type(value, part) for part in plain):
        return [Problem(name, allowed, value, _nearest(value, _literals(plain)))]
    if isinstance(value, Mapping) and "of" in limits:
        of = limits["of"]
        items = [value_problems(name, item, of, limits) for item in value.values()]
        if any(items) or not all(isinstance(key, str) for key in value):
            return [Problem(name, allowed, value)]
    if isinstance(value, float) and not math.isfinite(value) and not limits.get("infinite"):
        return [Problem(name, allowed, value, "give a finite number")]
    if isinstance(value, int | float) and not isinstance(value, bool):
        tests = {"ge": operator.ge, "gt": operator.gt, "le": operator.le, "lt": operator.lt}
        if not all(test(value, limits[key]) for key, test in tests.items() if key in limits):
            return [Problem(name, allowed, value)]
    return []


# Limits that PEFT's config classes have in their documentation only, by how an argument's name ends.
_DOCUMENTED: dict[str, dict[str, Any]] = {
    "dropout": {"ge": 0, "lt": 1},
    "rank_pattern": {"of": int, "ge": 1},
    "alpha_pattern": {"of": float},
}


def documented_limits(name: str) -> dict[str, Any]:
    """Return the limits of an argument that its declaration does not have."""
    return next((limits for end, limits in _DOCUMENTED.items() if name.endswith(end)), {})


def _nearest(value: object, options: Iterable[Any]) -> str:
    words = [option for option in options if isinstance(option, str)]
    near = did_you_mean(value, words) if isinstance(value, str) else ""
    return near if near.startswith("did") else ""


def describe(hint: Any, limits: Mapping[str, Any]) -> str:
    """Say in words what a setting allows, to be read after "must be"."""
    plain, optional = parts_of(hint)
    if limits.get("choices") is not None:
        words = "one of " + ", ".join(repr(choice) for choice in limits["choices"])
    else:
        words = _words(plain)
        if "of" in limits:
            words += f" of names to {'integers' if limits['of'] is int else 'numbers'}"
        bounds = {"ge": "of at least", "gt": "above", "le": "of at most", "lt": "below"}
        words += "".join(
            f"{' and' if i else ''} {bounds[key]} {limits[key]}"
            for i, key in enumerate(key for key in bounds if key in limits)
        )
    return words + (" (or None)" if optional else "")


def parts_of(hint: Any) -> tuple[tuple[Any, ...], bool]:
    """Split a type hint into its alternatives and whether None is one of them.

    Examples
    --------
    >>> parts_of(int | None)
    ((<class 'int'>,), True)
    """
    parts = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    return tuple(part for part in parts if part is not type(None)), type(None) in parts


def _literals(plain: tuple[Any, ...]) -> list[Any]:
    return [value for part in plain if get_origin(part) is Literal for value in get_args(part)]


_WORDS = {int: "an integer", float: "a number", str: "a string", bool: "True or False"}


def _words(plain: tuple[Any, ...]) -> str:
    words = [_WORDS.get(get_origin(p) or p) or _plain_name(p) for p in plain]
    return " or ".join(dict.fromkeys(words))


def _plain_name(part: Any) -> str:
    plain = get_origin(part) or part
    if plain is Literal:
        return "one of " + ", ".join(map(repr, get_args(part)))
    if plain in (list, tuple, set):
        return "a list"
    if isinstance(plain, type) and issubclass(plain, Mapping):
        return "a mapping"
    return getattr(plain, "__name__", str(plain))


def _is_of_type(value: Any, hint: Any) -> bool:
    plain = get_origin(hint) or hint
    if plain is Literal:
        return any(_is_literal(value, option) for option in get_args(hint))
    if plain is Any or not isinstance(plain, type):
        return True
    if plain in (int, float) and isinstance(value, bool):
        return False
    if plain is float and isinstance(value, int):
        return True
    if plain in (list, tuple, set) and isinstance(value, list | tuple | set):
        return True
    return isinstance(value, plain)


def _is_literal(value: Any, option: Any) -> bool:
    if isinstance(value, str) and isinstance(option, str) and "[" in option:
        # PEFT writes so that a number is to be filled in: "pissa_niter_[number of iters]".
        before, _, rest = option.partition("[")
        return value.startswith(before) and value[len(before) :].isdigit() and rest.endswith("]")
    return type(value) is type(option) and value == option
