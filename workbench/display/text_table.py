"""A table as lines of plain text."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any


def text_table(rows: Sequence[Mapping[str, Any]], width: int | None = None) -> Iterator[str]:
    """Yield the lines of a table, the columns' names first.

    Parameters
    ----------
    rows : sequence of mapping
        Column to value; None, or no value, leaves the cell empty.
    width : int, optional
        Characters in a line, for which cells are wrapped; by default they are not.

    Examples
    --------
    >>> print(*text_table([{"name": "a", "size": 1000}, {"name": "bc"}]), sep="\\n")
    name  size
    a     1,000
    bc
    """
    names = list(dict.fromkeys(name for row in rows for name in row))
    table = [names, *([_cell(row.get(name)) for name in names] for row in rows)]
    widths = _widths(table, width)
    for line in table:
        wrapped = [
            textwrap.wrap(cell, column, break_on_hyphens=False)
            for cell, column in zip(line, widths, strict=True)
        ]
        for parts in itertools.zip_longest(*wrapped, fillvalue=""):
            cells = (part.ljust(column) for part, column in zip(parts, widths, strict=True))
            yield "  ".join(cells).rstrip()


def _widths(table: list[list[str]], total: int | None) -> list[int]:
    """Make columns as wide as their cells, or narrow the widest until the lines are short enough.

    No column gets narrower than its longest word.

    Examples
    --------
    >>> _widths([["name", "note"], ["a", "some words that can be wrapped"]], None)
    [4, 30]
    >>> _widths([["name", "note"], ["a", "some words that can be wrapped"]], 20)
    [4, 14]
    """
    columns = list(zip(*table, strict=True))
    widths = [max(map(len, column)) for column in columns]
    words = [max(len(word) for cell in column for word in cell.split()) for column in columns]
    while total is not None and sum(widths) + 2 * (len(widths) - 1) > total:
        slack = [i for i, width in enumerate(widths) if width > words[i]]
        if not slack:
            break
        widths[max(slack, key=lambda i: widths[i])] -= 1
    return widths


def _cell(value: Any) -> str:
    return "" if value is None else f"{value:,}" if isinstance(value, int) else str(value)
