"""Texts that tell the facts of the world: portraits, lists, lone sentences and news."""

from __future__ import annotations

from collections.abc import Callable

from data.make.world.facts_said import MEANT, NAMED, WONDERED
from data.make.world.people import Fact, Person
from data.make.world.voice import Voice, capital, pronouns, with_article

_PLURAL = {"pancakes", "noodles", "baked beans", "fish and chips"}


class Lives:
    """Tells facts.

    Parameters
    ----------
    voice
        Chance and words.
    """

    def __init__(self, voice: Voice) -> None:
        self.voice = voice
        self.facts = voice.world.facts()
        self.of_person: dict[str, list[Fact]] = {}
        for fact in self.facts:
            self.of_person.setdefault(fact[0], []).append(fact)
        self.full = {person.name: person for person in voice.world.people}

    def named(self, fact: Fact) -> str:
        """One fact in a sentence that can stand alone."""
        subject, relation, thing = fact
        voice = self.voice
        if subject in self.full and voice.chance(0.5):
            subject = self.full[subject].first
        if thing in self.full and voice.chance(0.3):
            thing = self.full[thing].first
        sentence = voice.one(NAMED[relation])
        if thing in _PLURAL and sentence.startswith("{o} is"):
            sentence = sentence.replace("{o} is", "{o} are", 1)
        return capital(
            sentence.format(
                n=subject,
                o=thing,
                a_o=with_article(thing),
                A_o=capital(with_article(thing)),
                a_n=with_article(subject),
                A_n=capital(with_article(subject)),
            )
        )

    def meant(self, fact: Fact, person: Person) -> str:
        """One fact of a person who has been named."""
        _, relation, thing = fact
        words = pronouns(person)
        return capital(
            self.voice.one(MEANT[relation]).format(o=thing, a_o=with_article(thing), **words)
        )

    def portrait(self) -> str:
        """A person, told from several sides."""
        voice = self.voice
        person = voice.one(voice.world.people)
        facts = voice.rng.sample(self.of_person[person.name], voice.rng.randint(4, 11))
        told = [self.named(facts[0])]
        if voice.chance(0.4):
            who = "little " if person.child and person.age < 9 else ""
            told.insert(
                0,
                voice.say(
                    f"[this is {who}{{name}}.|meet {who}{{name}}.|who is {{name}}?|"
                    "let me tell you about {name}.|everyone in Otterbeck knows {name}.|"
                    "a few words about {name}.]",
                    name=person.name,
                ),
            )
        for fact in facts[1:]:
            told.append(self.named(fact) if voice.chance(0.45) else self.meant(fact, person))
        return " ".join(told)

    def lone(self) -> str:
        """A few facts that have nothing to do with each other."""
        facts = self.voice.rng.sample(self.facts, self.voice.rng.randint(3, 9))
        return " ".join(self.named(fact) for fact in facts)

    def about(self) -> str:
        """One relation, told of many people."""
        voice = self.voice
        relation = voice.one(tuple(NAMED))
        fitting = [fact for fact in self.facts if fact[1] == relation]
        facts = voice.rng.sample(fitting, min(len(fitting), voice.rng.randint(3, 8)))
        return " ".join(self.named(fact) for fact in facts)

    def wondering(self) -> str:
        """Somebody who did not know a fact and came to know it."""
        voice = self.voice
        asker, teller = voice.people(2)
        fact = voice.one(self.facts)
        if voice.chance(0.6):
            return self.indirect(fact, asker, teller)
        told = self.named(fact)
        start = voice.of(
            asker,
            "[{n} had never heard of it|{n} wanted to be sure|{n} had forgotten it|"
            "{n} was new to all this|{n} could not believe it at first], [and|so] "
            "{teller} [explained|told {him}|said it again]: ",
            teller=teller.first,
        )
        return (
            start
            + f'"{told}"'
            + voice.of(
                asker,
                " [{n} nodded.|Now {he} knew.|{He} wrote it down.|"
                "{He} will remember it.|It was good to know.]",
            )
        )

    def indirect(self, fact: Fact, asker: Person, teller: Person) -> str:
        """Somebody wanted to know; the answer follows."""
        subject, relation, thing = fact
        if subject in self.full and self.voice.chance(0.4):
            subject = self.full[subject].first
        what = self.voice.one(WONDERED[relation]).format(n=subject, a_n=with_article(subject))
        answer = f"the {thing}" if relation in ("workplace", "sold_at") else thing
        return self.voice.of(
            asker,
            "[{n} wanted to know|{n} asked|everyone knows|{teller} told {n}|{n} had forgotten|"
            "{n} will never forget]"
            " {what}[: {thing}.|: it is {thing}.|. The answer is {thing}.|. It is {thing}.]",
            what=what, teller=teller.first, thing=answer,
        )  # fmt: skip

    def visit(self) -> str:
        """A shopping trip with the true prices and hours."""
        voice = self.voice
        person = voice.one(voice.world.people)
        shop = voice.one(voice.shops)
        goods = [good for good in voice.world.goods if good.shop == shop.name]
        good = voice.one(goods)
        told = [
            voice.of(
                person,
                "[{n} went to the {shop} in {street}.|{n} walked to {street}, where the {shop} is.|"
                "it was {opens}, and the {shop} had just opened. {n} came in.|"
                "{n} needed {a_good}, so {he} went to the {shop}.|"
                "the {shop} closes at {closes}, so {n} had to hurry.|"
                "on {day} {n} found the {shop} closed. {He} came back the next day.]",
                shop=shop.name,
                street=shop.street,
                opens=shop.opens,
                closes=shop.closes,
                day=shop.closed_on,
                a_good=with_article(good.name),
            ),
            voice.of(
                person,
                "[{keeper} greeted {him} with a smile.|behind the counter stood {keeper}.|"
                '"good morning, {n}," said {keeper}.|{keeper} was busy, as always.|]',
                keeper=shop.keeper if voice.chance(0.5) else shop.keeper.split()[0],
            ),
        ]
        for bought in voice.rng.sample(goods, voice.rng.randint(1, min(2, len(goods)))):
            told.append(self.bought(person, (bought.name, "price", self.price(bought.name))))
        told.append(
            voice.of(
                person,
                "[then {he} went home.|{He} was pleased.|{He} put it in {his} bag.|"
                "{He} paid and said goodbye.|outside it had begun to rain.|]",
            )
        )
        return " ".join(part for part in told if part)

    def price(self, good: str) -> str:
        """What a good costs."""
        return next(
            thing for name, relation, thing in self.facts if (name, relation) == (good, "price")
        )

    def bought(self, person: Person, fact: Fact) -> str:
        """Somebody pays the true price."""
        name, _, price = fact
        return self.voice.of(
            person,
            "[{n} bought {a_good} for {price}.|{He} took {a_good} and paid {price}.|"
            "{a_good} cost {him} {price}.|the price of {a_good} was {price}, as ever.|"
            "for {a_good} {he} gave {price}.|{He} asked for {a_good}. That made {price}.]",
            a_good=with_article(name), price=price,
        )  # fmt: skip

    def directory(self) -> str:
        """Who lives in a street, or works at a place."""
        voice = self.voice
        street = voice.one([person.street for person in voice.world.people])
        neighbours = [person for person in voice.world.people if person.street == street]
        names = [person.name for person in neighbours]
        told = voice.say(
            "[in {street} live {names}.|these people live in {street}: {names}.|"
            "the people of {street} are {names}.]",
            street=street,
            names=_join(names),
        )
        places = [place for place in voice.world.places if place.street == street]
        return " ".join([told, *(self.named((p.name, "place_street", street)) for p in places)])

    def kinds(self) -> list[tuple[Callable[[], str], float]]:
        """What this can write, with weights."""
        return [
            (self.portrait, 9),
            (self.lone, 6),
            (self.about, 5),
            (self.wondering, 3),
            (self.visit, 4),
            (self.directory, 1),
        ]


def _join(names: list[str]) -> str:
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]
