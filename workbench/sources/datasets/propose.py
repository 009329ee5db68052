"""What data with columns of any names could be for: a task, and a column for each of its roles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from workbench.errors import DataError
from workbench.registry.tasks import TASKS
from workbench.sources.datasets.columns import choose_columns, columns_of
from workbench.sources.datasets.load import GUESSES
from workbench.sources.datasets.readers import Row

READ = 2000  # rows that are looked at
MOST_LABELS = 50  # a column with more values is no label
WORDS = 3  # that a text has on average, and a label has not


@dataclass(frozen=True)
class Proposal:
    """A task, and its columns.

    Parameters
    ----------
    task : str
    columns : dict of str to str
        Role to column.
    """

    task: str
    columns: dict[str, str] = field(default_factory=dict)


def propose(rows: Sequence[Row]) -> Proposal | None:
    """Propose a task for rows: by the names of their columns, or else by what is in them.

    Examples
    --------
    >>> rows = [{"nr": n, "what": "a text of words", "mood": "ab"[n % 2]} for n in range(9)]
    >>> propose(rows)
    Proposal(task='classify', columns={'text': 'what', 'label': 'mood'})
    >>> propose([{"question": "how many are there?", "answer": "two"}]).task
    'instruct'
    """
    rows = rows[:READ]
    names = columns_of(rows)
    for task in GUESSES:
        try:
            columns, _ = choose_columns(task, names, {}, {}, "the data")
        except DataError:
            continue
        # A text among other columns may be more than a text.
        if len(TASKS[task].roles) > 1 or len(names) == 1:
            return Proposal(task, columns)
    return _by_values(rows, names)


def _by_values(rows: Sequence[Row], names: Sequence[str]) -> Proposal | None:
    texts = {name: words for name in names if (words := _mean_words(rows, name)) >= WORDS}
    labels = {
        name: count
        for name in names
        if name not in texts and 2 <= (count := _distinct(rows, name)) <= MOST_LABELS
    }
    if texts and labels:
        text, label = max(texts, key=texts.__getitem__), min(labels, key=labels.__getitem__)
        return Proposal("classify", {"text": text, "label": label})
    if len(texts) > 1:
        return Proposal("instruct", dict(zip(TASKS["instruct"].roles, texts, strict=False)))
    return Proposal("lm", {"text": next(iter(texts))}) if texts else None


def _mean_words(rows: Sequence[Row], name: str) -> float:
    """Return how many words a column's values have on average; 0 where one is no text."""
    words = [len(value.split()) for row in rows if isinstance(value := row.get(name), str)]
    return sum(words) / len(words) if len(words) == len(rows) else 0


def _distinct(rows: Sequence[Row], name: str) -> int:
    """Return how many different values a column has; 0 where they cannot be labels."""
    values = [row.get(name) for row in rows]
    if not all(isinstance(value, str | int) for value in values):
        return 0
    count = len(set(map(str, values)))
    return count if count <= len(rows) / 2 else 0
