"""Write data/village-qa: questions about the world, with short answers.

The questions of the test split are about facts that no question of the train split is about, so
their answers have to come from what the base model read before; what the train split can teach is
how questions are put and what form an answer has. Run from the root of the repository::

    python -m data.make.village_qa
"""

from __future__ import annotations

import argparse
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from data.make.neardup import NearDuplicateIndex, row_text
from data.make.reviews import Row, TrainOrTest, to_jsonl
from data.make.world.asked_words import DEEDS
from data.make.world.people import Fact, build_world
from data.make.world.questions import ASKED, LEADS, WHO, YES_NO
from data.make.world.split import split_facts
from data.make.world.tales import Tales
from data.make.world.voice import Voice, capital, with_article

SEED = 20242
FOLDER = Path(__file__).parents[1] / "village-qa"
# Times each fact is asked for, and rows of the other kinds.
FORMS: dict[TrainOrTest, int] = {"train": 2, "test": 1}
ROWS: dict[TrainOrTest, dict[str, int]] = {
    "train": {"yes-no": 120, "reading": 300},
    "test": {"yes-no": 20, "reading": 50},
}
# A deed and what is asked about it; these questions are too vague beside a second deed, or their
# answer is always the same.
_VAGUE = ("when was that", "what kind of animal was it", "did {n} go?", "Nobody knows", "did not say",
          "whose {thing} was it")  # fmt: skip
_SLOT = re.compile(r"\{(?:a_|an_)?(\w+)\}")


class QuestionWriter:
    """Writes questions of one split.

    Parameters
    ----------
    split
        ``"train"`` or ``"test"``: which facts to ask for.
    rng
        The source of all chance.
    """

    def __init__(self, split: TrainOrTest, rng: random.Random) -> None:
        self.split = split
        self.rng = rng
        self.world = build_world()
        self.voice = Voice(self.world, rng)
        self.tales = Tales(self.voice)
        self.first = {person.name: person.first for person in self.world.people}
        self.facts = split_facts(self.world)[split]
        self.true = set(self.world.facts())

    def slots(self, fact: Fact) -> dict[str, str]:
        """What a form can be filled with; a person is often called by the first name."""
        subject, _, thing = fact
        if subject in self.first and self.voice.chance(0.5):
            subject = self.first[subject]
        return {"n": subject, "o": thing, "a_n": with_article(subject), "a_o": with_article(thing)}

    def fact(self, fact: Fact) -> Row:
        """Ask for the other end of a fact."""
        asked, slots = ASKED[fact[1]], self.slots(fact)
        if self.voice.chance(0.7):
            prompt = self.voice.one(asked.direct).format(**slots)
        else:
            what = self.voice.one(asked.indirect).format(**slots)
            prompt = self.voice.one(LEADS).format(what=what)
        return _row(prompt, asked.answer.format(**slots), "fact")

    def who(self, fact: Fact) -> Row:
        """Ask for the person a fact is about."""
        prompt = self.voice.one(WHO[fact[1]]).format(**self.slots(fact))
        return _row(prompt, f"{fact[0]}.", "who")

    def yes_no(self, yes: bool) -> Row:
        """Ask whether something is so."""
        subject, relation, thing = self.voice.one([f for f in self.facts if f[1] in YES_NO])
        if not yes:
            things = sorted({other[2] for other in self.true if other[1] == relation})
            thing = self.voice.one(
                [other for other in things if (subject, relation, other) not in self.true]
                if relation != "friend" else
                [other for other in things if other not in (subject, thing)])  # fmt: skip
        slots = self.slots((subject, relation, thing))
        prompt = self.voice.one(YES_NO[relation]).format(**slots)
        return _row(prompt, "Yes." if yes else "No.", "yes-no")

    def reading(self) -> Row:
        """Tell of two deeds and ask about one of them."""
        (deed, questions), (other, _) = self.voice.rng.sample(DEEDS, 2)
        shared = set(_SLOT.findall(deed)) & set(_SLOT.findall(other))
        clear = [q for q in questions if not any(vague in q for vague in _VAGUE)]
        if shared - {"n", "friend"}:
            return self.reading()
        told = [deed, other]
        self.rng.shuffle(told)
        person = self.voice.one(self.world.people)
        # One filling for all, so that they speak of the same things.
        filled = self.tales.fill(person, "@".join([*told, self.voice.one(clear)])).split("@")
        question, answer = filled[2].split("? ")
        prompt = " ".join([capital(filled[0]), capital(filled[1]), capital(question) + "?"])
        return _row(prompt, answer, "reading")

    def plan(self) -> Iterator[Callable[[], Row]]:
        """What to write, each a function that can be called again for another wording."""
        owned = Counter(thing for _, relation, thing in self.true if relation == "owns")
        for fact in self.facts:
            for _ in range(FORMS[self.split]):
                yield lambda fact=fact: self.fact(fact)
            if fact[1] in WHO and owned.get(fact[2], 1) == 1:
                yield lambda fact=fact: self.who(fact)
        rows = ROWS[self.split]
        for index in range(rows["yes-no"]):
            yield lambda yes=index % 2 == 0: self.yes_no(yes)
        for _ in range(rows["reading"]):
            yield self.reading


def _row(prompt: str, answer: str, kind: str) -> Row:
    return {"prompt": capital(prompt), "completion": capital(answer), "kind": kind}


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
    seen = NearDuplicateIndex()
    return {split: list(_split(split, seed, seen)) for split in FORMS}


def _split(split: TrainOrTest, seed: int, seen: NearDuplicateIndex) -> Iterator[Row]:
    rng = random.Random(f"{seed} {split}")
    plan = list(QuestionWriter(split, rng).plan())
    rng.shuffle(plan)
    for write in plan:
        for _ in range(50):
            row = write()
            if not seen.is_near(row_text(row)):
                seen.add(row_text(row))
                yield row
                break


def main() -> None:
    """Write the files."""
    parser = argparse.ArgumentParser(description="Write the questions about the world.")
    parser.add_argument("--out", type=Path, default=FOLDER)
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    for split, rows in make().items():
        (out / f"{split}.jsonl").write_text(to_jsonl(rows), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
