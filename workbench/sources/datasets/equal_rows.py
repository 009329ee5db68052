"""Rows that are equal in what a model reads, and what that means for a score."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from workbench.display.wording import joined, rows_in_words
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


def equality_notes(
    train: Sequence[Row],
    evaluation: Sequence[Row] | None,
    inputs: Sequence[str],
    label_column: str | None,
    where: str,
    eval_where: str,
) -> list[str]:
    """Say which rows are equal to others in what the model reads.

    Parameters
    ----------
    train : sequence of dict
    evaluation : sequence of dict or None
        None where a part of the training rows will be held out.
    inputs : sequence of str
        The columns that a model reads.
    label_column : str or None
        The one with the labels, where the rows have one each.
    where, eval_where : str
        What to call the training and the evaluation rows.
    """
    train_keys = keys(train, inputs)
    if evaluation is None:
        notes = _repeated(train_keys, inputs, where)
    else:
        notes = _shared(set(train_keys), keys(evaluation, inputs), eval_where)
    if label_column is not None:
        labels = [str(row[label_column]).strip().casefold() for row in train]
        notes += _conflicts(train_keys, labels, inputs[0], where)
    return notes


def _repeated(row_keys: Sequence[tuple], columns: Sequence[str], where: str) -> list[str]:
    repeated = len(row_keys) - len(set(row_keys))
    if not repeated:
        return []
    if repeated == len(row_keys) - 1:
        note = (
            f"All {len(row_keys)} rows of {where} have the same {joined([repr(column) for column in columns])} "
            "(blanks and capitals aside), so rows are evaluated that are equal to those trained on, and the "
            "evaluation is too optimistic."
        )
        return [note]
    note = (
        f"{repeated} of the {len(row_keys)} rows of {where} {'has' if repeated == 1 else 'have'} the same "
        f"{joined([repr(column) for column in columns])} as an earlier row (blanks and capitals aside): "
        "such rows are held out for evaluation together or not at all."
    )
    return [note]


def _shared(seen: Collection[tuple], eval_keys: Sequence[tuple], where: str) -> list[str]:
    shared = [n for n, key in enumerate(eval_keys, start=1) if key in seen]
    if not shared:
        return []
    note = (
        f"{len(shared)} of the {len(eval_keys)} evaluation rows ({rows_in_words(shared)} of "
        f"{where}) are identical to training rows (blanks and capitals aside), so the "
        "evaluation is too optimistic."
    )
    return [note]


def _conflicts(
    row_keys: Sequence[tuple], labels: Sequence[str], column: str, where: str
) -> list[str]:
    labels_of: dict[tuple, set[str]] = defaultdict(set)
    for key, label in zip(row_keys, labels, strict=True):
        labels_of[key].add(label)
    conflicts = [n for n, key in enumerate(row_keys, start=1) if len(labels_of[key]) > 1]
    if not conflicts:
        return []
    note = (
        f"The same {column!r} has different labels in {rows_in_words(conflicts)} of {where}: no model "
        "can predict all of them, so correct the labels."
    )
    return [note]
