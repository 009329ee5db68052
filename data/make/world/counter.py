"""Little texts about customers of the village shop: what they said, and what was done about it.

They use every situation of the support lexicon in sentences of their own, so that a reader learns
from what follows what was the matter. Nothing here names an intent.
"""

from __future__ import annotations

from collections.abc import Callable

from data.make.lexicon import support as lexicon
from data.make.lexicon.phrase import sentence, with_article
from data.make.world.people import Person
from data.make.world.voice import Voice

# More of what the shop does, in the past tense, to follow "the shop".
DEEDS: dict[str, tuple[str, ...]] = {
    "track_parcel": (
        "asked the driver where the van was by then", "said where the parcel was at that hour",
        "found the parcel on its map and named the day when it would come",
    ),
    "late_delivery": (
        "was ashamed that it had taken so long", "made the driver go that very day",
        "begged for a little more patience, as the van was slow",
    ),
    "cancel_order": (
        "put the thing back on the shelf and sent nothing", "tore up the order",
        "did not send it, and nothing had to be paid",
    ),
    "change_address": (
        "sent the parcel to the other house", "crossed out the old street on the label",
        "told the driver to go to another door",
    ),
    "refund": (
        "gave back all the money", "counted out the coins and handed them over",
        "sent the money back to the bank, for the thing had been returned",
    ),
    "exchange_size": (
        "looked for one that was bigger or smaller", "took it back and sent one that fitted",
        "measured again and brought another size",
    ),
    "broken_item": (
        "sent another one that was whole", "was sorry that it had come broken",
        "fetched the broken thing and brought a good one",
    ),
    "missing_part": (
        "found the lost piece in the store room and posted it",
        "sent the part that had been left out",
        "put the piece that was lacking in a small envelope",
    ),
    "wrong_item": (
        "saw that two parcels had been mixed up and sent the right thing",
        "fetched the wrong thing and brought the right one",
        "put the right thing in a box this time",
    ),
    "invoice": (
        "wrote out a bill and put it in the post", "made a copy of the paper with the sum on it",
        "stamped a receipt and handed it over",
    ),
    "payment_declined": (
        "tried the card again and then took cash", "rang the bank, and after that the card worked",
        "could not take the money by card and asked for coins",
    ),
    "double_charge": (
        "saw that the sum had been taken two times and gave one back",
        "paid back what had been taken too often", "found both payments and sent one of them back",
    ),
    "login": (
        "sent a new password in a letter", "opened the locked page again",
        "made a new secret word, and the page let the customer in",
    ),
    "delete_account": (
        "wiped out all that it had written down",
        "was sad to lose a customer and closed the page for good",
        "took the name off its list of customers",
    ),
    "opening_hours": (
        "gave the hours for every day of the week",
        "said when the doors are opened and when they are locked",
        "hung a card with the hours on the door",
    ),
    "warranty": (
        "mended it and took no money, for it was still under guarantee",
        "looked at the day of the sale and mended the old thing free of charge",
        "kept its promise that the thing would last and repaired it",
    ),
}  # fmt: skip

_SPOKE = (
    '"{it}" said {n} at the counter.', '"{it}" wrote {n} to the shop.',
    '"{it}" said {n} on the telephone.', '{n} rang the shop. "{it}" {he} said.',
    '{n} came into the village shop and said: "{it}"',
    '{n} wrote a letter to the shop. It said: "{it}"',
    '{n} stood at the counter. "{it}" {he} said.', 'a letter came from {n}: "{it}"',
    '"good morning," said {n}. "{it}"', '"{it}" wrote {n}. "Yours, {full}."',
)  # fmt: skip
_BESIDES = (
    "It was a rainy day.", "The shop was full of people.", "I have been here before.",
    "I hope you are well.", "I bought a lamp here in spring.",
    "My son has helped me with this letter.", "You have always been kind to me.",
    "I have thought about it all night.", "I am an old customer.", "I do not like to complain.",
    "I pay all my bills on time.", "The last box I got was fine.", "My account is an old one.",
)  # fmt: skip
_END = (
    "{n} was content.", "{n} said thank you.", "that was all {n} wanted.",
    "{n} went home in a better mood.", "so all was well again.", "{n} thanked the shop.",
    "now {n} was happy.", "that took one day.",
)  # fmt: skip


class Counter:
    """Tells of customers.

    Parameters
    ----------
    voice
        Chance and words.
    """

    def __init__(self, voice: Voice) -> None:
        self.voice = voice
        self.by = {intent: lexicon.situations("train", intent=intent)
                   + lexicon.situations("test", intent=intent, shared=False)
                   for intent in lexicon.INTENTS}  # fmt: skip

    def draw(self) -> tuple[str, Person, str, str]:
        """Who has what trouble, and with which things."""
        voice = self.voice
        item = voice.one(lexicon.ITEMS)
        another = voice.one([thing for thing in lexicon.OTHERS if thing != item])
        return voice.one(tuple(lexicon.INTENTS)), voice.one(voice.adults), item, another

    def spoken(self, intent: str, item: str, another: str) -> str:
        """The trouble in the first person, perhaps with other things around it."""
        told = sentence(lexicon.tell(self.voice.one(self.by[intent]).text, item, another))
        parts = [told]
        for _ in range(self.voice.one((0, 0, 0, 1, 1, 2))):
            parts.insert(self.voice.one((0, len(parts))), self.voice.one(_BESIDES))
        return " ".join(dict.fromkeys(parts))

    def narrated(self, intent: str, person: Person, item: str, another: str) -> str:
        """The trouble in the third person, of somebody who has been named."""
        fitting = [situation for situation in self.by[intent] if not situation.direct]
        told = lexicon.tell(
            self.voice.one(fitting).text, item, another, "she" if person.female else "he"
        )
        return sentence(told)

    def deed(self, intent: str, person: Person, item: str, another: str) -> str:
        """What the shop did."""
        answer = lexicon.INTENTS[intent].answer
        told = lexicon.tell(answer, item, another, "she" if person.female else "he")
        return self.voice.one((told, *DEEDS[intent]))

    def quoted(self, person: Person, spoken: str) -> str:
        """Give words to a speaker."""
        frame = self.voice.one(_SPOKE)
        if spoken.endswith(".") and '{it}" ' in frame and '." ' not in frame:
            spoken = spoken[:-1] + ","
        return self.voice.of(person, frame, it=spoken)

    def served(self) -> str:
        """A customer speaks, the shop does something."""
        intent, person, item, another = self.draw()
        spoken = self.quoted(person, self.spoken(intent, item, another))
        return " ".join([spoken, self.outcome(intent, person, item, another)])

    def outcome(self, intent: str, person: Person, item: str, another: str) -> str:
        """What came of it."""
        voice = self.voice
        told = voice.of(
            person,
            voice.one(("the shop {deed}.", "{keeper} thought for a moment. So the shop {deed}.",
                       "it was about {topic}, so the shop {deed}.", "in the end the shop {deed}.",
                       "it was about {topic}. The shop {deed}.",
                       "the shop understood: it was about {topic}.")),
            deed=self.deed(intent, person, item, another), topic=lexicon.INTENTS[intent].topic,
            keeper=voice.world.place("village shop").keeper,
        )  # fmt: skip
        return told + (" " + voice.of(person, voice.one(_END)) if voice.chance(0.5) else "")

    def story(self) -> str:
        """A customer's trouble told by somebody else."""
        intent, person, item, another = self.draw()
        voice = self.voice
        start = voice.of(
            person,
            "[why is {n} at the shop again?|{n} has written to the shop.|"
            "{n} looks worried.|{n} wants to speak to the shop.|there is a note from {n}.|"
            "listen to what happened to {n}.|{n} had a matter for the shop.|"
            "everyone is talking about {n}.]",
        )
        parts = [start, self.narrated(intent, person, item, another)]
        if voice.chance(0.3):
            parts.append(self.narrated(intent, person, item, another))
        return " ".join([*dict.fromkeys(parts), self.outcome(intent, person, item, another)])

    def alike(self) -> str:
        """Two customers who mean the same, or who do not."""
        intent, one, item, another = self.draw()
        voice = self.voice
        same = voice.chance(0.6)
        second = intent if same else voice.one([i for i in lexicon.INTENTS if i != intent])
        two = voice.world.person(one.friend)
        topic = lexicon.INTENTS[intent].topic
        link = (voice.of(two, "[{n} came with the same matter: |{n} put it in other words: |"
                              "{n} had the same to say: |so did {n}: |just like {n}: ]")
                if same else
                voice.of(two, "[{n} came with another matter: |with {n} it was different: |"
                              "{n} had something else to say: ]"))  # fmt: skip
        told = [
            f'{one.first} said: "{self.spoken(intent, item, another)}"',
            link + f'"{self.spoken(second, item, another)}"',
        ]
        if same:
            told.append(f"For both it was about {topic}.")
            told.append(
                voice.say("[so|both times] the shop {deed}.", deed=voice.one(DEEDS[intent]))
            )
        else:
            told.append(
                f"With {one.first} it was about {topic}, with {two.first} it was about "
                f"{lexicon.INTENTS[second].topic}."
            )
        return " ".join(told)

    def lesson(self) -> str:
        """What the shop does whenever somebody comes with this."""
        intent, _, item, another = self.draw()
        voice = self.voice
        spoken = sentence(lexicon.tell(voice.one(self.by[intent]).text, item, another))
        topic = lexicon.INTENTS[intent].topic
        return voice.say(
            voice.one(('when somebody says this, it is about {topic}: "{it}"',
                       '"{it}" That is about {topic}.',
                       '"{it}" There is a page on {topic} in the big book of the shop.',
                       'the shop {deed}, because a customer had said: "{it}"',
                       'a story about {topic}: "{it}" The shop {deed}.')),
            it=spoken, topic=topic, deed=voice.one(DEEDS[intent]), an_item=with_article(item),
        )  # fmt: skip

    def kinds(self) -> list[tuple[Callable[[], str], float]]:
        """What this can write, with weights."""
        return [(self.served, 8), (self.story, 4), (self.alike, 5), (self.lesson, 4)]
