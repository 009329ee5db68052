"""Whether the first line of a table names its columns or is a row already."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.registry.tasks import ROLES

# Names that columns have often, and texts and labels hardly ever.
NAMES = {
    *ROLES,
    *("id", "idx", "index", "text", "sentence", "sentence1", "sentence2", "review", "content"),
    *("message", "question", "answer", "answers", "response", "instruction", "input", "output"),
    *("query", "title", "category", "intent", "class", "labels", "sentiment", "target", "score"),
    *("ner_tags", "words", "context", "premise", "hypothesis", "source", "file_name", "rating"),
}
LONGEST = 50  # characters of a name
FEW = 2  # rows, among which one that repeats the first line says nothing


def is_header(first: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Guess whether the first line names the columns; in doubt it does.

    It does not where one of its fields is a number, is longer than a name, or comes again below.

    Examples
    --------
    >>> is_header(["mood", "what"], [["good", "a film"], ["bad", "a film"]])
    True
    >>> is_header(["good", "a play"], [["good", "a film"], ["bad", "a film"]])
    False
    """
    names = [name.strip().lower() for name in first]
    if NAMES & set(names) or "" in names or len(set(names)) < len(names):
        return True
    if names == [str(number) for number in range(len(names))]:  # as pandas numbers columns
        return True
    if any(len(name) > LONGEST or _is_number(name) for name in names):
        return False
    return len(rows) < FEW or not any(
        name == _cell(row, n) for n, name in enumerate(names) for row in rows
    )


def _cell(row: Sequence[str], number: int) -> str | None:
    return row[number].strip().lower() if number < len(row) else None


def _is_number(text: str) -> bool:
    return text.removeprefix("-").replace(".", "", 1).isdigit()
