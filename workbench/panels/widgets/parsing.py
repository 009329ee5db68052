"""Between a setting's value and what a person types for it."""

from __future__ import annotations

import contextlib
import enum
from typing import Any, Literal, get_args, get_origin

import yaml

from workbench.settings.values import parts_of


def choices_of(hint: Any, limits: dict[str, Any]) -> list[Any] | None:
    """Return the values that can be chosen, or None where any value may be typed.

    Examples
    --------
    >>> choices_of(Literal["none", "all"], {})
    ['none', 'all']
    """
    parts, optional = parts_of(hint)
    choices = limits.get("choices")
    if choices is None and len(parts) == 1 and get_origin(parts[0]) is Literal:
        choices = get_args(parts[0])
    if choices is None:
        return None
    return [*([None] if optional else []), *choices]


def typeable(hint: Any) -> bool:
    """Return whether a value can be typed: objects of other libraries cannot."""
    plain = (bool, int, float, str, list, tuple, set, dict, Literal)
    return any((get_origin(part) or part) in plain for part in parts_of(hint)[0])


def read(text: str, hint: Any) -> Any:
    """Turn typed text into a value; text that cannot be converted stays text, which the checks refuse.

    Examples
    --------
    >>> read("2e-3", float | None), read("", float | None), read("8", int), read("many", int)
    (0.002, None, 8, 'many')
    >>> read("q_proj, v_proj", list[str] | str | None), read("007", str)
    (['q_proj', 'v_proj'], '007')
    """
    text = text.strip()
    parts, optional = parts_of(hint)
    types = {get_origin(part) or part for part in parts}
    if not text and optional:
        return None
    if types == {str}:
        return text
    if types & {int, float}:
        for number in (int, float):
            with contextlib.suppress(ValueError):
                return number(text)
    if list in types and "," in text and text[:1] not in "[{":
        text = f"[{text}]"
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return text


def write(value: Any) -> str:
    """Turn a value into what a person would have typed for it.

    Examples
    --------
    >>> write(0.002), write(None), write(["q_proj", "v_proj"]), write(True)
    ('0.002', '', '[q_proj, v_proj]', 'true')
    """
    if value is None:
        return ""
    if isinstance(value, enum.Enum):
        value = value.value
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return f"{value:g}" if float(f"{value:g}") == value else repr(value)
    if isinstance(value, set | frozenset | tuple):
        value = sorted(value) if not isinstance(value, tuple) else list(value)
    text = yaml.safe_dump(value, default_flow_style=True, width=10_000)
    return text.removesuffix("\n").removesuffix("\n...")
