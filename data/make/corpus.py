"""The corpus of the bundled base model: all that is told of Otterbeck, document by document.

No document is taken from anywhere: each is drawn from the generators in `data.make.world`. A
document that holds a whole row of one of the bundled data sets or a plain test sentence is left
out, and so is, from the held-out documents, each that the training documents have too.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from data.make.plain_tests import BEFORE_GRAMMAR, BEYOND_FRAMES
from data.make.world.counter import Counter
from data.make.world.echoes import Echoes
from data.make.world.lives import Lives
from data.make.world.people import build_world
from data.make.world.plain import Plain
from data.make.world.tales import Tales
from data.make.world.verdicts import Verdicts
from data.make.world.voice import Voice

DATA = Path(__file__).parents[1]
WORLD_SEED = 0
# Shares of documents in the three parts of the corpus, which are read one after the other. By the
# second part the facts are mostly known, and the sayings get more room. The third puts the words
# together freely, and keeps the rest in mind.
FIRST = {Lives: 0.37, Verdicts: 0.28, Counter: 0.16, Tales: 0.19}
SECOND = {Lives: 0.24, Verdicts: 0.16, Echoes: 0.28, Counter: 0.2, Tales: 0.12}
THIRD = {Plain: 0.4, Lives: 0.2, Verdicts: 0.11, Echoes: 0.14, Counter: 0.1, Tales: 0.05}
_PIECE = re.compile(r'["\n]|(?<=[.!?]) ')


def documents(seed: int, shares: Mapping[type, float] = FIRST) -> Iterator[str]:
    """Write documents without end; the same seed gives the same ones.

    Parameters
    ----------
    seed
        The source of all chance.
    shares
        The writers, and the share of the documents that each writes.

    Examples
    --------
    >>> from itertools import islice
    >>> list(islice(documents(1), 5)) == list(islice(documents(1), 5))
    True
    """
    rng = random.Random(f"corpus {seed}")
    voice = Voice(build_world(WORLD_SEED), rng)
    kinds, weights = [], []
    for writer, share in shares.items():
        told = writer(voice).kinds()
        whole = sum(weight for _, weight in told)
        kinds += [kind for kind, _ in told]
        weights += [share * weight / whole for _, weight in told]
    while True:
        for kind in rng.choices(kinds, weights, k=1000):
            yield kind()


class Rows:
    """The rows of the bundled data sets, which the corpus must not hold.

    Parameters
    ----------
    texts
        Their texts.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self._by_start: dict[str, list[str]] = {}
        for text in texts:
            pieces = [piece for piece in _PIECE.split(text) if piece]
            self._by_start.setdefault(pieces[0], []).append(text)

    def inside(self, document: str) -> bool:
        """Whether a document holds a whole row.

        Examples
        --------
        >>> Rows(["It leaked. I was cross."]).inside('She said: "It leaked. I was cross."')
        True
        """
        return any(
            row in document
            for piece in _PIECE.split(document)
            for row in self._by_start.get(piece, ())
        )


def bundled_rows(folder: Path = DATA) -> Rows:
    """Read the rows of the bundled data sets that are there, and the plain test sentences."""
    texts = [*BEYOND_FRAMES, *BEFORE_GRAMMAR]
    for path in sorted(folder.glob("*/*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            texts.append(row.get("text") or row.get("prompt") or row.get("question"))
    return Rows(text for text in texts if text)


def held_out(
    seed: int, shares: Mapping[type, float], count: int, training: set[int], rows: Rows
) -> list[str]:
    """Write `count` documents that training does not have.

    Parameters
    ----------
    seed
        Another one than that of training.
    shares
        As in `documents`.
    count
        How many.
    training
        The hashes of the training documents.
    rows
        What no document may hold.
    """
    kept: list[str] = []
    for document in documents(seed, shares):
        if hash(document) not in training and not rows.inside(document):
            kept.append(document)
            if len(kept) == count:
                break
    return kept
