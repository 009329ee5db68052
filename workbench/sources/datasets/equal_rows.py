"""Rows that are equal in what a model reads, and what that means for a score."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from workbench.display.wording import rows_in_words
from workbench.sources.datasets.readers import Row

# What a model learns to give; all other roles are what it reads.
TARGETS = ("completion", "label", "tags")


def input_columns(columns: Mapping[str, str]) -> list[str]:
    """Return the columns that a model reads, of all that a task uses.

    Examples
    --------
    >>> input_columns({"text": "review", "label": "stars"})
    ['review']
    """
    return [column for role, column in columns.items() if role not in TARGETS]


# Exported scripts carry this function's source.
def comparable(value: Any) -> Any:
    """Return what equal values have in common: texts are equal whatever their blanks and capitals."""
    return value if isinstance(value, bytes) else " ".join(str(value).split()).casefold()


def keys(rows: Sequence[Row], columns: Sequence[str]) -> list[tuple]:
    """Return what equal rows have in common, row by row.

    Examples
    --------
    >>> keys([{"text": "Well  done"}, {"text": "well done "}], ["text"])
    [('well done',), ('well done',)]
    """
    return [tuple(comparable(row.get(column)) for column in columns) for row in rows]


def repeated_note(rows: Sequence[Row], columns: Sequence[str], where: str) -> list[str]:
    """Say how many rows repeat another one, where part of them will be held out."""
    counts = Counter(keys(rows, columns))
    repeated = len(rows) - len(counts)
    if not repeated:
        return []
    verb = "repeats" if repeated == 1 else "repeat"
    note = (
        f"{repeated} of the {len(rows)} rows of {where} {verb} another one (blanks and capitals "
        "aside): equal rows are either all trained on or all evaluated on."
    )
    return [note]


def shared_note(
    train: Sequence[Row], evaluation: Sequence[Row], columns: Sequence[str], where: str
) -> list[str]:
    """Say which evaluation rows are training rows too.

    Parameters
    ----------
    train, evaluation : sequence of dict
    columns : sequence of str
        What the model reads.
    where : str
        What to call the evaluation rows.
    """
    seen = set(keys(train, columns))
    shared = [n for n, key in enumerate(keys(evaluation, columns), start=1) if key in seen]
    if not shared:
        return []
    note = (
        f"{len(shared)} of the {len(evaluation)} evaluation rows ({rows_in_words(shared)} of "
        f"{where}) are identical to training rows (blanks and capitals aside), so the score is too "
        "optimistic."
    )
    return [note]


def conflict_note(rows: Sequence[Row], columns: Mapping[str, str], where: str) -> list[str]:
    """Say which rows have the same text as another one, and another label."""
    if "label" not in columns:
        return []
    labels: dict[tuple, set[str]] = defaultdict(set)
    row_keys = keys(rows, input_columns(columns))
    for key, row in zip(row_keys, rows, strict=True):
        labels[key].add(str(row[columns["label"]]).strip().casefold())
    conflicts = [n for n, key in enumerate(row_keys, start=1) if len(labels[key]) > 1]
    if not conflicts:
        return []
    reads = "image" if "image" in columns else "text"
    note = (
        f"The same {reads} has different labels in {rows_in_words(conflicts)} of {where}: no model "
        "can predict all of them, so correct the labels."
    )
    return [note]
