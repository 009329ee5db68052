"""Write data/reviews: film and product reviews with their sentiment.

Each review is put together from phrases of the sentiment lexicon. The test split speaks with
phrases that the train split does not have, so it asks what words mean and not which words came
with which label. Run from the root of the repository::

    python -m data.make.reviews
"""

from __future__ import annotations

import argparse
import json
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

from data.make.deck import Deck
from data.make.lexicon import sentiment as lexicon
from data.make.lexicon.phrase import Phrase, Polarity, Split, render, sentence, with_article
from data.make.lexicon.review_frames import (
    COMPANIONS,
    HEDGES,
    JOINS,
    ONLY_FOR,
    VIEWERS,
    film_context,
    product_context,
)
from data.make.neardup import NearDuplicateIndex

SEED = 20240
FOLDER = Path(__file__).parents[1] / "reviews"
# Rows by kind; each is split evenly over the two labels and the two subjects.
ROWS: dict[str, dict[str, int]] = {
    "train": {"plain": 640, "negation": 240, "mixed": 240, "irony": 120},
    "test": {"plain": 200, "negation": 80, "mixed": 80, "irony": 40},
}
# Stricter among ourselves than the bundled data sets must be.
_NEAR = 0.55
_NEGATIVE_WORD = re.compile(r"\b(not|no|never|nobody|nothing|nowhere|without|less)\b")

TrainOrTest = Literal["train", "test"]
Row = dict[str, str]
"""A row: text, label, kind and subject."""


class ReviewWriter:
    """Writes reviews of one split, of a given kind, subject and label.

    Parameters
    ----------
    split
        ``"train"`` or ``"test"``: whose phrases to use.
    rng
        The source of all chance.
    """

    def __init__(self, split: TrainOrTest, rng: random.Random) -> None:
        self.split = split
        self.rng = rng
        self.deck = Deck(rng)
        # How often each phrase was taken: the one least used comes next, so that all are.
        self.used: Counter[Phrase] = Counter()
        self.kinds: dict[str, Callable[[str, Polarity], list[str]]] = {
            "plain": self.plain,
            "negation": self.negation,
            "mixed": self.mixed,
            "irony": self.irony,
        }

    def write(self, kind: str, subject: str, label: Polarity) -> Row:
        """Write one review."""
        self.item = self.rng.choice(lexicon.PRODUCTS) if subject == "product" else "film"
        self.said: set[str] = set()
        # What "it" would stand for if it came next.
        self.spoken_of = ""
        told = self.context(subject) if self.chance(0.75 if kind == "irony" else 0.5) else ""
        at_the_end = subject == "film" and self.chance(0.2)
        if at_the_end:
            self.spoken_of = ""
        parts = self.kinds[kind](subject, label)
        text = " ".join([*parts, told] if at_the_end else [told, *parts]).strip()
        return {"text": text, "label": label, "kind": kind, "subject": subject}

    # The four kinds.

    def plain(self, subject: str, label: Polarity) -> list[str]:
        """One to three statements that all point the same way."""
        parts = [self.opener(subject, label)] if self.chance(0.5) else []
        parts += self.statements(subject, label, self.rng.choice((1, 2, 2, 3)))
        if self.chance(0.25):
            parts.append(sentence(self.verdict(subject, label)))
        return parts

    def negation(self, subject: str, label: Polarity) -> list[str]:
        """A negated word or clause of the other polarity, alone or with a plain statement."""
        if self.chance(0.5):
            pattern = self.shared("negation", lexicon.NEGATIONS)
            it = self.rng.choice((self.name(), f"this {self.item}"))
            negated = pattern.format(it=it, adj=self.adjective(subject, other(label)))
        else:
            pattern = self.shared("negated clause", lexicon.NEGATED_CLAUSES)
            negated = pattern.format(clause=self.clause(subject, other(label), plain_fact=True))
        parts = [sentence(negated)]
        if self.chance(0.35):
            parts += self.statements(subject, label, 1)
        return parts

    def mixed(self, subject: str, label: Polarity) -> list[str]:
        """Something for the other side first, then what decides, and a verdict."""
        pattern = self.shared("contrast", lexicon.CONTRASTS)
        first = self.clause(subject, other(label), person=False)
        if self.chance(0.4):
            first = f"{first} and {self.clause(subject, other(label), person=False)}"
        turned = pattern.format(first=first, last=self.clause(subject, label))
        parts = [". ".join(map(capital, turned.split(". ")))]
        parts.append(sentence(self.verdict(subject, label)))
        return parts

    def irony(self, subject: str, label: Polarity) -> list[str]:
        """Words that mean the opposite; half of the time a plain statement gives them away."""
        lines = [
            line
            for line in lexicon.IRONIES
            if (line.split, line.subject, line.polarity) == (self.split, subject, label)
        ]
        line = self.deck.deal(("irony", subject, label), lines)
        parts = [sentence(render(line.text, item=self.item))]
        if self.chance(0.5):
            parts += self.statements(subject, label, 1)
        return parts

    # What they are put together from.

    def opener(self, subject: str, label: Polarity) -> str:
        """The whole of it in one adjective."""
        adjective = self.adjective(subject, label)
        strong = f"{self.rng.choice(lexicon.INTENSIFIERS)} {adjective}"
        attributive = strong if self.chance(0.3) and "simply" not in strong else adjective
        predicative = strong if self.chance(0.4) else adjective
        thing = f"{with_article(attributive)} {self.item}"
        self.spoken_of = self.item
        return self.rng.choice(
            (
                f"{capital(thing)}.",
                f"This is {thing}.",
                f"What {with_article(adjective)} {self.item}!",
                f"The {self.item} was {predicative}.",
                f"I found this {self.item} {predicative}.",
                f"This {self.item} in one word: {adjective}.",
            )
        )

    def statements(self, subject: str, label: Polarity, count: int) -> list[str]:
        """`count` clauses of one polarity as one sentence or more."""
        hedged = self.chance(0.2)
        clauses = [self.clause(subject, label, person=not hedged) for _ in range(count)]
        if hedged:
            clauses[0] = f"{self.rng.choice(HEDGES)} {clauses[0]}"
        if count > 1 and self.chance(0.5):
            clauses[:2] = [self.rng.choice(JOINS).format(*clauses[:2])]
        return [sentence(clause) for clause in clauses]

    def clause(
        self, subject: str, polarity: Polarity, person: bool = True, plain_fact: bool = False
    ) -> str:
        """A noun and what is said of it; no aspect comes twice in a review.

        A plain fact is told of no person and holds no negation of its own.
        """
        fitting = [
            phrase
            for phrase in lexicon.phrases(self.split, subject=subject, polarity=polarity)
            if phrase.aspect not in self.said
            and (phrase.aspect not in lexicon.PRODUCTS or phrase.aspect == self.item)
            and ((person and not plain_fact) or phrase.aspect not in ("viewer", "buyer"))
            and not (plain_fact and _NEGATIVE_WORD.search(phrase.text))
        ]
        # What is said of this very thing is worth more than what is said of any.
        own = [phrase for phrase in fitting if phrase.aspect == self.item]
        pool = own if own and self.chance(0.5) else fitting
        phrase = min(pool, key=lambda phrase: (self.used[phrase], self.rng.random()))
        self.used[phrase] += 1
        self.said.add(phrase.aspect)
        return self.say(phrase)

    def say(self, phrase: Phrase) -> str:
        """Give a phrase its noun."""
        if phrase.aspect in ("viewer", "buyer"):
            noun, pronoun = self.rng.choice(VIEWERS)
            return f"{noun} {render(phrase.text, pronoun)}"
        if phrase.aspect == "thing" or phrase.aspect == self.item:
            return f"{self.name()} {render(phrase.text)}"
        noun = self.rng.choice(lexicon.NOUNS[phrase.aspect])
        self.spoken_of = noun
        return f"{noun} {render(phrase.text)}"

    def adjective(self, subject: str, polarity: Polarity) -> str:
        """An adjective of this split for the whole of it."""
        words = (
            lexicon.ADJECTIVES[subject, polarity, self.split]
            + lexicon.ADJECTIVES[subject, polarity, "both"]
        )
        fitting = [word for word in words if self.item in ONLY_FOR.get(word, (self.item,))]
        return self.rng.choice(fitting)

    def verdict(self, subject: str, label: Polarity) -> str:
        """The whole of it in one clause."""
        words = lexicon.VERDICTS[subject, label, self.split]
        return self.deck.deal(("verdict", subject, label), words)

    def shared(self, name: str, patterns: dict[Split, tuple[str, ...]]) -> str:
        """A pattern of this split or one that both have."""
        return self.deck.deal(name, patterns[self.split] + patterns["both"])

    def context(self, subject: str) -> str:
        """How one came to it, which has no polarity."""
        where = film_context if subject == "film" else product_context
        self.spoken_of = self.item
        return where(self.rng, self.item, self.rng.choice(COMPANIONS))

    def name(self) -> str:
        """The film or thing: "it" where that is clear."""
        known = self.spoken_of == self.item
        self.spoken_of = self.item
        return "it" if known else f"the {self.item}"

    def chance(self, probability: float) -> bool:
        """True so often."""
        return self.rng.random() < probability


def other(polarity: Polarity) -> Polarity:
    """Turn a polarity round."""
    return "negative" if polarity == "positive" else "positive"


def capital(text: str) -> str:
    """Begin with a capital letter."""
    return text[0].upper() + text[1:]


def make(seed: int = SEED) -> dict[TrainOrTest, list[Row]]:
    """Make both splits, without near-duplicates within or across them.

    Parameters
    ----------
    seed
        The same seed gives the same rows.

    Returns
    -------
    dict of str to list of Row
        ``"train"`` and ``"test"``.
    """
    seen = NearDuplicateIndex(_NEAR)
    return {split: list(_split(split, seed, seen)) for split in ("train", "test")}


def _split(split: TrainOrTest, seed: int, seen: NearDuplicateIndex) -> Iterator[Row]:
    rng = random.Random(f"{seed} {split}")
    writer = ReviewWriter(split, rng)
    labels: tuple[Polarity, ...] = ("positive", "negative")
    wanted = [
        (kind, subject, label)
        for kind, count in ROWS[split].items()
        for subject in ("film", "product")
        for label in labels
        for _ in range(count // 4)
    ]
    rng.shuffle(wanted)
    for kind, subject, label in wanted:
        row = writer.write(kind, subject, label)
        while seen.is_near(row["text"]):
            row = writer.write(kind, subject, label)
        seen.add(row["text"])
        yield row


def to_jsonl(rows: list[Row]) -> str:
    """One object a line."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def main() -> None:
    """Write the files."""
    parser = argparse.ArgumentParser(description="Write the review data set.")
    parser.add_argument("--out", type=Path, default=FOLDER)
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    for split, rows in make().items():
        (out / f"{split}.jsonl").write_text(to_jsonl(rows), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
