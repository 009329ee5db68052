"""Small sums; and what somebody did, with questions about it and their answers."""

from __future__ import annotations

DEEDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "on {day} {n} walked to {town}.",
        (
            "where did {n} go? To {town}.", "when did {n} walk to {town}? On {day}.",
            "who walked to {town}? {n} did.", "on which day did {n} go? On {day}.",
            "to which town did {n} go? To {town}.",
        ),
    ),
    (
        "{n} gave {a_thing} to {friend}.",
        (
            "what did {n} give to {friend}? {a_thing}.", "who got the {thing}? {friend}.",
            "to whom did {n} give the {thing}? To {friend}.",
            "what has {friend} got now? {a_thing}.",
        ),
    ),
    (
        "{n} saw {few} {things} {place}.",
        (
            "how many {things} were there? {few}.", "where were the {things}? {place}.",
            "what did {n} see? {few} {things}.", "how many {things} did {n} see? {few}.",
        ),
    ),
    (
        "at {hour} {n} met {an_animal} {place}.",
        (
            "at what time did {n} meet the {animal}? At {hour}.",
            "which animal did {n} meet? {an_animal}.", "where was the {animal}? {place}.",
            "when was that? At {hour}.", "what kind of animal was it? {an_animal}.",
            "what is the name of the one who met the {animal}? {n}.",
        ),
    ),
    (
        "that evening {n} cooked {food} for {friend}.",
        (
            "what did {n} cook? {food}.", "for whom did {n} cook? For {friend}.",
            "what did {friend} eat? {food}.", "who cooked {food}? {n}.",
        ),
    ),
    (
        "the {thing} of {friend} was {looks}, and it lay {place}.",
        (
            "whose {thing} was it? It was {friend}'s.",
            "what was the {thing} of {friend} like? It was {looks}.",
            "where does the {thing} of {friend} lie? {place}.",
            "who does the {thing} belong to? {friend}.",
        ),
    ),
    (
        "in {month} {n} had learned {hobby} from {friend}.",
        (
            "in which month did {n} learn it? In {month}.", "what did {n} learn? {hobby}.",
            "who taught {n}? {friend}.", "what does {friend} teach? {hobby}.",
            "when was it that {n} learned {hobby}? In {month}.",
        ),
    ),
    (
        "{n} paid {few} pounds for the {thing} and carried it to {street}.",
        (
            "how much did the {thing} cost? {few} pounds.",
            "what is the price of the {thing}? {few} pounds.",
            "where did {n} carry it? To {street}.", "what did {n} buy? The {thing}.",
            "how old is the {thing}? Nobody knows.", "which shop sold it? {n} did not say.",
        ),
    ),
)  # fmt: skip
# {a} and {b} are the summands, {c} is the sum.
SUMS = (
    "{a} and {b} make {c}.", "{a} plus {b} is {c}.", "{c} minus {b} is {a}.",
    "{n} had {c} {things}. {He} gave {b} to {friend}. So {a} {left} left.",
    "there were {a} {things} on the table. {n} put {b} more there. Now there are {c}.",
    "{a} from {c} leaves {b}.",
    (
        "{n} counted {a} {things} in one box and {b} in the other. "
        "Together that makes {c}."
    ),
    "{n} bought something for {price} and gave the shop {note}. {He} got {change} back.",
)  # fmt: skip
