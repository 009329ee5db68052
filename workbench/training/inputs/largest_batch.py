"""The widest batch of a run, found before its rows are encoded: it decides how much memory it takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

TRIED = 8  # batches with the most characters that are encoded: characters are not quite tokens
MANY = 50_000  # from so many rows on, the longest are taken to meet in one batch


def widest(
    rows: Sequence[dict],
    batches: Callable[[], Iterable[list[int]]],
    size: int,
    columns: Sequence[str],
    encode: Callable[[list[dict]], list[dict]],
) -> list[dict]:
    """Return the encoded rows of the batch that takes the most memory.

    Parameters
    ----------
    rows : sequence of dict
    batches : callable
        Returns the rows' numbers of each batch.
    size : int
        Rows in a batch.
    columns : sequence of str
        Those whose texts a row is made of; none for images, which are all of one size.
    encode : callable
        Encodes some rows.
    """

    def length(number: int) -> int:
        return sum(_length(rows[number][column]) for column in columns)

    if len(rows) > MANY:
        longest = sorted(range(len(rows)), key=length, reverse=True)
        return encode([rows[number] for number in longest[:size]])
    most = sorted(batches(), key=lambda one: len(one) * max(map(length, one)), reverse=True)
    encoded = [encode([rows[number] for number in batch]) for batch in most[:TRIED]]
    return max(encoded, key=padded)


def padded(rows: list[dict]) -> int:
    """Count the places of a batch, those of padding too: it is padded to its longest row.

    Images have no lengths: they are all of one size.
    """
    return len(rows) * (sum(map(max, zip(*map(sides, rows), strict=True))) or 1)


def sides(row: dict[str, Any]) -> list[int]:
    """Return the lengths of what is padded in a row: what the model reads, and what it writes."""
    return [len(row[key]) for key in ("input_ids", "labels") if isinstance(row.get(key), list)]


def _length(value: Any) -> int:
    return sum(map(len, map(str, value))) if isinstance(value, list | tuple) else len(str(value))
