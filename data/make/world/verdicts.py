"""Little texts about films and things bought: what was said of them, and what came of it.

They use every phrase of the sentiment lexicon in sentences of their own, so that a reader learns
from what follows whether it was praise. Nothing here names a polarity.
"""

from __future__ import annotations

from collections.abc import Callable

from data.make.lexicon import sentiment as lexicon
from data.make.lexicon.phrase import Phrase, Polarity, render
from data.make.world.people import Person
from data.make.world.verdict_words import AFTER, ASKED, BEFORE, JOKE, MEANS, OPEN, REACTION
from data.make.world.voice import Voice, capital, with_article

_POLARITIES: tuple[Polarity, ...] = ("positive", "negative")
FILMS = ("film", "picture", "comedy", "love story", "musical")


def other(polarity: Polarity) -> Polarity:
    """Turn a polarity round."""
    return "negative" if polarity == "positive" else "positive"


def sentences(text: str) -> str:
    """Begin each sentence with a capital letter."""
    return ". ".join(map(capital, text.split(". ")))


def _naming(frames: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(frame for frame in frames if "{n}" in frame)


class Verdicts:
    """Tells of films and of things bought.

    Parameters
    ----------
    voice
        Chance and words.
    """

    def __init__(self, voice: Voice) -> None:
        self.voice = voice
        self.by: dict[tuple[str, Polarity], list[Phrase]] = {}
        for phrase in lexicon.PHRASES:
            self.by.setdefault((phrase.aspect, phrase.polarity), []).append(phrase)
        self.film_aspects = sorted({p.aspect for p in lexicon.PHRASES if p.subject == "film"})
        self.said: set[str] = set()

    def begin(self) -> tuple[str, str, Polarity, Person]:
        """Draw what a new text is about."""
        subject = self.voice.one(("film", "product"))
        item = self.voice.one(FILMS if subject == "film" else lexicon.PRODUCTS)
        self.said = set()
        return subject, item, self.voice.one(_POLARITIES), self.voice.one(self.voice.adults)

    def clause(
        self, subject: str, item: str, polarity: Polarity, teller: Person, *,
        first: bool = False, impersonal: bool = False,
    ) -> str:  # fmt: skip
        """What was said: of the thing, or of the teller, who speaks or is spoken of."""
        who = "viewer" if subject == "film" else "buyer"
        aspects = (
            self.film_aspects
            if subject == "film"
            else [item, item, "thing", "price", "parcel", "shop", "buyer"]
        )
        fitting = [a for a in aspects if a not in self.said and not (impersonal and a == who)]
        aspect = self.voice.one(fitting or ["mood" if subject == "film" else "thing"])
        self.said.add(aspect)
        phrase = self.voice.one(self.by[aspect, polarity])
        person = "I" if first else "she" if teller.female else "he"
        told = render(phrase.text, person)
        if aspect == who:
            return f"{'I' if first else teller.first} {told}"
        return f"{self.voice.one(lexicon.NOUNS[aspect])} {told}"

    def clauses(self, count: int, *args: str | Person, first: bool = False) -> str:
        """Several of one mind."""
        told = [self.clause(*args, first=first) for _ in range(count)]
        if count == 1:
            return told[0]
        joint = self.voice.one((" and ", ", and ", "; ", ". "))
        head = ". ".join(told[:-1])
        return sentences(head + joint + told[-1])

    def opinion(
        self, subject: str, item: str, polarity: Polarity, teller: Person, first: bool
    ) -> str:
        """A judgement, plain or round about; no stop at its end."""
        voice = self.voice
        kind = voice.rng.random()
        it = f"the {item}" if voice.chance(0.7) else "it"
        if kind < 0.52:
            count = voice.one((1, 1, 2, 2, 3))
            return self.clauses(count, subject, item, polarity, teller, first=first)
        if kind < 0.62:
            adjective = self.adjective(subject, polarity)
            very = voice.one(("", "", "", *(f"{word} " for word in lexicon.INTENSIFIERS)))
            plain = with_article(adjective)
            return voice.one(
                (f"{it} was {very}{adjective}", f"it was {plain} {item}", f"what {plain} {item}",
                 f"{teller.first if not first else 'I'} found it {adjective}")
            )  # fmt: skip
        if kind < 0.76:
            pattern = voice.one([p for split in lexicon.NEGATIONS.values() for p in split])
            return pattern.format(it=it, adj=self.adjective(subject, other(polarity)))
        if kind < 0.82:
            pattern = voice.one([p for split in lexicon.NEGATED_CLAUSES.values() for p in split])
            if not first:
                pattern = pattern.replace("I ", f"{teller.first} ", 1)
            turned = self.clause(
                subject, item, other(polarity), teller, first=first, impersonal=True
            )
            return pattern.format(clause=turned)
        pattern = voice.one([p for split in lexicon.CONTRASTS.values() for p in split])
        against = self.clause(subject, item, other(polarity), teller, impersonal=True)
        turned = self.clause(subject, item, polarity, teller, impersonal=True)
        return sentences(pattern.format(first=against, last=turned)).rstrip(".")

    def adjective(self, subject: str, polarity: Polarity) -> str:
        """Any adjective for the whole of it."""
        return self.voice.one(
            [w for key, words in lexicon.ADJECTIVES.items() if key[:2] == (subject, polarity)
             for w in words]
        )  # fmt: skip

    def told(self) -> str:
        """How it was, and what came of it."""
        subject, item, polarity, teller = self.begin()
        voice = self.voice
        parts = []
        if voice.chance(0.8):
            parts.append(self.frame(OPEN[subject], teller, item))
        if voice.chance(0.3):
            opinion = self.opinion(subject, item, polarity, teller, first=True)
            speech = voice.one(
                (
                    '"{it}," said {n}.',
                    '{n} said: "{it}."',
                    '"{it}," {he} told a friend.',
                    '{He} wrote in a letter: "{it}."',
                )
            )
            parts.append(voice.of(teller, speech.replace("{it}", capital(opinion))))
        else:
            parts.append(capital(self.opinion(subject, item, polarity, teller, False)) + ".")
        for _ in range(voice.one((1, 1, 2))):
            parts.append(self.frame(AFTER[subject, polarity], teller, item))
        return " ".join(dict.fromkeys(parts))

    def why(self) -> str:
        """A mood first, then its cause."""
        subject, item, polarity, teller = self.begin()
        voice = self.voice
        before = self.frame(BEFORE[subject, polarity], teller, item)
        linked = voice.chance(0.5)
        opinion = self.opinion(subject, item, polarity, teller, first=not linked)
        if linked and ". " not in opinion:
            return f"{before} The reason: {opinion}. " + self.frame(
                AFTER[subject, polarity], teller, item
            )
        return (
            before
            + voice.of(
                teller,
                " [{He} said: |{He} told {friend}: |Listen to what {he} said: ]",
                friend=teller.friend.split()[0],
            )
            + f'"{capital(opinion)}."'
        )

    def asked(self) -> str:
        """A friend asks, and acts on the answer."""
        subject, item, polarity, teller = self.begin()
        voice = self.voice
        friend = voice.world.person(teller.friend)
        question = voice.of(
            friend, voice.one(ASKED[subject]), item=item, an_item=with_article(item)
        )
        opinion = capital(self.opinion(subject, item, polarity, teller, first=True))
        verdict = ""
        if voice.chance(0.35):
            verdicts = [
                v
                for key, words in lexicon.VERDICTS.items()
                if key[:2] == (subject, polarity)
                for v in words
            ]
            verdict = capital(voice.one(verdicts)) + "."
        tail = voice.of(teller, "[said {n}.|answered {n}.|replied {n}.]")
        answer = f'"{opinion}. {verdict}'.rstrip()[:-1] + '," ' + tail[0].lower() + tail[1:]
        return " ".join([question, answer, self.frame(REACTION[subject, polarity], friend, item)])

    def words_for_it(self) -> str:
        """Two ways to say the same, or what people mean by a saying."""
        subject, item, polarity, teller = self.begin()
        voice = self.voice
        one, two = (self.clause(subject, item, polarity, teller, impersonal=True) for _ in "12")
        return capital(voice.say(
            voice.one((
                "{one}; in other words, {two}.", "{one}. That is to say, {two}.",
                "when people say that {one}, they mean that {means}.",
                "if {one}, then {means}.", "{one}. It means that {means}.",
                "they say that {one}. So {means}.", "{one}, so {means}.",
            )), one=one, two=two, means=voice.one(MEANS[subject, polarity]).format(item=item),
        ))  # fmt: skip

    def joke(self) -> str:
        """Words that mean the opposite, and somebody who understands them."""
        voice = self.voice
        irony = voice.one(lexicon.IRONIES)
        subject, polarity = irony.subject, irony.polarity
        item = voice.one(FILMS[:2] if subject == "film" else lexicon.PRODUCTS)
        teller = voice.one(voice.adults)
        self.said = set()
        said = f'"{capital(render(irony.text, item=item))}," said {teller.first}.'
        parts = [said, voice.of(teller, voice.one(JOKE[polarity]))]
        if voice.chance(0.6):
            parts.insert(0, self.frame(OPEN[subject], teller, item))
        if voice.chance(0.5):
            parts.append(capital(self.clause(subject, item, polarity, teller)) + ".")
        parts.append(self.frame(AFTER[subject, polarity], teller, item))
        return " ".join(parts)

    def two_minds(self) -> str:
        """Two who do not agree."""
        subject, item, polarity, one = self.begin()
        voice = self.voice
        two = voice.world.person(one.friend)
        first = self.clauses(voice.one((1, 2)), subject, item, polarity, one, first=True)
        second = self.clauses(voice.one((1, 2)), subject, item, other(polarity), two, first=True)
        where = (f"{one.first} and {two.first} saw the same {item}." if subject == "film"
                 else f"{one.first} and {two.first} bought the same {item}.")  # fmt: skip
        differed = voice.say(
            "[but |]{n} [did not agree|thought otherwise|saw it in another way]: ", n=two.first
        )
        return " ".join(
            [
                where,
                f'{one.first} said: "{capital(first)}."',
                f'{differed}"{capital(second)}."',
                self.frame(_naming(AFTER[subject, polarity]), one, item),
                self.frame(_naming(AFTER[subject, other(polarity)]), two, item),
            ]
        )

    def frame(self, frames: tuple[str, ...], person: Person, item: str) -> str:
        """A sentence of our own about a person and the thing."""
        voice = self.voice
        return voice.of(person, voice.one(frames), item=item, an_item=with_article(item),
                        day=voice.one(("Monday", "Tuesday", "Friday", "Saturday", "Sunday")),
                        friend=person.friend.split()[0])  # fmt: skip

    def kinds(self) -> list[tuple[Callable[[], str], float]]:
        """What this can write, with weights."""
        return [
            (self.told, 10),
            (self.why, 4),
            (self.asked, 4),
            (self.words_for_it, 3),
            (self.joke, 3),
            (self.two_minds, 2),
        ]
