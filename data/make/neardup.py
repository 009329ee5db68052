"""Near-duplicates among short texts: what the bundled data sets must not hold.

Two texts are near-duplicates when they are the same once case, punctuation and numbers are
taken away, or when the Jaccard similarity of their word 3-shingles reaches `THRESHOLD`.

Run it over data folders to see their closest pairs::

    python -m data.make.neardup data/reviews data/support
"""

from __future__ import annotations

import argparse
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

# At 0.7 two texts share more than four fifths of their shingles each.
THRESHOLD = 0.7

_SHINGLE = 3
# Columns that tell what a row is and not what it says.
_NOT_TEXT = frozenset({"label", "kind", "subject", "topic", "category", "id"})


class Match(NamedTuple):
    """An earlier text and how similar it is, from 0 to 1."""

    text: str
    similarity: float


def normalise(text: str) -> str:
    """Take away what does not make two texts different: case, punctuation, which number.

    Examples
    --------
    >>> normalise("Order 4471: it's LATE!")
    'order 0 it s late'
    """
    return " ".join(re.findall(r"[^\W\d_]+|0", re.sub(r"\d+", " 0 ", text.casefold())))


def shingles(text: str) -> frozenset[str]:
    """Give the runs of three words of the normalised text; a shorter text is one shingle.

    Examples
    --------
    >>> sorted(shingles("The plot was dull."))
    ['plot was dull', 'the plot was']
    """
    words = normalise(text).split()
    last = max(len(words) - _SHINGLE, 0)
    return frozenset(" ".join(words[i : i + _SHINGLE]) for i in range(last + 1))


class NearDuplicateIndex:
    """Texts seen so far, to be asked which of them a new one is too near to.

    Parameters
    ----------
    threshold
        The Jaccard similarity from which two texts are near-duplicates.

    Examples
    --------
    >>> index = NearDuplicateIndex()
    >>> index.add("The plot was dull and the music was far too loud.")
    >>> index.closest("the plot was dull, and the music was far too LOUD").similarity
    1.0
    >>> index.is_near("The plot was dull and the ending fell flat.")
    False
    """

    def __init__(self, threshold: float = THRESHOLD) -> None:
        self.threshold = threshold
        self._texts: list[str] = []
        self._sizes: list[int] = []
        self._holders: dict[str, list[int]] = {}

    def add(self, text: str) -> None:
        """Remember a text."""
        own = shingles(text)
        for shingle in own:
            self._holders.setdefault(shingle, []).append(len(self._texts))
        self._texts.append(text)
        self._sizes.append(len(own))

    def closest(self, text: str) -> Match | None:
        """Find the most similar text seen so far, or None if none shares a shingle."""
        own = shingles(text)
        shared = Counter(number for s in own for number in self._holders.get(s, ()))
        best = max(
            (
                Match(self._texts[n], count / (len(own) + self._sizes[n] - count))
                for n, count in shared.items()
            ),
            key=lambda match: match.similarity,
            default=None,
        )
        return best

    def is_near(self, text: str) -> bool:
        """Whether a text seen so far is a near-duplicate of this one."""
        match = self.closest(text)
        return match is not None and match.similarity >= self.threshold


def near_duplicates(
    texts: Iterable[str], among: Iterable[str] = (), threshold: float = THRESHOLD
) -> Iterator[tuple[str, Match]]:
    """Yield each text that is too near to one of `among` or to one of the texts before it.

    Examples
    --------
    >>> list(near_duplicates(["A kettle.", "a kettle!"]))
    [('a kettle!', Match(text='A kettle.', similarity=1.0))]
    """
    index = NearDuplicateIndex(threshold)
    for text in among:
        index.add(text)
    for text in texts:
        match = index.closest(text)
        if match is not None and match.similarity >= threshold:
            yield text, match
        index.add(text)


def row_text(row: dict[str, str]) -> str:
    """Join what a row says: all its columns but labels and marks."""
    return "\n".join(str(value) for name, value in row.items() if name not in _NOT_TEXT)


def read_rows(path: Path) -> list[dict[str, str]]:
    """Read a JSONL file: one object a line, UTF-8."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def main() -> int:
    """Print the near-duplicates of the folders on the command line; 1 if there are any."""
    parser = argparse.ArgumentParser(
        description="Look for near-duplicates within and across splits."
    )
    parser.add_argument("folders", nargs="+", type=Path, help="folders with train and test .jsonl")
    parser.add_argument("--threshold", type=float, default=THRESHOLD)
    options = parser.parse_args()
    found = 0
    for folder in options.folders:
        train, test = (
            [row_text(row) for row in read_rows(folder / f"{split}.jsonl")]
            for split in ("train", "test")
        )
        pairs = list(near_duplicates([*train, *test], threshold=options.threshold))
        for text, match in pairs:
            print(f"{match.similarity:.2f}\n  {match.text}\n  {text}")
        print(f"{folder}: {len(pairs)} near-duplicates in {len(train)} + {len(test)} rows")
        found += len(pairs)
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
