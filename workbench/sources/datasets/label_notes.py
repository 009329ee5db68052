"""What is odd about labels and still can be learnt."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from workbench.display.wording import MOST, joined, quoted
from workbench.sources.datasets.label_order import number
from workbench.sources.datasets.readers import Row

# A label with fewer rows is hardly learned; data with fewer rows is small as a whole.
FEW_ROWS, SMALL_DATA = 5, 20
# More different numbers are more likely scores than names of classes.
MANY_NUMBERS = 20


def label_notes(
    rows: Sequence[Row], columns: Mapping[str, str], labels: Sequence[str], named: bool, split: bool
) -> list[str]:
    """Say what is odd about the labels of rows.

    Parameters
    ----------
    rows : sequence of dict
        The training rows.
    columns : mapping of str to str
        Column of each role.
    labels : sequence of str
        The different labels.
    named : bool
        Whether the data has names for its classes, so that its numbers are no scores.
    split : bool
        Whether some of the rows will be held out for evaluation.
    """
    notes = similar(labels)
    if "label" not in columns:
        return notes
    values = [row[columns["label"]] for row in rows]
    notes += _types(values)
    if not named and (note := scores(labels, columns["label"])):
        return notes + note
    return notes + rare(values, labels, split)


def similar(labels: Iterable[str]) -> list[str]:
    """Say which labels are probably the same one.

    Examples
    --------
    >>> similar(["Good", "bad", "good "])[0]
    "The labels 'Good' and 'good ' are learned as different ones: if they mean the same, write them in one way."
    """
    alike: dict[Any, list[str]] = defaultdict(list)
    for label in labels:
        alike[_meaning(label)].append(label)
    return [
        f"The labels {joined(list(map(repr, group)))} are learned as different ones: if they mean the "
        "same, write them in one way."
        for group in alike.values()
        if len(group) > 1
    ]


def _meaning(label: str) -> Any:
    text = " ".join(label.split()).casefold()
    value = number({"true": "1", "false": "0"}.get(text, text))
    return text if value is None else value


def _types(values: Sequence[Any]) -> list[str]:
    types: dict[str, set[type]] = defaultdict(set)
    for value in values:
        types[str(value)].add(type(value))
    notes = []
    if mixed := sorted(label for label, kinds in types.items() if len(kinds) > 1):
        verb = "is" if len(mixed) == 1 else "are"
        notes.append(
            f"The label{'s' * (len(mixed) > 1)} {quoted(mixed)} {verb} text in some rows and no text "
            "in others: both count as one label."
        )
    if bools := sorted(label for label, kinds in types.items() if bool in kinds):
        notes.append(
            f"The labels true and false are called {joined(list(map(repr, bools)))} in this run."
        )
    return notes


def scores(labels: Sequence[str], column: str) -> list[str]:
    """Say that numbers become classes, where they look like scores.

    Examples
    --------
    >>> scores(["0", "1", "2"], "stars")
    []
    >>> "(regression)" in scores(["0.5", "1.0"], "stars")[0]
    True
    """
    values = [value for value in map(number, labels) if value is not None]
    if len(values) < len(labels) or not values:
        return []
    if len(values) <= MANY_NUMBERS and all(value == int(value) for value in values):
        return []
    note = (
        f"The label (column {column!r}) has {len(labels)} different numbers, from {labels[0]} to "
        f"{labels[-1]}, and each becomes a class of its own, as if none were nearer to another. If they "
        "are scores (regression), which no task here learns yet, put them into a few classes first."
    )
    return [note]


def rare(values: Sequence[Any], labels: Sequence[str], split: bool) -> list[str]:
    """Say which labels have too few rows to be learnt and scored."""
    if len(values) < SMALL_DATA:
        return []
    counts = Counter(map(str, values))
    few = sorted((label for label in labels if counts[label] < FEW_ROWS), key=counts.__getitem__)
    if not few:
        return []
    listed = [f"{label!r} ({counts[label]})" for label in few]
    if len(few) > MOST:
        listed = [*listed[: MOST - 1], f"{len(few) - MOST + 1} more"]
    note = (
        f"Labels with fewer than {FEW_ROWS} rows are hardly learned: {joined(listed)}. Add rows, or join "
        "labels."
    )
    if split and counts[few[0]] == 1:
        note += " A label's only row is trained on, so the score does not include it."
    return [note]
