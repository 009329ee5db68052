"""Short stories, letters, notices and talk of every day: what makes the corpus a language."""

from __future__ import annotations

from collections.abc import Callable

from data.make.world import asked_words, everyday_words, spoken_words
from data.make.world import tale_words as w
from data.make.world.people import Person
from data.make.world.voice import Voice, capital, with_article
from data.make.world.words import DAYS, FOODS, HOBBIES, MONTHS, STREETS, TOWNS, number, pounds


class Tales:
    """Tells of every day.

    Parameters
    ----------
    voice
        Chance and words.
    """

    def __init__(self, voice: Voice) -> None:
        self.voice = voice

    def fill(self, person: Person, template: str) -> str:
        """Say something of a person with words of our lists."""
        voice = self.voice
        two = voice.world.person(person.friend)
        animal, thing, looks = voice.one(w.ANIMALS), voice.one(w.THINGS), voice.one(w.LOOKS)
        return voice.of(
            person, template, friend=two.first, animal=animal, an_animal=with_article(animal),
            thing=thing, a_thing=with_article(thing), things=voice.one(w.PLURALS),
            weather=voice.one(w.WEATHER), place=voice.one(w.SPOTS), town=voice.one(TOWNS),
            street=voice.one(STREETS), day=voice.one(DAYS), month=voice.one(MONTHS),
            hour=number(voice.rng.randint(1, 12)), few=number(voice.rng.randint(2, 9)),
            food=voice.one(FOODS), hobby=voice.one(HOBBIES), good=voice.one(w.GOOD),
            bad=voice.one(w.BAD), looks=looks, a_looks=with_article(looks), pet=person.pet,
            manner=voice.one(w.MANNERS), sound=voice.one(w.SOUNDS), time=voice.one(w.TIMES),
        )  # fmt: skip

    def story(self) -> str:
        """A beginning, a trouble, what was done about it, an end."""
        person = self.voice.one(self.voice.world.people)
        opening = self.fill(person, self.voice.one(w.BEGIN))
        trouble, deeds = self.voice.one(w.TROUBLES)
        parts = [opening]
        if self.voice.chance(0.6):
            parts.append(self.fill(person, self.voice.one(w.SCENE)))
        # One filling for both, so that they speak of the same things.
        parts.append(self.fill(person, f"{trouble} {self.voice.one(deeds)}"))
        parts.append(self.fill(person, self.voice.one(w.END)))
        return " ".join(map(_sentences, parts))

    def mood(self) -> str:
        """A feeling and its cause."""
        person = self.voice.one(self.voice.world.people)
        feeling, causes = self.voice.one(everyday_words.FEELINGS)
        cause = self.voice.one(causes)
        if self.voice.chance(0.5):
            frame = self.voice.one((
                f"{{n}} was {feeling} because {cause}.", f"{{n}} felt {feeling}, for {cause}.",
                f"why was {{n}} {feeling}? Because {cause}.",
            ))  # fmt: skip
        else:
            # Whoever is spoken of is named first.
            again = "{he}" if "{he}" in cause else "{n}"
            cause = cause.replace("{he}", "{n}", 1)
            him = again.replace("he", "him")
            frame = self.voice.one(
                (f"{cause}, so {again} was {feeling}.", f"{cause}. That made {him} {feeling}.")
            )
        told = self.fill(person, frame)
        return _sentences(
            told + " " + self.fill(person, self.voice.one(everyday_words.AFTER_FEELING[feeling]))
        )

    def sky(self) -> str:
        """The weather, and what people do in it."""
        person = self.voice.one(self.voice.world.people)
        kind, lines = self.voice.one(everyday_words.SKIES)
        chosen = self.voice.rng.sample(lines, self.voice.rng.randint(2, len(lines)))
        return _sentences(" ".join(self.fill(person, line) for line in [kind, *chosen]))

    def sum(self) -> str:
        """A little sum, in words or digits."""
        voice = self.voice
        person = voice.one(voice.world.people)
        one, two = voice.rng.randint(1, 12), voice.rng.randint(1, 12)
        show = str if voice.chance(0.35) else number
        things = voice.one(w.PLURALS)
        told = voice.of(
            person, voice.one(asked_words.SUMS),
            a=show(one), b=show(two), c=show(one + two), things=things,
            friend=person.friend.split()[0], left="was" if one == 1 else "were",
            price=pounds(one), note=pounds(one + two), change=pounds(two),
        )  # fmt: skip
        # One thing is singular.
        single = f"{show(1)} {things}"
        told = told.replace(single, single.removesuffix("s"))
        return told.replace(f"were {show(1)} ", f"was {show(1)} ")

    def howto(self) -> str:
        """How a thing is done, step by step."""
        voice = self.voice
        title, steps, end = voice.one(everyday_words.HOWTOS)
        lead = ("", "first ", "to begin with, ")
        told = [voice.one(lead) + steps[0]]
        told += [
            voice.one(("then ", "after that, ", "next, ", "now ", "")) + step for step in steps[1:]
        ]
        start = voice.say(
            f"[how to {title}.|this is how you {title}.|do you want to {title}? It is easy.|"
            f"if you want to {title}, do this.]"
        )
        return _sentences(" ".join([start, *(f"{step}." for step in told), f"{end}."]))

    def letter(self) -> str:
        """A letter to a friend."""
        person = self.voice.one(self.voice.world.people)
        lines = self.voice.rng.sample(spoken_words.NEWS, self.voice.rng.randint(2, 4))
        body = " ".join(self.fill(person, line) for line in lines)
        head = self.fill(person, "[Dear {friend},|My dear {friend},|Hello {friend},]")
        tail = self.fill(person, self.voice.one(spoken_words.FAREWELLS))
        return f"{head}\n{_sentences(body)}\n{tail}"

    def notice(self) -> str:
        """A note on a door or a board."""
        return _sentences(
            self.fill(self.voice.one(self.voice.adults), self.voice.one(spoken_words.NOTICES))
        )

    def talk(self) -> str:
        """Two people speak with each other."""
        voice = self.voice
        one = voice.one(voice.world.people)
        topic = voice.one(spoken_words.TALKS)
        lines = [self.fill(one, line) for line in topic]
        where = self.fill(
            one,
            "[{n} met {friend} {place}.|{friend} came to see {n}.|"
            "{n} and {friend} stood {place}.|]",
        )
        return (where + " " + " ".join(_sentences(line) for line in lines)).strip()

    def reading(self) -> str:
        """What somebody did, and questions that can be answered from it."""
        voice = self.voice
        person = voice.one(voice.world.people)
        at = voice.rng.sample(range(len(asked_words.DEEDS)), voice.one((1, 1, 2, 2, 3)))
        # One filling for the deed and its questions, so that they speak of the same things.
        chosen = [asked_words.DEEDS[index] for index in at]
        asked = [voice.one(questions) for _, questions in chosen]
        voice.rng.shuffle(asked)
        told = self.fill(person, "@".join([*(deed for deed, _ in chosen), *asked])).split("@")
        parts = []
        for part in map(_sentences, told[len(chosen) :]):
            question, answer = part.split("? ")
            who = voice.one(voice.world.people).first
            parts.append(voice.say(
                voice.one(('"{q}?" asked {who}. "{a}"', '{q}? {a}', '{who} asked: "{q}?" "{a}"',
                           '"{q}?" "{a}"', '"{q}?" {who} wanted to know. "{a}"')),
                q=question, a=answer, who=who))  # fmt: skip
        return " ".join([*map(_sentences, told[: len(chosen)]), *parts])

    def creature(self) -> str:
        """What an animal looks like and does."""
        voice = self.voice
        kind, many, traits = voice.one(everyday_words.BEASTS)
        told = voice.rng.sample(traits, voice.rng.randint(2, len(traits)))
        person = voice.one(voice.world.people)
        start = voice.say(
            "[this is {a}.|look, {a}!|there is {a} in the field.|{many} are animals.|"
            "do you know {many}?|{n} has drawn {a}.]",
            a=with_article(kind),
            many=many,
            n=person.first,
        )
        return " ".join([start, *(capital(f"{voice.one((f'the {kind}', with_article(kind)))} {t}.")
                                  for t in told)])  # fmt: skip

    def order(self) -> str:
        """Days, months, numbers and opposites: what follows what."""
        voice = self.voice
        row = voice.one((DAYS, MONTHS, tuple(number(i) for i in range(1, 21))))
        at = voice.rng.randrange(len(row) - 2)
        one, two = voice.one(everyday_words.OPPOSITES)
        return _sentences(voice.say(
            voice.one(("after {x} comes {y}, and after {y} comes {z}.", "before {y} comes {x}.",
                       "{x}, {y}, {z}: so it goes on.", "{y} is between {x} and {z}.",
                       "{one} is the opposite of {two}.", "what is {one} is not {two}.",
                       "if it is not {one}, it may be {two}.",
                       "the one was {one}, the other {two}.")),
            x=row[at], y=row[at + 1], z=row[at + 2], one=one, two=two))  # fmt: skip

    def chat(self) -> str:
        """Small talk between a user and an assistant, as the chat template writes it."""
        voice = self.voice
        person = voice.one(voice.world.people)
        turns = [voice.one(spoken_words.CHATS) for _ in range(voice.one((1, 1, 2)))]
        told = "<|system|> You are a friendly neighbour.<|end|>" if voice.chance(0.1) else ""
        for user, assistant in turns:
            told += f"<|user|> {self.fill(person, user)}<|end|>"
            told += f"<|assistant|> {self.fill(person, assistant)}<|end|>"
        return told.removesuffix("<|end|>")

    def kinds(self) -> list[tuple[Callable[[], str], float]]:
        """What this can write, with weights."""
        return [
            (self.story, 9),
            (self.mood, 4),
            (self.sky, 2),
            (self.sum, 2),
            (self.howto, 2),
            (self.letter, 3),
            (self.notice, 2),
            (self.talk, 4),
            (self.reading, 7),
            (self.creature, 2),
            (self.order, 1.5),
            (self.chat, 2),
        ]


def _sentences(text: str) -> str:
    """Begin every sentence of a text with a capital letter."""
    parts = text.split(". ")
    return "? ".join(map(capital, ". ".join(map(capital, parts)).split("? ")))
