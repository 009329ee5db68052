"""Encoded rows, with how long they are without a limit and what the limit takes from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class EncodedRows(list[dict]):
    """Encoded rows, with their lengths; unlike a list it can be referred to weakly, and so be shared.

    Parameters
    ----------
    rows : sequence of dict
    full_lengths : sequence of int
        How many tokens each row has without a limit; empty for images.
    losses : mapping of str to int
        How many rows lose which part of a conversation; see :func:`lost_parts`.
    """

    def __init__(
        self,
        rows: Sequence[dict],
        full_lengths: Sequence[int],
        losses: Mapping[str, int] | None = None,
    ):
        super().__init__(rows)
        self.full_lengths = full_lengths
        self.losses = losses or {}


def lost_parts(whole: Mapping[str, Any], cut: Mapping[str, Any]) -> list[str]:
    """Name what an encoded conversation lost: its beginning, all of its prompt, the end of its answer.

    Examples
    --------
    >>> whole = {"labels": [-100, -100, -100, 5, 6], "answer_ids": [5, 6]}
    >>> lost_parts(whole, {"labels": [-100, 5], "answer_ids": [5]})
    ['all of the prompt but its last token', 'the end of the answer']
    """
    before = len(whole["labels"]) - len(whole["answer_ids"])
    left = len(cut["labels"]) - len(cut["answer_ids"])
    parts = []
    if left < before:
        parts.append(
            "the beginning of the prompt" if left > 1 else "all of the prompt but its last token"
        )
    if len(cut["answer_ids"]) < len(whole["answer_ids"]):
        parts.append("the end of the answer")
    return parts
