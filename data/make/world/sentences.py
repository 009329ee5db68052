"""Sentences: clauses put together. `name` is what the subject is called this time."""

from __future__ import annotations

from dataclasses import replace

from data.make.world import plain_words as w
from data.make.world.clauses import Clauses
from data.make.world.english import Who, compared, conjugated, finite, ing, plural
from data.make.world.nouns import someone
from data.make.world.voice import with_article


class Sentences(Clauses):
    """Composes sentences.

    Parameters
    ----------
    voice
        Chance and words.
    """

    def simple(self, who: Who, name: str, past: bool) -> str:
        """A clause with its circumstances."""
        voice = self.voice
        tense = voice.one(
            ("past",) * 5 + ("was going", "pluperfect")
            if past
            else ("present",) * 5 + ("going", "perfect")
        )
        told = self.clause(who, tense, name, denied=voice.chance(0.12))
        if voice.chance(0.2) and tense != "was going":
            told += f" {voice.one(w.MANNERS)}"
        elif voice.chance(0.35):
            when = self.time(w.PAST_TIMES if past else w.HABIT_TIMES)
            told = (
                f"{when}{voice.one((' ', ', '))}{told}" if voice.chance(0.5) else f"{told} {when}"
            )
        return told

    def two(self, who: Who, name: str, past: bool) -> str:
        """Two clauses of one subject, or of two."""
        voice = self.voice
        tense = "past" if past else "present"
        first = self.clause(who, tense, name)
        draw = voice.rng.random()
        if draw < 0.3:
            return f"{first} {voice.one(('and', 'and', 'and then', 'but'))} {self.does(who, tense)}"
        if draw < 0.5:
            joint = voice.one((", and then", ", but", ", and", ", so"))
            return f"{first}{joint} {self.clause(who, tense, who.he, voice.chance(0.2))}"
        if draw < 0.65:
            return f"{first}{voice.one((', and', ', but', ' while', ', so'))} {self.clause(self.company(who), tense)}"
        if draw < 0.75:
            return f"{first}, {self.does(who, tense)} and {self.does(who, tense)}"
        joint = voice.one(("when", "while", "before", "after", "until", "as soon as"))
        if draw < 0.9:
            return f"{joint} {self.clause(who, tense, name)}, {self.clause(who, tense, who.he)}"
        return f"{first} {joint} {self.clause(self.company(who), tense)}"

    def why(self, who: Who, name: str, past: bool) -> str:
        """A clause and its reason."""
        voice = self.voice
        tense = "past" if past else "present"
        what = (
            self.state(who, past, name)
            if voice.chance(0.4)
            else self.clause(who, tense, name, voice.chance(0.2))
        )
        draw = voice.rng.random()
        if draw < 0.6:
            return f"{what}{voice.one((' because', ' because', ', because', ', for'))} {self.reason(who, past)}"
        if draw < 0.8:
            reason = self.state(who, past, name)
            return f"{reason}, so {self.clause(who, tense, who.he, voice.chance(0.2))}"
        if draw < 0.9 and past:
            return f"{self.time(w.WEATHER)}, {voice.one(('so', 'but', 'and'))} {self.clause(who, tense, name)}"
        return f"{voice.one(('because', 'although', 'since'))} {self.state(who, past, name)}, {self.clause(who, tense, who.he)}"

    def there(self, past: bool) -> str:
        """What there is somewhere."""
        voice = self.voice
        many = voice.chance(0.4)
        be = {
            (True, True): "were",
            (True, False): "was",
            (False, True): "are",
            (False, False): "is",
        }[past, many]
        if many:
            few = voice.one(("two", "three", "some", "many", "no", "a few", "several", "a lot of"))
            what = (
                f"{few} {self.looks()}{plural(voice.one((*w.THINGS, *w.COUNTED_FOOD, *w.ANIMALS)))}"
            )
        elif voice.chance(0.3):
            what = f"{voice.one(('some', 'no', 'a lot of', 'a little'))} {voice.one((*w.FOOD, *w.DRINKS, *w.MATERIALS))}"
        else:
            noun = voice.one((*w.THINGS, *w.ANIMALS, *w.PEOPLE, *w.BUILT))
            what = (
                f"no {noun}"
                if voice.chance(0.12)
                else with_article(self.looks() * (noun not in w.PEOPLE) + noun)
            )
        return voice.one((f"there {be} {what} {self.place()}", f"{self.place()} there {be} {what}"))

    def more(self, who: Who, name: str, past: bool) -> str:
        """One compared with another."""
        voice = self.voice
        be = who.be("past" if past else "present")
        if who.kind == "person":
            other, words = (
                self.company(who).name,
                (*w.CHARACTERS[:20], "old", "young", "tall", "small"),
            )
        else:
            other, words = (
                f"the {voice.one(w.ANIMALS if who.kind == 'animal' else w.THINGS)}",
                w.SIZES,
            )
        word = voice.one(words)
        more, most = compared(word)
        return f"{name} {be} " + voice.one((
            f"{more} than {other}", f"as {word} as {other}", f"not as {word} as {other}",
            f"the {most} of all", f"{more} than before", f"much {more} than {other}",
            f"{more} than {other}, but {voice.one(w.CHARACTERS if who.kind == 'person' else w.STATES)}",
        ))  # fmt: skip

    def whose(self, who: Who, name: str, past: bool) -> str:
        """Something, with a relative clause to say which."""
        voice = self.voice
        tense, has = ("past", "pluperfect") if past else ("present", "perfect")
        verb = voice.one(w.GETS)
        had = conjugated(who, voice.one((tense, has)), verb)
        item = self.matter()
        draw = voice.rng.random()
        if draw < 0.25:
            return f"{self.state(item, past, f'{item.name} that {name} {had}')}"
        if draw < 0.5:
            noun = voice.one(tuple(w.PEOPLE))
            which = someone(with_article(noun), w.PEOPLE[noun])
            return f"{name} {finite(who, tense, 'see')[1]} {which.name} who {self.does(which, voice.one((tense, 'was going' if past else 'going')))}"
        if draw < 0.65:
            return f"{who.his} {item.name[4:]} {self.does(item, tense)}"
        if draw < 0.8:
            animal = someone("it", "it", "animal")
            return f"{name} {finite(who, tense, 'have')[1]} {with_article(voice.one(w.ANIMALS))} that {self.does(animal, tense)}"
        return f"the {voice.one(w.BUILT)} where {name} {self.does(who, tense)} {voice.one(('was', 'was not') if past else ('is', 'is not'))} {voice.one(w.OF_A_PLACE)}"

    def mind(self, who: Who, name: str, past: bool) -> str:
        """What somebody knows, thinks, sees or says."""
        voice = self.voice
        tense = "past" if past else "present"
        verb = voice.one(w.MINDS)
        knows = conjugated(who, tense, verb, voice.chance(0.1))
        other = voice.one((who, self.company(who), self.matter(), self.beast()))
        called = who.he if other is who else other.name
        # What stands for *everyone* is *they*, with which verbs agree in the plural.
        other = replace(other, plural=other.plural or called == "they")
        draw = voice.rng.random()
        if draw < 0.6:
            told = self.state(other, past, called) if voice.chance(0.4) else self.clause(
                other, voice.one((tense, "would" if past else "will", "pluperfect" if past else "perfect")), called)  # fmt: skip
            return f"{name} {knows} {voice.one(('that ', 'that ', ''))}{told}"
        asks = conjugated(who, tense, voice.one(w.ASKS))
        if draw < 0.8:
            item = self.matter()
            return f"{name} {asks} where {item.name} {item.be(tense)}"
        return f"{name} {asks} {voice.one(('why', 'how', 'when', 'if'))} {self.clause(other, tense, called)}"

    def wish(self, who: Who, name: str, past: bool) -> str:
        """What somebody wants, tries or has to do."""
        voice = self.voice
        tense = "past" if past else "present"
        draw = voice.rng.random()
        if draw < 0.45:
            verb = voice.one(w.WISHES)
            wants = conjugated(who, tense, verb, voice.chance(0.15))
            return f"{name} {wants} to {self.bare(who)}"
        if draw < 0.6:
            modal = voice.one(
                ("could", "would", "had to") if past else ("can", "must", "should", "may")
            )
            if modal == "had to":
                return f"{name} had to {self.bare(who)}"
            return self.clause(who, modal, name, voice.chance(0.3))
        if draw < 0.75:
            verb, rest = self.act(who)
            does = conjugated(who, tense, voice.one(w.ENJOYS))
            return f"{name} {does} {ing(verb)} {rest}".rstrip()
        if draw < 0.88:
            other = self.company(who)
            asks = finite(who, tense, voice.one(("ask", "tell", "want", "help")))[1]
            return f"{name} {asks} {other.him if other.person != 3 else other.name} to {self.bare(other)}"
        return f"{name} {who.be(tense)} too {voice.one(w.MOODS[:9])} to {self.bare(who)}"

    def done(self, past: bool) -> str:
        """What was done to a thing."""
        item, voice = self.matter(), self.voice
        by = (
            f" by {voice.one((self.known(voice.one(voice.world.people)).name, self.beast().name))}"
            * voice.chance(0.4)
        )
        when = f" {self.time(w.PAST_TIMES)}" if past and voice.chance(0.3) else ""
        be = item.be("past") if past else " ".join(finite(item, "perfect", "be"))
        return f"{item.name} {be} {voice.one(w.DONE)}{by}{when}"

    def nobody(self, past: bool) -> str:
        """What holds for none, for each or for all."""
        voice = self.voice
        who = someone(voice.one((
            "nobody", "everyone", "somebody", "everybody", "nobody else", "somebody else",
            f"nobody {self.place()}", f"everyone {self.place()}", "someone", "no one",
        )), "he")  # fmt: skip
        if voice.chance(0.3):
            who = someone(
                voice.one(
                    (
                        "all of them",
                        "most people",
                        "both of them",
                        "some of us",
                        "many people",
                        "most of the children",
                    )
                ),
                "they",
            )
        who = replace(who, he="they", him="them", his="their", himself="themselves")
        return voice.one((self.simple, self.simple, self.mind))(who, who.name, past)

    def ahead(self, who: Who, name: str) -> str:
        """What will be, and on what condition."""
        voice = self.voice
        if voice.chance(0.5):
            told = self.clause(who, "future", name, voice.chance(0.15))
            when = self.time(w.FUTURE_TIMES)
            return voice.one((f"{told} {when}", f"{when} {told}"))
        other = voice.one((who, self.company(who)))
        called = who.he if other is who else other.name
        sky = voice.one(
            ("it rains", "the sun shines", "it is warm", "it snows", "it is not too late")
        )
        given = voice.one((sky, self.clause(who, "present", name), self.state(who, False, name)))
        then = self.clause(
            other, voice.one(("future", "can", "must")), called if name in given else other.name
        )
        return voice.one((f"if {given}, {then}", f"when {given}, {then}"))

    def told(self, who: Who, name: str, past: bool) -> str:
        """A sentence of any kind about somebody."""
        voice, draw = self.voice, self.voice.rng.random()
        if draw < 0.24:
            return self.simple(who, name, past)
        if who.kind == "thing" and draw > 0.7:
            return self.done(past)
        for limit, kind in (
            (0.42, self.two), (0.57, self.why), (0.64, self.more), (0.71, self.whose), (0.8, self.mind),
            (0.88, self.wish), (0.92, self.state_of),
        ):  # fmt: skip
            if draw < limit and (who.kind == "person" or kind in (self.two, self.why, self.more)):
                return kind(who, name, past)
        return voice.one((self.there, self.nobody, self.done, self.there))(past)

    def state_of(self, who: Who, name: str, past: bool) -> str:
        """How somebody is, and when or where."""
        return f"{self.state(who, past, name)} {self.time(w.PAST_TIMES if past else w.HABIT_TIMES)}"
