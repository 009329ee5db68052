"""What is known of the tokens of a few rows, as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from workbench.recipe import Recipe

LEARNED = "learned"
SCORED = "scored"
READ = "read only"
CUT = "cut off"
PADDING = "padding"
VIRTUAL = "virtual"

# Each mark in a few words; special is a form that a token of any mark can have.
MEANINGS = {
    LEARNED: "the loss counts it",
    SCORED: "nothing is trained; the base is scored on it",
    READ: "the model sees it, the loss does not count it",
    CUT: "too long for max_length: the model never sees it",
    "special": "a token that stands for no text; learned if it is marked so",
    PADDING: "fills up a batch of these rows",
    VIRTUAL: "trained vectors in the place of tokens",
}


@dataclass(frozen=True)
class Piece:
    """A token, or several that only together are characters.

    Parameters
    ----------
    text : str
        What it stands for; a special token's name.
    ids : tuple of int
        The tokens' numbers.
    special : bool
        Whether it is a special token, such as one that ends a turn.
    tag : str or None
        The tag that is learned for it, where words have tags.
    """

    text: str
    ids: tuple[int, ...]
    special: bool = False
    tag: str | None = None


@dataclass(frozen=True)
class Span:
    """Neighbouring tokens with one mark.

    Parameters
    ----------
    mark : str
        One of :data:`MEANINGS`; empty for the rest of a stream that is not shown.
    tokens : int
        How many there are.
    head, tail : tuple of Piece
        The first and the last of them that are shown.
    omitted : int
        How many tokens between these are not shown.
    learned : int
        How many of the omitted are learned.
    """

    mark: str
    tokens: int
    head: tuple[Piece, ...] = ()
    omitted: int = 0
    tail: tuple[Piece, ...] = ()
    learned: int = 0


@dataclass(frozen=True)
class Stream:
    """Tokens that go into the model one behind another.

    Parameters
    ----------
    title : str
        Who reads or writes them, where a model has an encoder and a decoder; else empty.
    ids : tuple of int
        All tokens, those that are cut off among them, without padding and virtual tokens.
    marks : tuple of str
        The mark of each.
    spans : tuple of Span
        The same as it is shown.
    """

    title: str
    ids: tuple[int, ...]
    marks: tuple[str, ...]
    spans: tuple[Span, ...]

    def count(self, *marks: str) -> int:
        """Count the tokens with any of some marks."""
        return sum(mark in marks for mark in self.marks)


@dataclass(frozen=True)
class Row:
    """One row as the model gets it.

    Parameters
    ----------
    number : int
        Its number in the data, from 1.
    streams : tuple of Stream
        Its tokens; two where an encoder reads and a decoder learns; none for images.
    target : tuple of str
        The decoded text that is learned, a part for each stretch of it; or how often each tag occurs.
    label : str or None
        The label, where the row has one for all its tokens.
    note : str
        What else is to be known of the row.
    prompt : str
        The whole text that the base is asked, where nothing is trained.
    image, pixels : object
        An image's path or bytes, and what the model reads of it: an array of shape (channels, height,
        width) with values from 0 to 1. None for texts.
    """

    number: int
    streams: tuple[Stream, ...]
    target: tuple[str, ...] = ()
    label: str | None = None
    note: str = ""
    prompt: str = field(default="", repr=False)
    image: Any = field(default=None, repr=False)
    pixels: Any = field(default=None, repr=False)

    @property
    def tokens(self) -> int:
        """How many tokens the model gets."""
        return self.count(LEARNED, SCORED, READ)

    def count(self, *marks: str) -> int:
        """Count the tokens of all streams with any of some marks."""
        return sum(stream.count(*marks) for stream in self.streams)


@dataclass(frozen=True)
class Counts:
    """What happens to the first rows of the data.

    Parameters
    ----------
    rows, of : int
        How many rows were looked at, of how many.
    tokens, learned, cut_tokens : int
        How many tokens the model gets of them, how many of those are learned (or scored, where nothing
        is trained), and how many are cut off.
    cut : int
        Rows that lose any tokens.
    start, end : int
        Rows that lose tokens at their start, and at their end (of any stream).
    prompt : int
        Rows that lose all the text that stands before what is learned.
    target : int
        Rows that lose a part of what is learned.
    nothing : int
        Rows with nothing left: nothing to learn, or nothing to read where a row has one label.
    asked : int
        Prompts that lose tokens only in evaluations, to leave room for the answer.
    """

    rows: int
    of: int
    tokens: int = 0
    learned: int = 0
    cut_tokens: int = 0
    cut: int = 0
    start: int = 0
    end: int = 0
    prompt: int = 0
    target: int = 0
    nothing: int = 0
    asked: int = 0

    @property
    def share(self) -> float:
        """The share of tokens that are learned, from 0 to 1."""
        return self.learned / self.tokens if self.tokens else 0.0

    @property
    def complete(self) -> bool:
        """Whether all rows were looked at."""
        return self.rows == self.of


@dataclass(frozen=True)
class Preview:
    """A few rows of a recipe's data as its model gets them, and what happens to the first ones.

    Parameters
    ----------
    recipe : Recipe
        With all its settings filled in.
    rows : tuple of Row
    counts : Counts
    limit : int
        How many tokens a row may have; 0 for images.
    unused : tuple of str
        Columns of the data that the model does not get.
    notes : tuple of str
        What else is to be known of the data.
    """

    recipe: Recipe
    rows: tuple[Row, ...]
    counts: Counts
    limit: int
    unused: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def marks_of(rows: Sequence[Row]) -> list[str]:
    """Name the marks that occur in some rows, in the order of :data:`MEANINGS`.

    Examples
    --------
    >>> spans = (Span("read only", 1, (Piece("<s>", (1,), special=True),)), Span("learned", 1))
    >>> marks_of([Row(1, (Stream("", (1, 2), ("read only", "learned"), spans),))])
    ['learned', 'read only', 'special']
    """
    spans = [span for row in rows for stream in row.streams for span in stream.spans]
    marks = {span.mark for span in spans}
    if any(piece.special for span in spans for piece in (*span.head, *span.tail)):
        marks.add("special")
    return [mark for mark in MEANINGS if mark in marks]
