"""Whether rows hold what their roles need: texts, labels, words and their tags."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from workbench.display.wording import rows_in_words, suggest
from workbench.errors import DataError
from workbench.sources.datasets.label_order import are_numbers, in_order
from workbench.sources.datasets.readers import Row

# What a value may be, role by role, and how that is said; in all others it is text. bool is an int.
_TYPES: dict[str, tuple[tuple[type, ...], str]] = {
    "label": ((str, int, float), "text or a number"),
    "prompt": ((str, int, float), "text or a number"),
    "completion": ((str, int, float), "text or a number"),
    "tokens": ((str,), "a list of words, or words separated by spaces"),
    "tags": ((str, int), "a list of tags, or tags separated by spaces"),
    "image": ((str, bytes), "an image or the path of one"),
}
_LISTS = ("tokens", "tags")

# A label column has few values that come back often; a text column hardly any that do.
MANY_LABELS = 20


def check_rows(rows: Sequence[Row], columns: Mapping[str, str], where: str) -> None:
    """Refuse rows that lack a value, or whose value is none for its role.

    Raises
    ------
    DataError
        With the numbers of the first such rows; the first row is row 1.
    """
    for role, column in columns.items():
        start = f"The {role} (column {column!r})"
        # "The text is" but "the tags are".
        is_, has = ("are", "hold") if role in _LISTS else ("is", "holds")
        lacking = [n for n, row in enumerate(rows, start=1) if _is_missing(row.get(column))]
        if lacking:
            raise DataError(
                f"{start} {is_} missing in {rows_in_words(lacking)} of {where}: fill it in, or "
                "remove these rows."
            )
        types, in_words = _TYPES.get(role, ((str,), "text"))
        wrong = [
            n for n, row in enumerate(rows, start=1) if not _has_type(row[column], role, types)
        ]
        if wrong:
            value = rows[wrong[0] - 1][column]
            raise DataError(
                f"{start} must be {in_words}, but {is_} {_short(value)} in "
                f"{rows_in_words(wrong)} of {where}: set {role}_column to another column, or turn "
                "its values into text."
            )
        blank = [n for n, row in enumerate(rows, start=1) if not _text(row[column]).strip()]
        if blank:
            raise DataError(
                f"{start} {is_} empty in {rows_in_words(blank)} of {where}: fill it in, or "
                "remove these rows."
            )
        broken = [n for n, row in enumerate(rows, start=1) if not is_unicode(_text(row[column]))]
        if broken:
            raise DataError(
                f"{start} {has} a lone surrogate character, which no tokenizer accepts, in "
                f"{rows_in_words(broken)} of {where}: correct or remove these rows."
            )
        zeros = [n for n, row in enumerate(rows, start=1) if "\0" in _text(row[column])]
        if zeros:
            raise DataError(
                f"{start} {has} a NUL character, which ends a text for many programs, in "
                f"{rows_in_words(zeros)} of {where}: correct or remove these rows."
            )
    if "tags" in columns:
        _check_tags(rows, columns, where)


def items(value: Any) -> list[Any]:
    """Return the words or tags of a row: a list, or text with blanks between them.

    Examples
    --------
    >>> items("B-PER O"), items(["B-PER", "O"])
    (['B-PER', 'O'], ['B-PER', 'O'])
    """
    return value.split() if isinstance(value, str) else list(value)


def check_labels(
    train: Sequence[Row],
    column: str,
    where: str,
    role: str = "label",
    names: Sequence[str] = (),
) -> tuple[str, ...]:
    """List the labels of the training rows in their order, if they can be labels.

    Parameters
    ----------
    train : sequence of dict
    column, where, role : str
        The column, what to call the rows, and what the column is for.
    names : sequence of str
        The class names of the column in their order, where the data has them.

    Examples
    --------
    >>> check_labels([{"label": 1}, {"label": 0}, {"label": 1}], "label", "rows.csv")
    ('0', '1')
    >>> check_labels([{"tags": "O B-PER"}, {"tags": ["O"]}], "tags", "rows.csv", "tags")
    ('B-PER', 'O')
    """
    counts = Counter(label for row in train for label in labels_of(row[column], role))
    start = f"The {role} (column {column!r})"
    if len(counts) == 1:
        raise DataError(
            f"{start} must have at least two different values, but is "
            f"{next(iter(counts))!r} in all of {where}: set {role}_column to another column, or "
            f"add rows with other {role.rstrip('s')}s."
        )
    if len(counts) > MANY_LABELS and len(counts) > counts.total() / 2:
        other = "a text or an id"
        if role == "label" and are_numbers(counts):
            other = "an id, or a score, which no task here learns as a number"
        raise DataError(
            f"{start} has {len(counts)} different values in the {len(train)} rows of {where}, "
            f"so it is probably not a {role.rstrip('s')} but {other}: set {role}_column "
            "to another column."
        )
    return in_order(counts, names)


def check_known_labels(
    rows: Sequence[Row],
    column: str,
    labels: Sequence[str],
    where: str,
    train: str,
    role: str = "label",
) -> None:
    """Refuse evaluation rows with a label that cannot have been learnt."""
    trained = set(labels)
    unknown = [
        (number, new[0])
        for number, row in enumerate(rows, start=1)
        if (new := [label for label in labels_of(row[column], role) if label not in trained])
    ]
    if unknown:
        number, label = unknown[0]
        singular = role.rstrip("s")
        rest = f", the first of {len(unknown)} such rows" if len(unknown) > 1 else ""
        raise DataError(
            f"Unknown {singular} {label!r} in row {number} of {where}{rest}: a {singular} must be in "
            f"{train} to be learned, {suggest(label, labels)}"
        )


def _check_tags(rows: Sequence[Row], columns: Mapping[str, str], where: str) -> None:
    for number, row in enumerate(rows, start=1):
        tokens, tags = row[columns["tokens"]], row[columns["tags"]]
        if isinstance(tags, str) and tags.lstrip().startswith("["):
            raise DataError(
                f"The tags (column {columns['tags']!r}) are a list written as text in row "
                f"{number} of {where}, {_short(tags)}: save the rows as JSONL, where lists stay "
                "lists, or separate the tags by spaces."
            )
        if len(items(tokens)) != len(items(tags)):
            raise DataError(
                f"The tokens (column {columns['tokens']!r}) and the tags (column "
                f"{columns['tags']!r}) must have the same length, but have {len(items(tokens))} "
                f"and {len(items(tags))} in row {number} of {where}: give each word one tag."
            )


def labels_of(value: Any, role: str) -> list[str]:
    """Return the labels of a row's value, as text."""
    return [str(item) for item in (items(value) if role in _LISTS else [value])]


def _has_type(value: Any, role: str, types: tuple[type, ...]) -> bool:
    if role in _LISTS and isinstance(value, list | tuple):
        return all(isinstance(item, types) for item in value)
    return isinstance(value, str if role in _LISTS else types)


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return "an image" if value else ""
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def is_unicode(text: str) -> bool:
    """Tell whether a text can be written in UTF-8."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:39] + "…"
