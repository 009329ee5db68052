"""The voice that tells everything: chance, names, pronouns and templates with choices."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from typing import TypeVar

from data.make.lexicon.phrase import with_article
from data.make.world.people import Person, World

Card = TypeVar("Card")
_CHOICE = re.compile(r"\[([^\[\]]*)\]")


def capital(text: str) -> str:
    """Begin with a capital letter.

    Examples
    --------
    >>> capital("'yes,' she said.")
    "'Yes,' she said."
    """
    start = len(text) - len(text.lstrip("\"'"))
    return text[:start] + text[start : start + 1].upper() + text[start + 1 :]


def pronouns(person: Person) -> dict[str, str]:
    """The words that stand for a person, with and without a capital."""
    small = (
        {"he": "she", "him": "her", "his": "her", "himself": "herself"}
        if person.female
        else {"he": "he", "him": "him", "his": "his", "himself": "himself"}
    )
    return small | {"He": capital(small["he"]), "His": capital(small["his"])}


class Voice:
    """Chance and words for one text after another.

    Parameters
    ----------
    world
        Who and what is spoken of.
    rng
        The source of all chance.
    """

    def __init__(self, world: World, rng: random.Random) -> None:
        self.world = world
        self.rng = rng
        self.women = [person for person in world.people if person.female]
        self.adults = [person for person in world.people if not person.child]
        self.shops = [place for place in world.places if place.shop]

    def one(self, cards: Sequence[Card]) -> Card:
        """One of `cards`."""
        return cards[int(self.rng.random() * len(cards))]

    def chance(self, probability: float) -> bool:
        """True so often."""
        return self.rng.random() < probability

    def people(self, count: int) -> list[Person]:
        """Several different people."""
        return self.rng.sample(self.world.people, count)

    def name(self, person: Person) -> str:
        """The full name or the first name, which is enough to know a person by."""
        return person.name if self.chance(0.5) else person.first

    def say(self, template: str, **slots: str) -> str:
        """Fill the slots and take one of each ``[this|that]``, the inner ones first.

        Examples
        --------
        >>> from data.make.world.people import build_world
        >>> voice = Voice(build_world(), random.Random(1))
        >>> voice.say("[the {what}|a {what}] [sang|slept]", what="hen")
        'The hen slept'
        """
        while True:
            chosen = _CHOICE.sub(lambda match: self.one(match.group(1).split("|")), template)
            if chosen == template:
                break
            template = chosen
        return capital(template.format(**slots))

    def of(self, person: Person, template: str, **slots: str) -> str:
        """Say something of a person: {n} is the name, {he} and so on the pronouns."""
        return self.say(template, n=person.first, full=person.name, **(pronouns(person) | slots))


__all__ = ["Voice", "capital", "pronouns", "with_article"]
