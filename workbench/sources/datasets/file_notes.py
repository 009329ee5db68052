"""What is worth saying of how files were read."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path

from workbench.display.wording import rows_in_words
from workbench.sources.datasets.read_source import Part
from workbench.sources.datasets.readers import File, Row
from workbench.sources.datasets.source import Source


def file_notes(
    source: Source, train: Part, evaluation: Part | None, columns: Mapping[str, str]
) -> list[str]:
    """Return the notes on a source's files: how they were read, and what was left out.

    Parameters
    ----------
    source : Source
    train, evaluation : Part
    columns : mapping of str to str
        Role to column.
    """
    where = source.describe()
    notes = [
        note
        for part, name in ((train, where), (evaluation, source.describe("eval")))
        if part is not None and (note := part.note(name)) is not None
    ]
    if any(file.option("header") is False for file in source.train_files):
        used = " and ".join(f"the {role} is {column!r}" for role, column in columns.items())
        notes.append(
            f"{where} has no header, so its columns are called column_1, column_2 and so on ({used}): put "
            "a line with their names above it if it is wrong."
        )
    if any(file.option("escapechar") for file in source.train_files):
        notes.append(
            f"Backslashes of {where} are read as escapes, as they stand before its quotes."
        )
    notes += [text_note(file, train.rows) for file in source.train_files if file.format == "text"]
    return notes + _swallowed_lines(train.rows, columns, source)


def text_note(file: File, rows: Sequence[Row]) -> str:
    """Say what one row is of a file of plain text."""
    kind = file.option("sample_by")
    return f"Each {kind} of {Path(file.path).name} is one text, {len(rows):,} in all."


def _swallowed_lines(rows: list[Row], columns: Mapping[str, str], source: Source) -> list[str]:
    """Notice rows that a stray pair of quotes has probably joined into one."""
    files = [file for file in source.train_files if file.format == "csv"]
    if not files:
        return []
    delimiter = files[0].option("delimiter", ",")
    name = {"\t": "tab", ",": "comma", ";": "semicolon"}.get(delimiter, "delimiter")
    values = {column: {row.get(column) for row in rows} for column in columns.values()}
    joined = [
        number
        for number, row in enumerate(rows, start=1)
        if any(_is_joined(row, column, delimiter, values) for column in columns.values())
    ]
    if not joined:
        return []
    note = (
        f"A quoted field spans lines and {name}s in {rows_in_words(joined)} of "
        f"{source.describe()}: if the file does not use quotes, these are several rows that "
        "were read as one."
    )
    return [note]


def _is_joined(row: Row, column: str, delimiter: str, values: Mapping[str, set]) -> bool:
    """Tell whether a field holds the ends of lines as other rows have them.

    Tabs hardly stand in texts, so that one is enough. Elsewhere each line within must have a row's number
    of delimiters, and a field of one of them must be a value of its column in other rows.
    """
    text = row.get(column)
    if not isinstance(text, str) or delimiter not in text or "\n" not in text:
        return False
    if delimiter == "\t":
        return True
    names = list(row)
    place, lines = names.index(column), text.split("\n")
    counts = [line.count(delimiter) for line in lines]
    inner = len(names) - 1
    if counts[0] != inner - place or counts[-1] != place or any(c != inner for c in counts[1:-1]):
        return False
    fields = [line.rstrip("\r").split(delimiter) for line in lines]
    cells = itertools.chain(
        zip(names[place:], fields[0], strict=True),
        *(zip(names, line, strict=True) for line in fields[1:-1]),
        zip(names[: place + 1], fields[-1], strict=True),
    )
    return any(name != column and cell in values.get(name, ()) for name, cell in cells)
