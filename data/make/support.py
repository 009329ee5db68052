"""Write data/support: messages to a shop with their intents.

Each message is one situation of the support lexicon, often with things around it that have
nothing to do with the intent. The test split tells of situations that the train split does not
have. Run from the root of the repository::

    python -m data.make.support
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator
from pathlib import Path

from data.make.deck import Deck
from data.make.lexicon import support as lexicon
from data.make.lexicon.message_frames import (
    ASIDES,
    CLASHES,
    CLOSINGS,
    GREETINGS,
    LEADS,
    NAMES,
    ORDER_ASIDES,
    WITHOUT_ORDER,
)
from data.make.lexicon.phrase import sentence
from data.make.lexicon.review_frames import DAYS, MONTHS
from data.make.neardup import NearDuplicateIndex
from data.make.reviews import Row, TrainOrTest, to_jsonl

SEED = 20241
FOLDER = Path(__file__).parents[1] / "support"
# Messages for each of the intents.
ROWS: dict[TrainOrTest, int] = {"train": 80, "test": 25}
# Stricter among ourselves than the bundled data sets must be.
_NEAR = 0.55


class MessageWriter:
    """Writes messages of one split.

    Parameters
    ----------
    split
        ``"train"`` or ``"test"``: whose situations to use.
    rng
        The source of all chance.
    """

    def __init__(self, split: TrainOrTest, rng: random.Random) -> None:
        self.split = split
        self.rng = rng
        self.deck = Deck(rng)

    def write(self, intent: str) -> Row:
        """Write one message with this intent."""
        item = self.rng.choice(lexicon.ITEMS)
        other = self.rng.choice([thing for thing in lexicon.OTHERS if thing != item])
        matter = [self.matter(intent, item, other)]
        if self.chance(0.2):
            matter.append(self.matter(intent, item, other, lead=False))
        asides = self.asides(intent, item)
        before = asides[:1] if self.chance(0.45) else []
        after = asides[1:] if self.chance(0.3) else []
        parts = [*before, *matter, *after]
        if self.chance(0.35):
            parts.insert(0, self.rng.choice(GREETINGS))
        if self.chance(0.45):
            parts.append(self.rng.choice(CLOSINGS).format(name=self.rng.choice(NAMES)))
        return {"text": " ".join(parts), "label": intent}

    def matter(self, intent: str, item: str, other: str, lead: bool = True) -> str:
        """Say what it is about, in one sentence."""
        chosen = self.deck.deal(intent, lexicon.situations(self.split, intent=intent))
        told = lexicon.tell(chosen.text, item, other)
        if lead and not chosen.direct and self.chance(0.35):
            told = self.rng.choice(LEADS).format(it=told)
        return sentence(told)

    def asides(self, intent: str, item: str) -> list[str]:
        """Say two things that do not help to find the intent, at most one of them of the order."""
        fitting = [aside for aside in ASIDES if aside not in CLASHES.get(intent, ())]
        chosen = self.rng.sample(fitting, 2)
        if intent not in WITHOUT_ORDER and self.chance(0.7):
            chosen[self.rng.randrange(2)] = self.rng.choice(ORDER_ASIDES)
        return [
            aside.format(
                item=item,
                day=self.rng.choice(DAYS),
                month=self.rng.choice(MONTHS),
                number=self.rng.randint(2, 9),
                order=self.rng.randint(1000, 9999),
            )
            for aside in chosen
        ]

    def chance(self, probability: float) -> bool:
        """True so often."""
        return self.rng.random() < probability


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
    writer = MessageWriter(split, rng)
    wanted = [intent for intent in lexicon.INTENTS for _ in range(ROWS[split])]
    rng.shuffle(wanted)
    for intent in wanted:
        row = writer.write(intent)
        while seen.is_near(row["text"]):
            row = writer.write(intent)
        seen.add(row["text"])
        yield row


def main() -> None:
    """Write the files."""
    parser = argparse.ArgumentParser(description="Write the support data set.")
    parser.add_argument("--out", type=Path, default=FOLDER)
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    for split, rows in make().items():
        (out / f"{split}.jsonl").write_text(to_jsonl(rows), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
