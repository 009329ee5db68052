"""Which tokens of a row a limit has cut off."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def with_cuts(kept: Sequence[T], whole: Sequence[T]) -> list[tuple[T, bool]]:
    """Return a row's tokens in their order, each with whether it was cut off.

    Parameters
    ----------
    kept : sequence
        The tokens within the limit.
    whole : sequence
        The tokens without a limit.

    Returns
    -------
    list of tuple
        All of ``kept`` in order, with those of ``whole`` that are missing where they would be.

    Examples
    --------
    >>> with_cuts("cd", "abcd")
    [('a', True), ('b', True), ('c', False), ('d', False)]
    >>> with_cuts("[a]", "[ab]")
    [('[', False), ('a', False), ('b', True), (']', False)]
    """
    kept, whole = list(kept), list(whole)
    for start in (len(whole) - len(kept), 0):  # the end or the beginning is kept
        if start >= 0 and whole[start : start + len(kept)] == kept:
            return _around(kept, whole[:start], whole[start + len(kept) :])
    before = _shared(kept, whole)
    after = _shared(kept[before:][::-1], whole[before:][::-1])
    place = _place(kept, whole) if before + after < len(kept) else None
    if place is not None:
        return _around(kept, whole[:place], whole[place + len(kept) :])
    # Kept at both ends, as between special tokens; what was put in the place of the rest is kept too.
    middle = whole[before : len(whole) - after]
    return [
        *((token, False) for token in kept[: len(kept) - after]),
        *((token, True) for token in middle),
        *((token, False) for token in kept[len(kept) - after :]),
    ]


def _around(kept: list[T], before: list[T], after: list[T]) -> list[tuple[T, bool]]:
    parts = ((before, True), (kept, False), (after, True))
    return [(token, cut) for part, cut in parts for token in part]


def _shared(first: Sequence[T], second: Sequence[T]) -> int:
    """Return how many tokens two sequences have in common at their beginning."""
    count = 0
    for one, other in zip(first, second, strict=False):
        if one != other:
            break
        count += 1
    return count


def _place(kept: list[T], whole: list[T]) -> int | None:
    """Return where a sequence stands within another one."""
    for start in range(len(whole) - len(kept) + 1):
        if whole[start] == kept[0] and whole[start : start + len(kept)] == kept:
            return start
    return None
