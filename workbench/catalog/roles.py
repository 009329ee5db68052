"""Which column plays which role in a task, and whether the rows can play it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from workbench.catalog.readers import Row
from workbench.catalog.tasks import TASKS
from workbench.catalog.words import quoted, rows_in_words, suggest
from workbench.errors import DataError

# Names that columns often have, nearest meaning first; capitals do not matter.
SYNONYMS = {
    "text": ("sentence", "review", "content", "message", "question", "utterance", "body"),
    "label": ("category", "intent", "class", "labels", "sentiment", "target"),
    "prompt": ("instruction", "question", "input", "query"),
    "completion": ("answer", "response", "output", "target"),
}

# A label column has few values that come back often; a text column hardly any that do.
MANY_LABELS = 20


def choose_columns(
    task: str,
    available: Sequence[str],
    named: Mapping[str, str | None],
    card_columns: Mapping[str, str],
    where: str,
) -> tuple[dict[str, str], list[str]]:
    """Pick a column for each role of a task.

    What is named wins, then a column called like the role, then what the data's card says, then
    a well-known name (:data:`SYNONYMS`).

    Parameters
    ----------
    task : str
    available : sequence of str
        The columns that there are.
    named : mapping of str to str or None
        Role to the column that the user asks for.
    card_columns : mapping of str to str
        Role to column, from the data's card.
    where : str
        What to call the data in messages.

    Returns
    -------
    columns : dict of str to str
        Role to column.
    notes : list of str

    Examples
    --------
    >>> choose_columns("classify", ["review", "category"], {}, {}, "rows.csv")
    ({'text': 'review', 'label': 'category'}, [])
    """
    if task not in TASKS:
        raise DataError(f"task must be a known task, but is {task!r}: {suggest(task, TASKS)}")
    roles = TASKS[task].roles
    for role in roles:
        if named.get(role) is not None and named[role] not in available:
            raise DataError(
                f"{role}_column must be a column of {where} ({quoted(available)}), but is "
                f"{named[role]!r}: {suggest(named[role], available)}"
            )
    columns: dict[str, str] = {}
    notes = []
    for role in roles:
        wanted = named.get(role)
        taken = {*columns.values(), *(named.get(other) for other in roles if other != role)}
        free = [column for column in available if column not in taken]
        found = [wanted] if wanted is not None else _candidates(role, free, card_columns)
        if not found:
            raise DataError(
                f"No column of {where} is known as the {role} ({task} needs "
                f"{quoted(roles)}, the columns are {quoted(available)}): name one "
                f"with {role}_column."
            )
        columns[role] = found[0]
        if len(found) > 1:
            notes.append(
                f"The {role} is read from {found[0]!r}; {quoted(found[1:])} might be meant too: "
                f"set {role}_column to choose."
            )
    if len(set(columns.values())) < len(columns):
        both = " and ".join(f"{role}_column" for role in columns)
        raise DataError(
            f"{both} must be different columns, but both are {next(iter(columns.values()))!r}: "
            f"choose from {quoted(available)}."
        )
    notes += [
        f"{role}_column is {column!r}, which {task} does not use."
        for role, column in named.items()
        if column is not None and role not in columns
    ]
    return columns, notes


def _candidates(role: str, available: Sequence[str], card_columns: Mapping[str, str]) -> list[str]:
    if role in available:
        return [role]
    if card_columns.get(role) in available:
        return [card_columns[role]]
    by_name = {column.strip().lower(): column for column in reversed(available)}
    if role in by_name:
        return [by_name[role]]
    return [by_name[name] for name in SYNONYMS[role] if name in by_name]


def columns_of(rows: Iterable[Row]) -> list[str]:
    """List the columns of some rows, in the order in which they turn up."""
    return list(dict.fromkeys(column for row in rows for column in row))


def first_row_looks_like_data(columns: Sequence[str], rows: Sequence[Row]) -> bool:
    """Guess whether the line taken for a CSV header is in truth the first row."""
    return any(
        len(column) > 50
        or column.replace(".", "", 1).isdigit()
        or any(row[column] == column for row in rows)
        for column in columns
    )


def check_rows(rows: Sequence[Row], columns: Mapping[str, str], where: str) -> None:
    """Refuse rows that lack a value, or whose text is no text.

    Raises
    ------
    DataError
        With the numbers of the first such rows; the first row is row 1.
    """
    for role, column in columns.items():
        lacking = [n for n, row in enumerate(rows, start=1) if _is_missing(row.get(column))]
        if lacking:
            raise DataError(
                f"The {role} (column {column!r}) is missing in {rows_in_words(lacking)} of {where}:"
                " fill it in, or take these rows out."
            )
        good = (str, int, float) if role == "label" else (str,)  # bool is an int
        wrong = [n for n, row in enumerate(rows, start=1) if not isinstance(row[column], good)]
        if wrong:
            value = rows[wrong[0] - 1][column]
            kinds = "text or a number" if role == "label" else "text"
            raise DataError(
                f"The {role} (column {column!r}) must be {kinds}, but is {_short(value)} in "
                f"{rows_in_words(wrong)} of {where}: set {role}_column to another column, or turn "
                "its values into text."
            )
        blank = [n for n, row in enumerate(rows, start=1) if not str(row[column]).strip()]
        if blank:
            raise DataError(
                f"The {role} (column {column!r}) is empty in {rows_in_words(blank)} of {where}: "
                "fill it in, or take these rows out."
            )
        broken = [n for n, row in enumerate(rows, start=1) if not _is_unicode(str(row[column]))]
        if broken:
            raise DataError(
                f"The {role} (column {column!r}) holds half a surrogate pair, which no tokenizer "
                f"reads, in {rows_in_words(broken)} of {where}: mend or take out these rows."
            )


def check_labels(train: Sequence[Row], column: str, where: str) -> tuple[str, ...]:
    """List the labels of the training rows, sorted, if they can be labels.

    Examples
    --------
    >>> check_labels([{"label": 1}, {"label": 0}, {"label": 1}], "label", "rows.csv")
    ('0', '1')
    """
    counts = Counter(str(row[column]) for row in train)
    if len(counts) == 1:
        raise DataError(
            f"The label (column {column!r}) must have at least two different values, but is "
            f"{next(iter(counts))!r} in all of {where}: set label_column to another column, or add "
            "rows with other labels."
        )
    if len(counts) > MANY_LABELS and len(counts) > len(train) / 2:
        raise DataError(
            f"The label (column {column!r}) has {len(counts)} different values in the "
            f"{len(train)} rows of {where}, so it is probably no label but a text or an id: set "
            "label_column to another column."
        )
    return tuple(sorted(counts))


def check_known_labels(
    rows: Sequence[Row], column: str, labels: Sequence[str], where: str, train: str
) -> None:
    """Refuse evaluation rows with a label that cannot have been learnt."""
    known = set(labels)
    unknown = [n for n, row in enumerate(rows, start=1) if str(row[column]) not in known]
    if unknown:
        label = str(rows[unknown[0] - 1][column])
        rest = f", the first of {len(unknown)} such rows" if len(unknown) > 1 else ""
        raise DataError(
            f"Unknown label {label!r} in row {unknown[0]} of {where}{rest}: a label must be in "
            f"{train} to be learnt, {suggest(label, labels)}"
        )


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _is_unicode(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:39] + "…"
