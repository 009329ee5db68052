"""The support lexicon: what the customers of the village shop write about.

It is shared by the support data set, which labels it with intents, and by the corpus of the
bundled base model, which tells all of it in stories and never names an intent. Situations marked
``"train"`` and ``"test"`` occur only in that split of the data set.

What a story tells together, a reader learns to hold together: a customer's day should tell two or
three situations of one intent, of whatever split, with its topic and the shop's answer.
"""

from __future__ import annotations

from dataclasses import dataclass

from data.make.lexicon.phrase import Split, render, with_article
from data.make.lexicon.situations import SITUATIONS

# What {item} may be: one thing with parts, that can work or fail.
ITEMS: tuple[str, ...] = (
    "kettle", "lamp", "radio", "bicycle", "umbrella", "clock", "torch", "heater", "camera", "fan",
)  # fmt: skip
# What else {an_other} may be, where two things were mixed up.
OTHERS: tuple[str, ...] = (*ITEMS, "blanket", "rucksack", "knife", "chair", "tent", "teapot")


@dataclass(frozen=True, slots=True)
class Situation:
    """One clause a customer says, with slots for `tell`; ``split`` as in `Phrase`."""

    text: str
    intent: str
    split: Split

    @property
    def direct(self) -> bool:
        """Whether it is a question or a request, which a story can only quote."""
        return self.text.startswith("please") or self.text.endswith("?")


@dataclass(frozen=True, slots=True)
class Intent:
    """A label, and how a story speaks of it without the label.

    Parameters
    ----------
    topic
        To follow "it was about".
    answer
        What the shop does about it, in the past tense, to follow "the shop"; slots as in `render`.
    """

    topic: str
    answer: str


INTENTS: dict[str, Intent] = {
    "track_parcel": Intent(
        "the way of a parcel", "looked up where the parcel was and told {me} the day"
    ),
    "late_delivery": Intent(
        "a long wait for a parcel", "said sorry for the delay and asked the driver to hurry"
    ),
    "cancel_order": Intent("stopping an order", "stopped the order before it was packed"),
    "change_address": Intent(
        "the place a parcel goes to", "wrote the new street and house on the label"
    ),
    "refund": Intent("getting money back", "paid back the money the same day"),
    "exchange_size": Intent("clothes that do not fit", "gave {me} another size that fitted"),
    "broken_item": Intent(
        "a thing that came broken", "sent a whole one in place of the broken one"
    ),
    "missing_part": Intent("a part left out of the box", "posted the missing piece"),
    "wrong_item": Intent("the wrong thing in the box", "took the wrong thing back"),
    "invoice": Intent("a bill on paper", "printed a bill with the name and the sum"),
    "payment_declined": Intent("a card that did not work", "found another way for {me} to pay"),
    "double_charge": Intent("paying twice for one thing", "gave back the second payment"),
    "login": Intent("a forgotten password", "set a new password for {me}"),
    "delete_account": Intent("leaving the shop's books", "struck {my} name from its books"),
    "opening_hours": Intent("when the shop is open", "told {me} from when until when it is open"),
    "warranty": Intent(
        "the guarantee on a thing that wore out", "mended it for nothing under the guarantee"
    ),
}

SITUATION_LIST: list[Situation] = [
    Situation(" ".join(text.split()), intent, split)
    for intent, by_split in SITUATIONS.items()
    for split, block in by_split.items()
    for text in block.split("/")
]


def situations(split: Split, *, intent: str | None = None, shared: bool = True) -> list[Situation]:
    """List the situations that texts of a split may use.

    Parameters
    ----------
    split
        ``"train"`` or ``"test"``; ``"both"`` gives the shared ones alone.
    intent
        Keep only this one's, where given.
    shared
        Whether the shared situations come too.

    Examples
    --------
    >>> [s.text for s in situations("both", intent="exchange_size")]
    ['the jacket is too tight for {me}']
    """
    wanted = {split, "both"} if shared else {split}
    return [s for s in SITUATION_LIST if s.split in wanted and intent in (None, s.intent)]


def tell(text: str, item: str, other: str, person: str = "I", **slots: str) -> str:
    """Fill the slots of a situation or an answer, as `render` does, with two things of the shop.

    Examples
    --------
    >>> tell("{I} ordered {an_item} and got {an_other}", "umbrella", "clock", "she", I="Anna")
    'Anna ordered an umbrella and got a clock'
    """
    return render(text, person, item=item, an_other=with_article(other), **slots)
