"""A deck of cards, dealt in random order so that none is forgotten."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any, TypeVar

Card = TypeVar("Card")


class Deck:
    """Deals the phrases of a list in random order, each once before any comes again."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._piles: dict[object, list[Any]] = {}

    def deal(self, key: object, cards: Sequence[Card]) -> Card:
        """Deal one of `cards`; `key` names their pile."""
        pile = self._piles.get(key)
        if not pile:
            pile = list(cards)
            self._rng.shuffle(pile)
            self._piles[key] = pile
        card: Card = pile.pop()
        return card
