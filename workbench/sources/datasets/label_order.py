"""In which order labels become the outputs of a classifier."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from workbench.sources.datasets import hub
from workbench.sources.datasets.source import Source
from workbench.sources.datasets.tables import stored_class_names

_NUMBER = re.compile(r"[+-]?[0-9]{1,300}(\.[0-9]*)?(e[+-]?[0-9]{1,2})?", re.IGNORECASE)


def in_order(labels: Collection[str], names: Sequence[str] = ()) -> tuple[str, ...]:
    """Put labels in the order of their class names, else numbers by their value, else texts by letters.

    Examples
    --------
    >>> in_order({"10", "9", "-1"}), in_order({"no", "yes"}, ["yes", "no", "maybe"])
    (('-1', '9', '10'), ('yes', 'no'))
    """
    if set(labels) <= set(names):
        return tuple(name for name in names if name in labels)
    values = {label: number(label) for label in labels}
    numbers = {label: value for label, value in values.items() if value is not None}
    if len(numbers) == len(values):
        return tuple(sorted(numbers, key=lambda label: (numbers[label], label)))
    return tuple(sorted(labels))


def are_numbers(labels: Iterable[str]) -> bool:
    """Tell whether all labels are numbers."""
    return all(number(label) is not None for label in labels)


def number(label: str) -> int | float | None:
    """Return the number that a label is; None where it is none.

    Examples
    --------
    >>> number("12345678901234567891"), number("-2.50"), number("3 stars")
    (12345678901234567891, -2.5, None)
    """
    text = label.strip()
    if not _NUMBER.fullmatch(text):
        return None
    return int(text) if text.lstrip("+-").isdigit() else float(text)


def class_names(source: Source, column: str) -> list[str]:
    """Return the class names (``datasets.ClassLabel``) of a column in their order; empty without any.

    The hub's data sets have them, tables that were kept from a notebook, and Parquet files that
    ``datasets`` has written.
    """
    if source.format == "hub":
        names = hub.class_names(source.train, source.config, source.revision)
    else:
        names = source.class_names or stored_class_names(Path(source.train))
    return names.get(column, [])
