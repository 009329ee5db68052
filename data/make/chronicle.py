"""Write data/chronicle: the village as its clerk writes of it, in an old hand.

A paragraph is told in plain words first, with the true facts of the world or as a little tale, and
then put into the clerk's words and spelling. The facts told in the test split are told nowhere in
the train split. Run from the root of the repository::

    python -m data.make.chronicle
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator
from pathlib import Path

from data.make.lexicon.chronicle import CLOSINGS, OPENINGS, TALE_OPENINGS, old_hand, roman
from data.make.neardup import NearDuplicateIndex
from data.make.reviews import Row, TrainOrTest, to_jsonl
from data.make.world.lives import Lives
from data.make.world.people import Fact, build_world
from data.make.world.split import split_facts
from data.make.world.tales import Tales
from data.make.world.voice import Voice, capital
from data.make.world.words import DAYS, MONTHS, STREETS, number

SEED = 20243
FOLDER = Path(__file__).parents[1] / "chronicle"
ROWS: dict[TrainOrTest, dict[str, int]] = {
    "train": {"facts": 320, "tale": 200},
    "test": {"facts": 64, "tale": 40},
}
# Stricter among ourselves than the bundled data sets must be.
_NEAR = 0.55


class Clerk:
    """Writes paragraphs of one split.

    Parameters
    ----------
    split
        ``"train"`` or ``"test"``: which facts to tell.
    rng
        The source of all chance.
    """

    def __init__(self, split: TrainOrTest, rng: random.Random) -> None:
        self.rng = rng
        self.voice = Voice(build_world(), rng)
        self.lives = Lives(self.voice)
        self.tales = Tales(self.voice)
        self.facts = split_facts(self.voice.world)[split]
        self.of: dict[str, list[Fact]] = {}
        for fact in self.facts:
            self.of.setdefault(fact[0], []).append(fact)

    def facts_told(self) -> str:
        """Some facts of a person, then some of what is not a person."""
        voice = self.voice
        person = voice.one([p for p in voice.world.people if len(self.of.get(p.name, ())) > 1])
        own = self.of[person.name]
        first, *rest = self.rng.sample(own, min(len(own), self.rng.randint(2, 4)))
        told = [self.lives.named(first)]
        told += [
            self.lives.named(fact) if voice.chance(0.3) else self.lives.meant(fact, person)
            for fact in rest
        ]
        other = [fact for fact in self.facts if fact[0] not in self.lives.full]
        told += map(self.lives.named, self.rng.sample(other, self.rng.randint(1, 2)))
        return " ".join(told)

    def tale(self) -> str:
        """A little tale in which nobody is spoken to."""
        while True:
            told = self.voice.one(
                (self.tales.story,) * 5 + (self.tales.mood,) * 2 + (self.tales.sky,)
            )()
            if " you" not in told.lower():
                return told

    def write(self, kind: str) -> Row:
        """Write one paragraph."""
        if kind == "facts":
            opening, body = self.voice.one(OPENINGS), self.facts_told()
        else:
            opening, body = self.voice.one(OPENINGS + TALE_OPENINGS), self.tale()
        parts = [self.fill(opening), old_hand(body)]
        if self.voice.chance(0.5):
            parts.append(self.fill(self.voice.one(CLOSINGS)))
        return {"text": " ".join(map(capital, parts)), "kind": kind}

    def fill(self, formula: str) -> str:
        """Give a formula its date and names."""
        voice = self.voice
        return formula.format(
            number=roman(self.rng.randint(2, 28)), month=voice.one(MONTHS), day=voice.one(DAYS),
            hour=number(self.rng.randint(3, 11)), street=voice.one(STREETS),
            name=voice.one(voice.adults).name,
        )  # fmt: skip


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
    return {split: list(_split(split, seed, seen)) for split in ROWS}


def _split(split: TrainOrTest, seed: int, seen: NearDuplicateIndex) -> Iterator[Row]:
    rng = random.Random(f"{seed} {split}")
    clerk = Clerk(split, rng)
    wanted = [kind for kind, count in ROWS[split].items() for _ in range(count)]
    rng.shuffle(wanted)
    for kind in wanted:
        row = clerk.write(kind)
        while seen.is_near(row["text"]):
            row = clerk.write(kind)
        seen.add(row["text"])
        yield row


def main() -> None:
    """Write the files."""
    parser = argparse.ArgumentParser(description="Write the clerk's chronicle.")
    parser.add_argument("--out", type=Path, default=FOLDER)
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    for split, rows in make().items():
        (out / f"{split}.jsonl").write_text(to_jsonl(rows), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
