"""Evaluation rows that lack what is to be predicted, as the test splits of competitions do."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from workbench.errors import DataError, did_you_mean
from workbench.sources.datasets.equal_rows import TARGETS
from workbench.sources.datasets.readers import Row

# What stands for "no label" where it is no label of the training rows.
_NO_LABEL = ("", "-1", "-1.0", "none", "nan", "null", "?")


def lacks_targets(
    rows: Sequence[Row], columns: Mapping[str, str], labels: Collection[str]
) -> str | None:
    """Say in which way all rows lack what is to be predicted; None if one of them has it.

    Examples
    --------
    >>> lacks_targets([{"text": "a", "label": -1}], {"text": "text", "label": "label"}, ["0", "1"])
    "the label (column 'label') is -1 in all rows"
    >>> lacks_targets([{"text": "a", "label": -1}], {"text": "text", "label": "label"}, ["-1", "1"])
    """
    for role, column in columns.items():
        if role not in TARGETS:
            continue
        start = f"the {role} (column {column!r}) {'are' if role == 'tags' else 'is'}"
        if not any(column in row for row in rows):
            # A column of nearly this name is said by whoever checks columns.
            near = did_you_mean(column, rows[0]).startswith("did you mean")
            return None if near else f"{start} missing"
        values = [row.get(column) for row in rows]
        if all(_is_none(value, labels) for value in values):
            same = {str(value) for value in values if value not in (None, "")}
            return f"{start} {same.pop() if len(same) == 1 else 'missing'} in all rows"
    return None


def refuse_unlabelled(where: str, lack: str) -> None:
    """Refuse evaluation rows that a recipe names and that cannot be scored.

    Raises
    ------
    DataError
    """
    raise DataError(
        f"{where} cannot be evaluated on, as {lack}: leave eval_data out, which holds out a part of the "
        "training rows, or name rows that have it."
    )


def unlabelled_note(where: str, lack: str) -> str:
    """Say that a test split is left alone."""
    return (
        f"{where} is not used, as {lack}: eval_fraction of the training rows is held out for evaluation "
        "instead."
    )


def _is_none(value: Any, labels: Collection[str]) -> bool:
    if isinstance(value, list | tuple):
        return all(_is_none(item, labels) for item in value)
    text = "" if value is None else str(value).strip()
    return text.casefold() in _NO_LABEL and text not in labels
