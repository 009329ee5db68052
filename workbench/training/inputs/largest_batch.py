"""The largest batch of a run, which decides how much memory it takes, found before rows are encoded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

# How many of the batches with the most characters are encoded: the one with most tokens is among them.
TRIED = 8
# With more rows than this, the longest are taken to be in one batch.
MANY = 50_000


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
        Returns the row numbers of each batch.
    size : int
        Rows in a batch.
    columns : sequence of str
        The columns of a row's texts; none for images, which are all of one size.
    encode : callable
        Encodes a list of rows.

    Returns
    -------
    list of dict
        Encoded rows, ``size`` of them or fewer.
    """

    def length(number: int) -> int:
        return sum(_length(rows[number].get(column)) for column in columns)

    if len(rows) > MANY:
        longest = sorted(range(len(rows)), key=length, reverse=True)
        return encode([rows[number] for number in longest[:size]])

    def padded_length(batch: list[int]) -> int:
        return len(batch) * max(map(length, batch))

    largest = sorted(batches(), key=padded_length, reverse=True)[:TRIED]
    encoded = [encode([rows[number] for number in batch]) for batch in largest]
    return max(encoded, key=padded)


def padded(rows: list[dict]) -> int:
    """Count the tokens and labels of a batch of encoded rows, with those of its padding.

    Images have no tokens, and count as one each: they are all of one size.
    """
    return len(rows) * (sum(map(max, zip(*map(token_counts, rows), strict=True))) or 1)


def token_counts(row: dict[str, Any]) -> list[int]:
    """Return how many token ids an encoded row has, and how many labels if each token has one."""
    return [len(row[key]) for key in ("input_ids", "labels") if isinstance(row.get(key), list)]


def _length(value: Any) -> int:
    if value is None:
        return 0
    return sum(map(len, map(str, value))) if isinstance(value, list | tuple) else len(str(value))
