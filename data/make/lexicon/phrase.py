"""What a phrase of the lexicons is, and how it is put into the mouth of a person.

A phrase is kept once, in the past tense where it can be, with slots where the person shows.
The reviews and messages say it in the first person; a story about the village says the same
words of somebody else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Split = Literal["train", "test", "both"]
Polarity = Literal["positive", "negative"]

PERSONS: dict[str, dict[str, str]] = {
    "I": {
        "I": "I", "me": "me", "my": "my", "mine": "mine", "myself": "myself",
        "s": "", "es": "", "have": "have", "try": "try", "am": "am", "was": "was", "do": "do",
        "shop": "you", "the_shop": "your shop", "shops": "your", "has": "have", "z": "",
    },
    "he": {
        "I": "he", "me": "him", "my": "his", "mine": "his", "myself": "himself",
        "s": "s", "es": "es", "have": "has", "try": "tries", "am": "is", "was": "was", "do": "does",
    },
    "she": {
        "I": "she", "me": "her", "my": "her", "mine": "hers", "myself": "herself",
        "s": "s", "es": "es", "have": "has", "try": "tries", "am": "is", "was": "was", "do": "does",
    },
    "they": {
        "I": "they", "me": "them", "my": "their", "mine": "theirs", "myself": "themselves",
        "s": "", "es": "", "have": "have", "try": "try", "am": "are", "was": "were", "do": "do",
    },
}  # fmt: skip
# Whoever speaks in the first person writes to the shop; a story speaks of both.
_THE_SHOP = {
    "shop": "the shop", "the_shop": "the shop", "shops": "the shop's", "has": "has", "z": "s",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Phrase:
    """One evaluative phrase: a predicate in the past tense, to follow a noun of its aspect.

    Parameters
    ----------
    text
        The predicate, such as ``"kept everyone guessing"``; may hold slots for `render`.
    polarity
        ``"positive"`` or ``"negative"``.
    subject
        ``"film"`` or ``"product"``.
    aspect
        What it speaks of: a key of `FILM_NOUNS` or `PRODUCT_NOUNS`, or ``"viewer"`` or ``"buyer"``
        for what a person did or felt.
    split
        The only split whose texts may use it; ``"both"`` for the shared ones.
    """

    text: str
    polarity: Polarity
    subject: str
    aspect: str
    split: Split


def render(text: str, person: str = "I", **slots: str) -> str:
    """Fill the slots of `text` for `person`.

    Parameters
    ----------
    text
        A phrase with slots such as ``{I}``, ``{my}``, ``{have}``, ``want{s}``.
    person
        A key of `PERSONS`.
    **slots
        More slots (``item="kettle"``), or other words for a person's (``I="Anna"``).

    Returns
    -------
    str
        The phrase with no slots left.

    Examples
    --------
    >>> render("{I} want{s} {my} money back")
    'I want my money back'
    >>> render("{I} want{s} {my} money back", "she", I="Anna")
    'Anna wants her money back'
    >>> render("{an_item} was missing", item="umbrella")
    'an umbrella was missing'
    """
    words = _THE_SHOP | PERSONS[person] | slots
    if "item" in words:
        words["an_item"] = with_article(words["item"])
    return text.format(**words)


def with_article(noun: str) -> str:
    """Put ``a`` or ``an`` before a noun of the lexicons.

    Examples
    --------
    >>> with_article("kettle"), with_article("umbrella"), with_article("honest film")
    ('a kettle', 'an umbrella', 'an honest film')
    """
    silent_h = noun.startswith(("hour", "honest"))
    sounds_you = noun.startswith(("use", "uni", "one"))
    vowel = (noun[0] in "aeiou" or silent_h) and not sounds_you
    return f"{'an' if vowel else 'a'} {noun}"


def sentence(text: str, end: str = ".") -> str:
    """Make a clause a sentence: a capital at its start, a mark at its end.

    Examples
    --------
    >>> sentence("the plot kept everyone guessing")
    'The plot kept everyone guessing.'
    """
    return text[0].upper() + text[1:] + ("" if text[-1] in ".!?" else end)


def phrases_of(subject: str, aspect: str, table: dict[str, dict[str, str]]) -> list[Phrase]:
    """Read the phrases of one aspect: polarity, then split, then phrases between ``/``."""
    return [
        Phrase(" ".join(text.split()), polarity, subject, aspect, split)
        for polarity, by_split in table.items()
        for split, block in by_split.items()
        for text in block.split("/")
    ]
