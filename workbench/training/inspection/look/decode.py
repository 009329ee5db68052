"""From token ids to the pieces of text that they stand for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from workbench.training.inspection.look.marks import CUT, LEARNED, PADDING, SCORED, Piece, Span

UNFINISHED = "\ufffd"  # what bytes that are no whole character are decoded to
MOST_BYTES = 8  # tokens that may make one character


class Decoder:
    """Decodes a tokenizer's ids, each token by itself where that is text.

    Parameters
    ----------
    tokenizer : transformers.PreTrainedTokenizerBase
    """

    def __init__(self, tokenizer: Any):
        self._tokenizer = tokenizer
        added = getattr(tokenizer, "added_tokens_decoder", {})
        self.special = {number for number, token in added.items() if token.special}
        self.special |= set(tokenizer.all_special_ids)

    def text(self, ids: Sequence[int]) -> str:
        """Decode ids as one text, special tokens by their names."""
        return self._tokenizer.decode(list(ids), clean_up_tokenization_spaces=False)

    def pieces(self, ids: Sequence[int], tags: Sequence[str | None] = ()) -> list[Piece]:
        """Split ids into pieces; blanks before a word are with the word.

        Parameters
        ----------
        ids : sequence of int
        tags : sequence of str or None, optional
            The tag of each token.
        """
        pieces: list[Piece] = []
        before: int | None = None
        place = 0
        while place < len(ids):
            tag = tags[place] if tags else None
            number = ids[place]
            if number in self.special:
                name = str(self._tokenizer.convert_ids_to_tokens(number))
                pieces.append(Piece(name, (number,), True, tag))
                before = None
                place += 1
                continue
            group, text = self._group(ids[place : place + MOST_BYTES], before)
            text = text or str(self._tokenizer.convert_ids_to_tokens(number))
            pieces.append(Piece(text, tuple(group), False, tag))
            before = None if UNFINISHED in text else group[-1]
            place += len(group)
        return pieces

    def _group(self, ids: Sequence[int], before: int | None) -> tuple[list[int], str]:
        """Return the first id, or as many as make whole characters, and their text."""
        group: list[int] = []
        for number in ids:
            if number in self.special:
                break
            group.append(number)
            text = self._text_behind(before, group)
            if UNFINISHED not in text:
                return group, text
        return [ids[0]], self._text_behind(before, [ids[0]])

    def _text_behind(self, before: int | None, ids: Sequence[int]) -> str:
        """Decode ids behind another one: at the beginning of a text some tokenizers drop a blank."""
        if before is not None:
            head, whole = self.text([before]), self.text([before, *ids])
            if whole.startswith(head):
                return whole[len(head) :]
        return self.text(ids)


def make_spans(
    ids: Sequence[int],
    marks: Sequence[str],
    tags: Sequence[str | None],
    decoder: Decoder,
    most: int,
) -> list[Span]:
    """Group neighbouring tokens of one mark, and decode those that are shown.

    Parameters
    ----------
    ids, marks, tags
        Of each token; ``tags`` may be empty.
    decoder : Decoder
    most : int
        How many tokens of a span are shown, and a third of how many of all.
    """
    spans: list[Span] = []
    room = 3 * most
    for mark, first, last in _stretches(marks):
        if room <= 0:
            rest = marks[first:]
            learned = sum(mark in (LEARNED, SCORED) for mark in rest)
            spans.append(Span("", len(rest), omitted=len(rest), learned=learned))
            break
        span = _span(mark, ids[first:last], tags[first:last], decoder, min(most, max(room, 2)))
        spans.append(span)
        room -= span.tokens - span.omitted
    return spans


def _stretches(marks: Sequence[str]) -> Iterator[tuple[str, int, int]]:
    first = 0
    for mark, group in groupby(marks):
        last = first + sum(1 for _ in group)
        yield mark, first, last
        first = last


def _span(
    mark: str, ids: Sequence[int], tags: Sequence[str | None], decoder: Decoder, most: int
) -> Span:
    count = len(ids)
    if mark == PADDING:
        return Span(mark, count)
    if count <= most:
        return Span(mark, count, tuple(decoder.pieces(ids, tags)))
    # Of what is read only or learned, beginning and end say most.
    head = most if mark == CUT else 2 * most // 3
    tail = most - head
    omitted = count - most
    return Span(
        mark,
        count,
        tuple(decoder.pieces(ids[:head], tags[:head])),
        omitted,
        tuple(decoder.pieces(ids[count - tail :], tags[count - tail :])) if tail else (),
        omitted if mark in (LEARNED, SCORED) else 0,
    )
