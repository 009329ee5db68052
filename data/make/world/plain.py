"""Plain English, composed freely by a small grammar whose verbs and pronouns agree.

Unlike the other writers this one has no whole sentences: a clause is somebody, a tense, something
done, and its circumstances, and sentences are clauses put together. What it says of people whom
the world knows (their jobs, relatives and pets) is so; the rest is free.
"""

from __future__ import annotations

from collections.abc import Callable

from data.make.world import plain_words as w
from data.make.world.clauses import plainly
from data.make.world.english import Who, finite
from data.make.world.nouns import WE, YOU, I, someone
from data.make.world.sentences import Sentences
from data.make.world.voice import capital


class Plain(Sentences):
    """Composes plain English.

    Parameters
    ----------
    voice
        Chance and words.
    """

    def paragraph(self) -> str:
        """Two to six sentences on one topic."""
        voice = self.voice
        draw = voice.rng.random()
        who = self.who() if draw < 0.72 else self.beast() if draw < 0.86 else self.matter()
        past = voice.chance(0.68)
        said, named = [], False
        for _ in range(voice.rng.randint(2, 6)):
            if voice.chance(0.08) and who.kind == "person":
                said.append(self.ahead(who, who.he if named else who.name) + ".")
            elif voice.chance(0.14) and who.kind == "person":
                said.append(self.speech(who, who.he if named and voice.chance(0.5) else who.name))
            elif voice.chance(0.12) and named:
                said.append(voice.one((self.there, self.nobody, self.done))(past) + ".")
                continue
            else:
                name = who.he if named and voice.chance(0.75) else who.name
                said.append(self.told(who, name, past) + ".")
            named = named or who.name in said[-1]
        return " ".join(capital(text) for text in said)

    def speech(self, who: Who, name: str) -> str:
        """Direct speech."""
        voice = self.voice
        subject = voice.one((I, WE, self.matter(), self.beast(), I))
        past, thing = voice.chance(0.4), subject.name
        line = voice.one((
            lambda: self.told(subject, thing, past), lambda: self.ahead(WE, "we"),
            lambda: self.question(YOU), lambda: self.bare(plainly(YOU)), lambda: self.told(subject, thing, past),
        ))()  # fmt: skip
        said = f"{voice.one(('said', 'said', 'asked' if line[-1] == '?' else 'answered', 'cried'))}"
        if line[-1] == "?":
            asked = f"asked {name}" if name == who.name else f"{name} asked"
            return (
                f'"{capital(line)}" {asked}.'
                if who.person == 3
                else f'{name} asked: "{capital(line)}"'
            )
        if voice.chance(0.5) and who.person == 3:
            return (
                f'"{capital(line)}," {f"{said} {name}" if name == who.name else f"{name} {said}"}.'
            )
        return f'{name} {said}: "{capital(line)}."'

    def question(self, who: Who) -> str:
        """A question about somebody."""
        voice = self.voice
        tense = voice.one(("past", "present", "future", "perfect", "past"))
        verb, rest = self.act(who)
        first, then = finite(who, tense, verb)
        if tense in ("past", "present"):
            first = "did" if tense == "past" else "does" if who.single else "do"
            then = verb
        if verb == "be" and tense in ("past", "present"):
            first, then = who.be(tense), ""
        start = voice.one(("", "", "", "why ", "when ", "how ", "where "))
        if start in ("when ", "how ", "where ") and tense == "perfect":
            start = "why "
        return " ".join(filter(None, (start + first, who.name, then, rest))) + "?"

    def asked(self) -> str:
        """Questions, and what is answered."""
        voice = self.voice
        said = []
        for _ in range(voice.rng.randint(1, 2)):
            said += self.of_somebody() if voice.chance(0.6) else self.of_something()
        return voice.one((" ", "\n")).join(capital(line) for line in said)

    def of_somebody(self) -> tuple[str, str]:
        """A question about somebody, and the answer."""
        voice = self.voice
        who = self.who()
        told = who
        if who.person == 1:
            who, told = YOU, I
        question = self.question(who)
        clause = self.clause(told, "past", told.he)
        answers = {
            "why": f"because {self.reason(told, True)}", "when": self.time(w.PAST_TIMES),
            "where": self.place(), "how": voice.one((f"{clause} {voice.one(w.MANNERS)}", clause)),
        }  # fmt: skip
        yes = f"{voice.one(('yes, ', 'no, ', 'no, but ', 'perhaps ', 'of course ', ''))}{clause}"
        answer = answers.get(question.split()[0], yes)
        return question, ("I do not know" if voice.chance(0.08) else answer) + "."

    def of_something(self) -> tuple[str, str]:
        """A question about things, and the answer."""
        voice, item = self.voice, self.matter()
        be = item.be("present")
        owner = voice.one(voice.world.people).first
        some, place = voice.one((*w.FOOD, *w.DRINKS)), self.place()
        it = someone("who", "he")
        return voice.one((
            (f"where {be} {item.name}?", f"{item.he} {be} {place}."),
            (f"whose {item.name[4:]} {be} {'these' if item.plural else 'this'}?",
             voice.one((f"{item.he} {be} {owner}'s.", f"{item.he} belong{'s' * item.single} to {owner}."))),
            (f"is there any {some} {place}?",
             voice.one((f"yes, there is some {some} {place}.", f"no, there is no {some} left.", "yes, there is."))),
            (f"who {self.does(it, 'past')}?", f"{self.who().name} did."),
        ))  # fmt: skip

    def lone(self) -> str:
        """Some sentences of one or several people."""
        said = []
        for _ in range(self.voice.rng.randint(1, 4)):
            draw = self.voice.rng.random()
            who = self.who() if draw < 0.7 else self.beast() if draw < 0.85 else self.matter()
            said.append(capital(self.told(who, who.name, self.voice.chance(0.65))) + ".")
        return " ".join(said)

    def kinds(self) -> list[tuple[Callable[[], str], float]]:
        """What this can write, with weights."""
        return [(self.paragraph, 60), (self.lone, 25), (self.asked, 15)]
