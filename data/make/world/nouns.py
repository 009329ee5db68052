"""Whom and what plain English is about: noun phrases, and where and when.

What it says of people whom the world knows (their jobs, relatives and pets) is so.
"""

from __future__ import annotations

from collections.abc import Sequence

from data.make.world import plain_words as w
from data.make.world import tale_words
from data.make.world.english import Who, plural
from data.make.world.people import Person
from data.make.world.voice import Voice, with_article
from data.make.world.words import COLOURS, DAYS, MONTHS, number

_PRONOUNS = {
    "he": ("he", "him", "his", "himself"),
    "she": ("she", "her", "her", "herself"),
    "it": ("it", "it", "its", "itself"),
    "they": ("they", "them", "their", "themselves"),
}
I = Who("I", "I", "me", "my", "myself", person=1)
WE = Who("we", "we", "us", "our", "ourselves", plural=True, person=1)
YOU = Who("you", "you", "you", "your", "yourself", person=2, plural=True)


def someone(name: str, he: str, kind: str = "person") -> Who:
    """Whoever or whatever is called so, in the third person.

    Examples
    --------
    >>> someone("the boys", "they").be("past")
    'were'
    """
    return Who(name, *_PRONOUNS[he], plural=he == "they", kind=kind)


class Nouns:
    """Names people, animals, things, places and times.

    Parameters
    ----------
    voice
        Chance and words.
    """

    def __init__(self, voice: Voice) -> None:
        self.voice = voice

    def known(self, person: Person) -> Who:
        """Somebody of the world: by name, now and then by job."""
        voice = self.voice
        name = person.name if voice.chance(0.15) else person.first
        if person.job and voice.chance(0.35):
            name = f"the {person.job}"
        return someone(name, "she" if person.female else "he")

    def relative(self, person: Person) -> Who:
        """Somebody whom a person of the world has, or of whom the world says nothing."""
        voice = self.voice
        their = [*w.DISTANT, "friend"]
        they = {"friend": voice.world.person(person.friend).female}
        if person.sibling:
            they["sister" if voice.world.person(person.sibling).female else "brother"] = True
        if person.spouse:
            they["husband" if person.female else "wife"] = True
        if person.parents:
            they |= {"mother": True, "father": True}
        if person.children:
            they |= {"son": True, "daughter": True}
        name = voice.one((*their, *they))
        he = w.RELATIVES[name]
        if name == "friend":
            he = "she" if they["friend"] else "he"
        return someone(f"{person.first}'s {name}", he)

    def who(self) -> Who:
        """Somebody to tell of."""
        voice, draw = self.voice, self.voice.rng.random()
        if draw < 0.4:
            return self.known(voice.one(voice.world.people))
        if draw < 0.5:
            return self.relative(voice.one(voice.world.people))
        if draw < 0.68:
            name = voice.one(tuple(w.PEOPLE))
            adjective = f"{voice.one(w.CHARACTERS)} " if voice.chance(0.4) else ""
            return someone(f"the {adjective}{name}", w.PEOPLE[name])
        if draw < 0.78:
            few = voice.one(("the", "the", "two", "three", "some", "the other", "all the", "many"))
            return someone(f"{few} {voice.one(w.GROUPS)}", "they")
        if draw < 0.85:
            one, two = voice.people(2)
            return someone(f"{one.first} and {two.first}", "they")
        if draw < 0.92:
            return voice.one((I, WE))
        return self.family(I)

    def family(self, of: Who) -> Who:
        """A relative; of people of the world, one of whom the world says nothing."""
        free = of.person != 3 or of.name.split()[-1] in (*w.PEOPLE, *w.GROUPS)
        name = self.voice.one(tuple(w.RELATIVES) if free else w.DISTANT)
        return someone(f"{of.his} {name}", w.RELATIVES[name])

    def beast(self) -> Who:
        """A pet by its name or its owner's, or any animal."""
        voice = self.voice
        if voice.chance(0.4):
            pet = voice.one(voice.world.animals)
            owner = voice.world.person(pet.owner).first
            return someone(
                voice.one((pet.name, f"{owner}'s {pet.kind}", f"{owner}'s {pet.kind} {pet.name}")),
                "it", "animal",
            )  # fmt: skip
        adjective = voice.one(("", "", *(f"{a} " for a in (*w.SIZES, *w.COATS, "old", "young"))))
        if voice.chance(0.2):
            return someone(f"the {adjective}{plural(voice.one(w.ANIMALS))}", "they", "animal")
        return someone(f"the {adjective}{voice.one(w.ANIMALS)}", "it", "animal")

    def matter(self) -> Who:
        """A thing, or several."""
        many = self.voice.chance(0.25)
        noun, looks = self.voice.one((*w.THINGS, *w.CLOTHES)), self.looks()
        name = f"{looks}{plural(noun) if many else noun}"
        return someone(f"the {name}", "they" if many else "it", "thing")

    def company(self, who: Who) -> Who:
        """Somebody else, whose pronouns are not mistaken for those of `who`."""
        while True:
            other = (
                self.family(who) if who.kind == "person" and self.voice.chance(0.15) else self.who()
            )
            if other.he != who.he and not (who.person == other.person == 1):
                return other

    def looks(self, share: float = 0.35) -> str:
        """An adjective of a thing, or two, or none."""
        voice = self.voice
        if not voice.chance(share):
            return ""
        first = voice.one((*w.SIZES, *w.STATES))
        return f"{first} {voice.one(COLOURS)} " if voice.chance(0.25) else (
            f"{voice.one((first, voice.one(COLOURS)))} ")  # fmt: skip

    def thing(self, who: Who, nouns: Sequence[str] = w.THINGS) -> str:
        """One thing: a, the, somebody's."""
        voice, draw = self.voice, self.voice.rng.random()
        name = self.looks() + voice.one(nouns)
        if draw < 0.35:
            return with_article(name)
        if draw < 0.65:
            return f"the {name}"
        if draw < 0.85:
            return f"{who.his} {name}"
        if draw < 0.9:
            return f"{voice.one(voice.world.people).first}'s {name}"
        if draw < 0.95:
            return f"{voice.one(('another', 'this', 'that', 'every'))} {name}"
        return self.things(who, nouns)

    def things(self, who: Who, nouns: Sequence[str] = (*w.THINGS, *w.COUNTED_FOOD)) -> str:
        """Several things."""
        few = self.voice.one((
            "some", "some", "many", "two", "three", "a few", "all the", "the", "these", "those",
            "most of the", "a lot of", "several", f"{number(self.voice.rng.randint(2, 12))}",
            f"{who.his}", f"both {who.his}", f"a {self.voice.one(('basket', 'box', 'bag'))} of",
        ))  # fmt: skip
        return f"{few} {self.looks(0.25)}{plural(self.voice.one(nouns))}"

    def food(self, who: Who) -> str:
        """Something to eat."""
        voice, draw = self.voice, self.voice.rng.random()
        taste = f"{voice.one(w.TASTES)} " if voice.chance(0.3) else ""
        if draw < 0.2:
            return with_article(taste + voice.one(w.COUNTED_FOOD))
        if draw < 0.4:
            return f"{voice.one(('some', 'the', 'two', 'a few', who.his))} {taste}" + plural(
                voice.one(w.COUNTED_FOOD)
            )
        few = voice.one(
            ("some ", "the ", "", "", "a little ", "a lot of ", "a piece of ", f"{who.his} ")
        )
        end = f" {voice.one(('with', 'and', 'without'))} {voice.one(w.FOOD)}" * voice.chance(0.2)
        first = voice.one(w.FOOD)
        return f"{few}{taste}{first}" + ("" if first in end.split() else end)

    def place(self) -> str:
        """Where."""
        voice, draw = self.voice, self.voice.rng.random()
        adjective = f"{voice.one(('old', 'dark', 'cold', 'warm', 'big', 'little', 'empty', 'new', 'other', 'quiet'))} "
        the = "the " + (adjective if voice.chance(0.15) else "")
        if draw < 0.4:
            return f"in {the}{voice.one(w.ROOMS)}"
        if draw < 0.55:
            return f"on {the}{voice.one(w.SURFACES)}"
        if draw < 0.85:
            return f"{voice.one(w.BESIDE)} {the}{voice.one(w.NEXT_TO)}"
        return voice.one((*tale_words.SPOTS, "upstairs", "outside", "there", "here", "at home"))

    def goal(self) -> str:
        """Where to."""
        voice = self.voice
        return f"{voice.one(('to', 'to', 'to', 'to', 'into', 'towards', 'past'))} the {voice.one(w.GOALS)}"

    def time(self, times: Sequence[str]) -> str:
        """When."""
        voice = self.voice
        return voice.one(times).format(
            day=voice.one(DAYS), month=voice.one(MONTHS), hour=number(voice.rng.randint(1, 12)),
            few=number(voice.rng.randint(2, 9)),
        )  # fmt: skip
