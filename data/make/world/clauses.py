"""Clauses: somebody, a tense, something done, and how, where or why."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from data.make.world import plain_words as w
from data.make.world import tale_words
from data.make.world.english import Who, finite
from data.make.world.nouns import Nouns
from data.make.world.words import COLOURS, TOWNS

_SLOT = re.compile(r"\{(\w+)\}")


class Clauses(Nouns):
    """Composes clauses.

    Parameters
    ----------
    voice
        Chance and words.
    """

    def act(self, who: Who, other: Who | None = None) -> tuple[str, str]:
        """A verb, and what follows it."""
        voice = self.voice
        kinds = {"person": w.PERSON_DOES, "animal": w.ANIMAL_DOES, "thing": w.THING_DOES}
        verb, _, rest = voice.one(kinds[who.kind]).partition(" ")
        return verb, _SLOT.sub(lambda slot: self.slot(slot.group(1), who, other), rest)

    def slot(self, name: str, who: Who, other: Who | None) -> str:
        """Fill one slot of what is done."""
        voice = self.voice
        if name == "other":
            other = other or self.company(who)
            if voice.chance(0.15) and who.kind == "person":
                return self.family(who).name
            return other.him if other.person != 3 else other.name
        makers: dict[str, Callable[[], str]] = {
            "thing": lambda: self.thing(who), "things": lambda: self.things(who),
            "clothes": lambda: self.thing(who, w.CLOTHES), "food": lambda: self.food(who),
            "building": lambda: self.thing(who, w.BUILT), "place": self.place, "to": self.goal,
            "drink": lambda: voice.one(("", "", "some ", "a cup of ", "a glass of ", "the ")) + voice.one(w.DRINKS),
            "animal": lambda: self.thing(who, w.ANIMALS) if voice.chance(0.6) else self.beast().name,
            "plain": lambda: voice.one((*w.MATERIALS, *w.DRINKS)), "sound": lambda: voice.one(tale_words.SOUNDS),
            "town": lambda: voice.one(TOWNS), "state": lambda: voice.one(w.STATES),
        }  # fmt: skip
        return makers[name]() if name in makers else getattr(who, name)

    def does(self, who: Who, tense: str, other: Who | None = None, denied: bool = False) -> str:
        """What somebody does, without the subject."""
        verb, rest = self.act(who, other)
        return " ".join(filter(None, (*finite(who, tense, verb, denied), rest)))

    def clause(self, who: Who, tense: str, name: str = "", denied: bool = False) -> str:
        """Somebody does something."""
        return f"{name or who.name} {self.does(who, tense, denied=denied)}"

    def state(self, who: Who, past: bool, name: str = "") -> str:
        """How somebody or something is."""
        voice = self.voice
        be = who.be("past" if past else "present")
        no = voice.one(("", "", "", "", " not", " very", " so", " still", " never", " always"))
        kinds = {"person": (*w.MOODS, *w.CHARACTERS), "animal": (*w.MOODS[:9], *w.SIZES, "old", "young", *w.COATS),
                 "thing": (*w.STATES, *w.SIZES, *COLOURS)}  # fmt: skip
        end = voice.one(kinds[who.kind])
        if voice.chance(0.15):
            end += f" and {voice.one([word for word in kinds[who.kind] if word != end])}"
        return f"{name or who.name} {be}{no} {end}"

    def reason(self, who: Who, past: bool) -> str:
        """Why, of somebody who has been named."""
        voice, draw = self.voice, self.voice.rng.random()
        tense, has = ("past", "pluperfect") if past else ("present", "perfect")
        if draw < 0.25 and past:
            return self.time(w.WEATHER)
        if draw < 0.45:
            return self.state(who, past, who.he)
        if draw < 0.6:
            return self.clause(who, has, who.he)
        if draw < 0.7:
            return f"{who.he} {finite(who, tense, 'want')[1]} to {self.bare(who)}"
        if draw < 0.8:
            return (
                f"{who.he} {' '.join(finite(who, tense, 'have', True))} {self.thing(plainly(who))}"
            )
        if draw < 0.9:
            return self.state(self.matter(), past)
        return self.clause(self.company(who), voice.one((tense, has)))

    def bare(self, who: Who) -> str:
        """What is done, in the infinitive."""
        return " ".join(filter(None, self.act(who)))


def plainly(who: Who) -> Who:
    """The same, of whom nothing more is said than that it is somebody's own."""
    return replace(who, name=who.he)
