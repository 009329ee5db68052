"""How messages about data name rows, columns and choices."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from workbench.errors import did_you_mean

MOST = 12


def suggest(word: object, options: Collection[str]) -> str:
    """End a sentence with the nearest of some options, or with a list of not too many.

    Examples
    --------
    >>> suggest("txt", ["text", "label"])
    "did you mean 'text'?"
    >>> suggest("xyzzy", ["text", "label"])
    "choose from 'text', 'label'."
    """
    hint = did_you_mean(str(word), options)
    return hint if hint.endswith("?") else f"choose from {quoted(options)}."


def quoted(names: Collection[str]) -> str:
    """List names, the first few of very many.

    Examples
    --------
    >>> quoted(["a", "b"])
    "'a', 'b'"
    >>> quoted([str(i) for i in range(99)]).endswith("'11' and 87 more")
    True
    """
    listed = ", ".join(repr(name) for name in list(names)[:MOST])
    return f"{listed} and {len(names) - MOST} more" if len(names) > MOST else listed


def joined(words: Sequence[str], last: str = "and") -> str:
    """List words as in a sentence.

    Examples
    --------
    >>> joined(["texts"]), joined(["texts", "images", "rows"], "or")
    ('texts', 'texts, images or rows')
    """
    return f" {last} ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def rows_in_words(numbers: Sequence[int]) -> str:
    """Name the first few of some rows, and say how many there are.

    Examples
    --------
    >>> rows_in_words([7])
    'row 7'
    >>> rows_in_words([2, 3, 5, 8, 13])
    'rows 2, 3, 5 and 2 more'
    """
    if len(numbers) == 1:
        return f"row {numbers[0]}"
    if len(numbers) <= 3:
        return f"rows {', '.join(map(str, numbers[:-1]))} and {numbers[-1]}"
    return f"rows {', '.join(map(str, numbers[:3]))} and {len(numbers) - 3} more"
