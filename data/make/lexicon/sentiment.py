"""The sentiment lexicon: how a film or a product is praised and run down in the village.

It is shared by the review data set, which labels it, and by the corpus of the bundled base
model, which tells all of it in stories and labels none of it. Phrases marked ``"train"`` and
``"test"`` occur only in that split of the reviews: a model that has to judge a test review must
know what its words mean.

What a story tells together, a reader learns to hold together: somebody's visit to the cinema or
the shop should tell two or three phrases of one polarity, of whatever split, and how glad or sorry
it left them.
"""

from __future__ import annotations

from dataclasses import dataclass

from data.make.lexicon.film import FILM_NOUNS, FILM_PHRASES
from data.make.lexicon.phrase import Phrase, Polarity, Split
from data.make.lexicon.product import PRODUCT_NOUNS, PRODUCT_PHRASES, PRODUCTS

PHRASES: list[Phrase] = FILM_PHRASES + PRODUCT_PHRASES
NOUNS: dict[str, tuple[str, ...]] = FILM_NOUNS | PRODUCT_NOUNS

# Adjectives for the whole of it: "a moving film", "a handy lamp", "the film was moving".
ADJECTIVES: dict[tuple[str, Polarity, Split], tuple[str, ...]] = {
    ("film", "positive", "train"): ("wonderful", "moving", "brilliant", "charming", "gripping"),
    ("film", "positive", "test"): ("marvellous", "touching", "splendid", "enchanting", "stirring"),
    ("film", "positive", "both"): ("lovely", "fine"),
    ("film", "negative", "train"): ("boring", "awful", "stupid", "lifeless", "ugly"),
    ("film", "negative", "test"): ("tedious", "dreadful", "foolish", "shabby", "tiresome"),
    ("film", "negative", "both"): ("bad", "terrible"),
    ("product", "positive", "train"): ("excellent", "handy", "sturdy", "reliable", "comfortable"),
    ("product", "positive", "test"): ("first-class", "useful", "robust", "trusty", "practical"),
    ("product", "positive", "both"): ("good", "great"),
    ("product", "negative", "train"): ("useless", "poor", "cheap-looking", "faulty", "clumsy"),
    ("product", "negative", "test"): ("worthless", "shoddy", "flimsy", "miserable", "hopeless"),
    ("product", "negative", "both"): ("bad", "terrible"),
}

# Adverbs that make an adjective stronger: "really moving". They say nothing about its polarity.
INTENSIFIERS: tuple[str, ...] = ("really", "truly", "quite simply")

# "not" turns an adjective round. {it} is the film or thing, {adj} an adjective of the OTHER
# polarity than the sentence has.
NEGATIONS: dict[Split, tuple[str, ...]] = {
    "train": (
        "{it} was not {adj} at all",
        "nobody could call {it} {adj}",
        "{it} was anything but {adj}",
    ),
    "test": (
        "{it} was far from {adj}",
        "there was nothing {adj} about {it}",
        "{it} was by no means {adj}",
    ),
    "both": ("{it} was not {adj}", "{it} was never {adj}"),
}

# The same for a whole clause: {clause} has the other polarity than the sentence.
NEGATED_CLAUSES: dict[Split, tuple[str, ...]] = {
    "train": ("I cannot say that {clause}", "nobody can say that {clause}"),
    "test": ("I would not claim that {clause}", "it would be a lie to say that {clause}"),
    "both": ("it is not true that {clause}",),
}

# The verdict is that of {last}; {first} has the other polarity.
CONTRASTS: dict[Split, tuple[str, ...]] = {
    "train": (
        "{first}, but {last}.",
        "although {first}, {last}.",
        "{first}. All the same, {last}.",
        "yes, {first}. What counts is that {last}.",
    ),
    "test": (
        "{first}, and yet {last}.",
        "even though {first}, {last}.",
        "{first}. Never mind: {last}.",
        "true, {first}. In the end {last}.",
    ),
    "both": ("{first}. Still, {last}.", "{first}; however, {last}."),
}

# The whole in one clause: what closes a mixed review, so that its verdict is never in doubt.
VERDICTS: dict[tuple[str, Polarity, Split], tuple[str, ...]] = {
    ("film", "positive", "train"): (
        "I would see it again tomorrow",
        "go and see it",
        "it is the best film of the year",
    ),
    ("film", "positive", "test"): (
        "do not miss it",
        "it is worth the walk to the cinema in any weather",
        "I can only recommend it",
    ),
    ("film", "negative", "train"): (
        "I would not see it again",
        "save your money",
        "it is the worst film of the year",
    ),
    ("film", "negative", "test"): (
        "give it a miss",
        "it is not worth the walk to the cinema",
        "I can only warn you",
    ),
    ("product", "positive", "train"): (
        "I would buy it again",
        "buy one while you can",
        "it is the best one I have had",
    ),
    ("product", "positive", "test"): (
        "you will not be sorry",
        "it is worth having",
        "I can only recommend it",
    ),
    ("product", "negative", "train"): (
        "I would not buy it again",
        "keep your money",
        "it is the worst one I have had",
    ),
    ("product", "negative", "test"): (
        "you will be sorry",
        "it is not worth having",
        "I can only warn you",
    ),
}


@dataclass(frozen=True, slots=True)
class Irony:
    """Words that mean the opposite of what they say; ``polarity`` is what is meant."""

    text: str
    polarity: Polarity
    subject: str
    split: Split


# {an_item} is a film or a thing with its article, {it} the same with "the".
IRONIES: tuple[Irony, ...] = (
    Irony("a wonderful film, if you need to catch up on your sleep", "negative", "film", "train"),
    Irony("I laughed a lot, mostly at the money I had wasted", "negative", "film", "train"),
    Irony("the best part was the way out", "negative", "film", "train"),
    Irony("a great evening for anyone who likes watching paint dry", "negative", "film", "train"),
    Irony("what a thrill: two hours of people looking out of windows", "negative", "film", "train"),
    Irony("my seat was lovely, and I had a good long rest in it", "negative", "film", "test"),
    Irony("the ice cream in the break was the star of the evening", "negative", "film", "test"),
    Irony("how clever to make two hours feel like a whole winter", "negative", "film", "test"),
    Irony("a perfect film for people who have too much time", "negative", "film", "test"),
    Irony("a treat for everyone who loves to see doors open and shut", "negative", "film", "test"),
    Irony("the only bad thing about it is that it ends", "positive", "film", "train"),
    Irony("I am angry with this film: I had no handkerchiefs left", "positive", "film", "train"),
    Irony("it ruined all other films for me", "positive", "film", "train"),
    Irony("a terrible film for anyone who hates to be happy", "positive", "film", "train"),
    Irony("I want to complain: my face hurts from laughing", "positive", "film", "train"),
    Irony("be warned: you will sing in the street afterwards", "positive", "film", "test"),
    Irony("my supper burned because I could not stop talking of it", "positive", "film", "test"),
    Irony("a dreadful thing happened: the lights came on again", "positive", "film", "test"),
    Irony("it cost me a fortune, as I had to go four times", "positive", "film", "test"),
    Irony("shame on them for making a grown man cry like that", "positive", "film", "test"),
    Irony("just what I needed: {an_item} that breaks in a day", "negative", "product", "train"),
    Irony("an excellent {item}, as long as nobody uses it", "negative", "product", "train"),
    Irony("many thanks for {an_item} that now holds my door open", "negative", "product", "train"),
    Irony("the box was great, and the cat still sleeps in it", "negative", "product", "train"),
    Irony("how kind of them to sell me a heap of scrap", "negative", "product", "train"),
    Irony("it makes a fine present for people you do not like", "negative", "product", "test"),
    Irony("the bin is very pleased with my new {item}", "negative", "product", "test"),
    Irony("a real beauty, until you try to use it", "negative", "product", "test"),
    Irony("I have never had so much practice in mending things", "negative", "product", "test"),
    Irony("it looks lovely on the scrap heap", "negative", "product", "test"),
    Irony("my only trouble is that my sister keeps stealing it", "positive", "product", "train"),
    Irony("the bad news is that I now need no other {item}", "positive", "product", "train"),
    Irony("my old {item} is so ashamed that it hides in the attic", "positive", "product", "train"),
    Irony("a problem: the whole family fights over it", "positive", "product", "train"),
    Irony(
        "I hate it when a shop leaves me nothing to grumble about", "positive", "product", "train"
    ),
    Irony("my neighbours no longer greet me, they are so jealous", "positive", "product", "test"),
    Irony("the mender is sad, for I never bring him anything now", "positive", "product", "test"),
    Irony("how annoying: I cannot find one fault with it", "positive", "product", "test"),
    Irony("sad to say, I will never have a reason to buy another", "positive", "product", "test"),
    Irony("my husband speaks more to the {item} now than to me", "positive", "product", "test"),
)


def phrases(
    split: Split,
    *,
    subject: str | None = None,
    aspect: str | None = None,
    polarity: Polarity | None = None,
    shared: bool = True,
) -> list[Phrase]:
    """List the phrases that texts of a split may use.

    Parameters
    ----------
    split
        ``"train"`` or ``"test"``; ``"both"`` gives the shared ones alone.
    subject, aspect, polarity
        Keep only these, where given.
    shared
        Whether the shared phrases come too.

    Returns
    -------
    list of Phrase

    Examples
    --------
    >>> [p.text for p in phrases("test", aspect="camera", polarity="negative", shared=False)]
    ['was blurred and grey', 'wobbled from wall to wall', 'gave {me} sore eyes']
    """
    wanted = {split, "both"} if shared else {split}
    return [
        phrase
        for phrase in PHRASES
        if phrase.split in wanted
        and (subject is None or phrase.subject == subject)
        and (aspect is None or phrase.aspect == aspect)
        and (polarity is None or phrase.polarity == polarity)
    ]


__all__ = [
    "ADJECTIVES", "CONTRASTS", "INTENSIFIERS", "IRONIES", "NEGATED_CLAUSES", "NEGATIONS", "NOUNS",
    "PHRASES", "PRODUCTS", "VERDICTS", "Irony", "Phrase", "phrases",
]  # fmt: skip
