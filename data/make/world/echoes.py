"""Judgements and what people say to them at once: short, so that each saying gets its meaning.

The second part of the corpus tells these beside the longer texts of `verdicts`. Nothing here names
a polarity.
"""

from __future__ import annotations

from collections.abc import Callable

from data.make.lexicon import sentiment as lexicon
from data.make.lexicon.phrase import Polarity, render
from data.make.world.people import Person
from data.make.world.verdicts import Verdicts, other, sentences
from data.make.world.voice import Voice, capital

REPLIES: dict[Polarity, tuple[str, ...]] = {
    "positive": (
        "Good!", "How nice!", "Lovely!", "I am glad!", "Wonderful!", "Well done!", "Hurrah!",
        "That is good.", "That is good news.", "How lucky you are!", "Great!", "Excellent!",
    ),
    "negative": (
        "Bad!", "How sad!", "Oh dear!", "I am sorry!", "Terrible!", "Too bad!", "Alas!",
        "That is bad.", "That is bad news.", "How unlucky you are!", "What a pity!", "Dreadful!",
    ),
}  # fmt: skip
GIVEN: dict[Polarity, tuple[str, ...]] = {
    "positive": ("five stars", "four stars", "top marks", "ten points", "nine points"),
    "negative": ("one star", "no star", "low marks", "two points", "one point"),
}
MOODS: dict[Polarity, tuple[str, ...]] = {
    "positive": ("happy", "pleased", "glad", "content", "full of praise", "in a good mood"),
    "negative": ("unhappy", "cross", "sorry", "annoyed", "full of blame", "in a bad mood"),
}
LISTS: dict[Polarity, tuple[str, ...]] = {
    "positive": (
        "what {n} liked about it:", "good things that {n} said about the {item}:",
        "this is how {n} praised the {item}:", "a good {item} is like this:",
        "people who liked the {item} said:",
    ),
    "negative": (
        "what {n} disliked about it:", "bad things that {n} said about the {item}:",
        "this is how {n} blamed the {item}:", "a bad {item} is like this:",
        "people who disliked the {item} said:",
    ),
}  # fmt: skip
MEANT: dict[Polarity, tuple[str, ...]] = {
    "positive": ("{He} liked it.", "{n} was pleased.", "{He} meant that it was good."),
    "negative": ("{He} disliked it.", "{n} was annoyed.", "{He} meant that it was bad."),
}


class Echoes:
    """Tells judgements and what is said to them.

    Parameters
    ----------
    voice
        Chance and words.
    """

    def __init__(self, voice: Voice) -> None:
        self.voice = voice
        self.verdicts = Verdicts(voice)

    def plain(self, subject: str, item: str, polarity: Polarity, person: Person) -> str:
        """One clause of this polarity, or an adjective; in the first person."""
        if self.voice.chance(0.15):
            adjective = self.verdicts.adjective(subject, polarity)
            return self.voice.one((f"the {item} was {adjective}", f"it was {adjective}"))
        return self.verdicts.clause(subject, item, polarity, person, first=True)

    def turned(self, subject: str, item: str, polarity: Polarity, person: Person) -> str:
        """Words of the other polarity that a "not" or a "but" turns round; in the first person."""
        voice, verdicts = self.voice, self.verdicts
        kind = voice.rng.random()
        if kind < 0.4:
            pattern = voice.one([p for split in lexicon.NEGATIONS.values() for p in split])
            adjective = verdicts.adjective(subject, other(polarity))
            return pattern.format(it=voice.one((f"the {item}", "it")), adj=adjective)
        against = verdicts.clause(
            subject, item, other(polarity), person, first=True, impersonal=True
        )
        if kind < 0.6:
            pattern = voice.one([p for split in lexicon.NEGATED_CLAUSES.values() for p in split])
            return pattern.format(clause=against)
        pattern = voice.one([p for split in lexicon.CONTRASTS.values() for p in split])
        last = verdicts.clause(subject, item, polarity, person, first=True, impersonal=True)
        return sentences(pattern.format(first=against, last=last)).rstrip(".")

    def said(self) -> tuple[str, str, Polarity, Person]:
        """Something said: the words, the thing, the polarity and who said it."""
        subject, item, polarity, person = self.verdicts.begin()
        voice = self.voice
        kind = voice.rng.random()
        if kind < 0.62:
            words = self.plain(subject, item, polarity, person)
        elif kind < 0.87:
            words = self.turned(subject, item, polarity, person)
        elif kind < 0.93:
            words = voice.one(
                [verdict for key, verdicts in lexicon.VERDICTS.items()
                 if key[:2] == (subject, polarity) for verdict in verdicts]
            )  # fmt: skip
        else:
            ironies = [
                irony
                for irony in lexicon.IRONIES
                if (irony.subject, irony.polarity) == (subject, polarity)
            ]
            item = "film" if subject == "film" else item
            words = render(voice.one(ironies).text, item=item)
        return capital(words), item, polarity, person

    def reply(self) -> str:
        """Something said, and what a friend says to it at once."""
        words, item, polarity, person = self.said()
        return self.voice.of(
            person,
            '["{words}," said {n}.|{n} said: "{words}."|"{words}." That is what {n} said of the '
            '{item}.|"{words}."] "{reply}" [said {friend}.|answered {friend}.|]',
            words=words, reply=self.voice.one(REPLIES[polarity]), item=item,
            friend=person.friend.split()[0],
        ).rstrip()  # fmt: skip

    def marks(self) -> str:
        """Something said, and the marks that went with it."""
        words, item, polarity, person = self.said()
        return self.voice.of(
            person,
            '["{words}." {n} gave {given}.|{words}. {given} from {n}.|"{words}," said {n} and gave '
            "the {item} {given}.|{n} gave the {item} {given}: \"{words}.\"]",
            words=words, given=self.voice.one(GIVEN[polarity]), item=item,
        )  # fmt: skip

    def meaning(self) -> str:
        """Something said, and what it meant."""
        words, _, polarity, person = self.said()
        return self.voice.of(
            person, '["{words}," said {n}.|{n} wrote: "{words}."] ' + self.voice.one(MEANT[polarity]),
            words=words,
        )  # fmt: skip

    def mood(self) -> str:
        """A mood and what was said in it, in this order or the other."""
        words, item, polarity, person = self.said()
        return self.voice.of(
            person,
            '[{n} was {mood}: "{words}."|"{words}," said {n}, who was {mood}.|'
            '{n} was {mood} with the {item}. {He} said: "{words}."|"{words}." So {n} was {mood}.]',
            words=words, mood=self.voice.one(MOODS[polarity]), item=item,
        )  # fmt: skip

    def gathered(self) -> str:
        """Several things said of one mind."""
        subject, item, polarity, person = self.verdicts.begin()
        told = [
            capital(self.plain(subject, item, polarity, person))
            for _ in range(self.voice.rng.randint(3, 5))
        ]
        start = self.voice.of(person, self.voice.one(LISTS[polarity]), item=item)
        return f"{start} {'. '.join(dict.fromkeys(told))}."

    def kinds(self) -> list[tuple[Callable[[], str], float]]:
        """What this can write, with weights."""
        return [(self.reply, 8), (self.marks, 3), (self.meaning, 4), (self.mood, 4),
                (self.gathered, 2)]  # fmt: skip
