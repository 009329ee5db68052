"""What stands around a verdict in a review and has no polarity: who, when, what about."""

from __future__ import annotations

import random

from data.make.lexicon.phrase import sentence, with_article

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = ("January", "March", "April", "May", "June", "August", "October", "December")
COMPANIONS = (
    "my brother", "my sister", "my wife", "my husband", "my mother", "my father", "my aunt",
    "my neighbour", "a friend", "my son", "my daughter", "my grandfather",
)  # fmt: skip
# Who a viewer's or a buyer's phrase is told of, and the pronoun that goes with it.
VIEWERS = (
    ("I", "I"), ("I", "I"), ("I", "I"), ("I", "I"), ("my wife", "she"), ("my brother", "he"),
    ("my aunt", "she"), ("my father", "he"), ("my daughter", "she"), ("my uncle", "he"),
)  # fmt: skip
HEDGES = (
    "I thought that",
    "I must say that",
    "to my mind",
    "I found that",
    "in my view",
)
JOINS = ("{} and {}", "{}, and {}", "{}, and {}", "{}; {}", "{}, {}, and that says it all")
# Adjectives that do not go with everything.
ONLY_FOR = {
    "comfortable": ("bicycle", "coat", "blanket", "rucksack", "chair", "tent"),
    "sturdy": (
        "kettle",
        "lamp",
        "bicycle",
        "umbrella",
        "clock",
        "rucksack",
        "knife",
        "chair",
        "tent",
    ),
    "robust": (
        "kettle",
        "lamp",
        "bicycle",
        "umbrella",
        "clock",
        "rucksack",
        "knife",
        "chair",
        "tent",
    ),
    "reliable": ("kettle", "lamp", "radio", "bicycle", "umbrella", "clock", "knife", "tent"),
    "faulty": ("kettle", "lamp", "radio", "bicycle", "umbrella", "clock"),
    "clumsy": (
        "kettle",
        "lamp",
        "radio",
        "bicycle",
        "umbrella",
        "rucksack",
        "knife",
        "chair",
        "tent",
    ),
    "hopeless": ("kettle", "lamp", "radio", "bicycle", "umbrella", "clock", "knife", "tent"),
}

_WHO = (
    "a baker", "a young teacher", "two sisters", "an old sailor", "a boy and his dog", "a doctor",
    "three friends", "a farmer", "a girl from the city", "a postman", "a king", "a clockmaker",
)  # fmt: skip
_WHERE = (
    "on an island", "in a small town", "by the sea", "at the foot of a mountain", "on a train",
    "in a lighthouse", "at a market", "on a farm", "in a hotel", "at a school",
)  # fmt: skip
_WHEN = ("long ago", "in our day", "one summer", "in a hard winter", "before the war", "years ago")
_COLOURS = ("red", "blue", "green", "brown", "black", "white", "grey", "yellow")
_REASONS = (
    "my old one was lost in the move", "we have a new house", "it was on the list for our trip",
    "we had none so far", "the one at work is not mine", "winter was near", "it was my birthday",
)  # fmt: skip


def film_context(rng: random.Random, film: str, companion: str) -> str:
    """Say how one came to see a film or what it is about.

    Examples
    --------
    >>> film_context(random.Random(1), "film", "my aunt")
    'I had read the book by then, my aunt had not.'
    """
    about = f"{rng.choice(_WHO)} {rng.choice(_WHERE)}, {rng.choice(_WHEN)}"
    day = rng.choice(DAYS)
    return sentence(
        rng.choice(
            (
                f"I saw this {film} on {day} with {companion}",
                f"on {day} {companion} took me to the cinema",
                f"{companion} and I saw it last {day}",
                f"it is about {about}",
                f"the {film} tells of {about}",
                f"it is {with_article(film)} about {about}",
                f"we went in {rng.choice(MONTHS)}, {companion} and I",
                f"I had read the book by then, {companion} had not",
                f"a few words about the film that {companion} and I saw on {day}",
                f"we sat in row {rng.randint(2, 18)}, {companion} on my left",
            )
        )
    )


def product_context(rng: random.Random, item: str, companion: str) -> str:
    """Say how one came to buy a thing or what it looks like.

    Examples
    --------
    >>> product_context(random.Random(1), "kettle", "my aunt")
    'I needed a kettle, as my old one was lost in the move.'
    """
    (colour, second), month = rng.sample(_COLOURS, 2), rng.choice(MONTHS)
    return sentence(
        rng.choice(
            (
                f"I bought this {item} in {month}",
                f"I bought the {item} for {companion}",
                f"I ordered {with_article(item)} because {rng.choice(_REASONS)}",
                f"I chose the {colour} {item}",
                f"my {item} is {colour}, and {companion} has it in {second}",
                f"we have had this {item} since {month}",
                f"{companion} wanted {with_article(item)}, so I ordered one in {month}",
                f"I needed {with_article(item)}, as {rng.choice(_REASONS)}",
                f"a few words about the {item} that I bought in {month}",
                f"this {item} is number {rng.randint(2, 6)} in our house",
            )
        )
    )
