"""How a setting is declared: its default, its words and what it may be, once for every place that needs them."""

from __future__ import annotations

from dataclasses import field
from typing import Any


def setting(
    default: Any,
    group: str,
    about: str,
    *,
    empty: str = "",
    line: str = "",
    unit: str = "",
    **limits: Any,
) -> Any:
    """Declare a setting: form, check, help text and command line follow from this.

    Parameters
    ----------
    default : object
    group : str
        The group of settings that it belongs to.
    about : str
        What it is, in whole sentences.
    empty : str
        What None stands for, in a few words.
    line : str
        The few words that a form shows all the time; without them the help is shown when asked for.
    unit : str
        What is counted.
    **limits
        May hold ``ge``, ``gt``, ``le``, ``lt`` (numbers), ``choices`` (a sequence) and ``infinite``
        (true where inf means no limit).
    """
    help = f"{about} If not set: {empty}." if empty else about
    words = {"group": group, "help": help, "about": about, "empty": empty, "line": line}
    metadata = {**words, "unit": unit, **limits}
    if isinstance(default, dict):
        return field(default_factory=default.copy, metadata=metadata)
    return field(default=default, metadata=metadata)
