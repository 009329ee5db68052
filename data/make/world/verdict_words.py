"""The sentences that stand around a judgement: how it began, and what came of it."""

from __future__ import annotations

OPEN: dict[str, tuple[str, ...]] = {
    "film": (
        "{n} went to the cinema on {day}.",
        "on {day} there was a new {item} at the cinema, and {n} saw it.",
        "{n} and {friend} sat in the front row of the cinema.", "{n} had a ticket for the {item}.",
        "last {day} {n} saw {an_item} at the cinema.", "it rained, so {n} went to see {an_item}.",
        "the cinema showed {an_item} that evening. {n} was there.",
        "{friend} gave {n} a ticket for the cinema.",
        "{n} stood in line for a ticket to the {item}.",
    ),
    "product": (
        "{n} bought {an_item} at the village shop.", "{n} had a new {item}.",
        "{n} ordered {an_item} by post.", "on {day} the new {item} of {n} came.",
        "{n} needed {an_item} and found one in the shop.",
        "{friend} asked {n} about the new {item}.", "{n} saved up for {an_item}.",
        "there was {an_item} in the window of the shop, and {n} took it home.",
        "{n} got {an_item} from the shop in Station Road.",
    ),
}  # fmt: skip

AFTER: dict[tuple[str, str], tuple[str, ...]] = {
    ("film", "positive"): (
        "{n} liked the {item} very much.", "{He} came home happy.",
        "{He} was glad that {he} had gone.", "it was a good {item}, and it was a good evening.",
        "{He} told {friend} to see it too.", "{n} will see it again.",
        "{He} hummed all the way home.", "the ticket was worth its price.",
        "{n} praised the {item} to everyone.", "{n} thanked {friend} for the lovely evening.",
        "so {he} went to see it once more on {day}.", "{n} thought it was one of the best.",
        "{n} had a wonderful time.", "{He} wanted more films like that.",
    ),
    ("film", "negative"): (
        "{n} did not like the {item}.", "{He} came home cross.",
        "{He} was sorry that {he} had gone.", "it was a bad {item}, and it was a bad evening.",
        "{He} told {friend} not to see it.", "{n} will not see it again.",
        "{He} grumbled all the way home.", "the ticket was not worth its price.",
        "{n} complained about the {item} to everyone.", "{n} wished {he} had stayed at home.",
        "so {he} left before it was over.", "{n} thought it was one of the worst.",
        "{n} had a horrible time.", "{He} wanted no more films like that.",
    ),
    ("product", "positive"): (
        "{n} liked the {item} very much.", "{He} was glad that {he} had bought it.",
        "it was a good {item}.", "{n} will keep it.", "{He} told {friend} to buy one too.",
        "the money was well spent.", "{n} thanked the shop with a card.",
        "{n} went back to buy another one for {friend}.", "{n} praised the {item} to everyone.",
        "{n} thought it was one of the best.", "{He} smiles each time {he} looks at it.",
        "such {an_item} makes life easier.",
    ),
    ("product", "negative"): (
        "{n} did not like the {item}.", "{He} was sorry that {he} had bought it.",
        "it was a bad {item}.", "{n} will not keep it.", "{He} told {friend} not to buy one.",
        "the money was lost.", "{n} scolded the shop in a letter.",
        "{n} went back to the shop to complain.", "{n} complained about the {item} to everyone.",
        "{n} thought it was one of the worst.", "{He} frowns each time {he} looks at it.",
        "such {an_item} makes life harder.",
    ),
}  # fmt: skip

BEFORE: dict[tuple[str, str], tuple[str, ...]] = {
    ("film", "positive"): (
        "{n} came out of the cinema with a smile.", "{n} was in high spirits after the {item}.",
        "{n} could not praise the {item} enough.", "{n} liked the new {item}.",
        "{n} was happy with the evening at the cinema.",
    ),
    ("film", "negative"): (
        "{n} came out of the cinema with a frown.", "{n} was in low spirits after the {item}.",
        "{n} could not say one kind word about the {item}.", "{n} disliked the new {item}.",
        "{n} was unhappy with the evening at the cinema.",
    ),
    ("product", "positive"): (
        "{n} was happy with the new {item}.", "{n} likes the new {item}.",
        "{n} had only praise for the {item}.",
        "{n} would buy such {an_item} at once if it were lost.",
    ),
    ("product", "negative"): (
        "{n} was unhappy with the new {item}.", "{n} dislikes the new {item}.",
        "{n} had no praise for the {item}.", "{n} would be glad if the new {item} were lost.",
    ),
}  # fmt: skip

ASKED: dict[str, tuple[str, ...]] = {
    "film": (
        (
            '"[how was the {item}|did you like the {item}|is the {item} any good|should I see the '
            '{item}]?" asked {n}.'
        ),
        '{n} asked: "[Is the {item} worth seeing|What did you think of the {item}]?"',
    ),
    "product": (
        (
            '"[how is the new {item}|do you like the {item}|is the {item} any good|should I get '
            'such {an_item}]?" asked {n}.'
        ),
        '{n} asked: "[Is the {item} worth its price|What do you think of the {item}]?"',
    ),
}  # fmt: skip

REACTION: dict[tuple[str, str], tuple[str, ...]] = {
    ("film", "positive"): (
        "so {n} bought a ticket as well.", "{n} went to see it the same evening.",
        '"Then I will go," said {n}.', "that made {n} want to see it.",
        '"I am glad you liked it," said {n}.',
    ),
    ("film", "negative"): (
        "so {n} did not buy a ticket.", "{n} stayed at home that evening.",
        '"Then I will not go," said {n}.', "that made {n} want to see something else.",
        '"I am sorry you did not like it," said {n}.',
    ),
    ("product", "positive"): (
        "so {n} bought one as well.", "{n} ordered one the same day.",
        '"Then I want one too," said {n}.', '"I am glad you like it," said {n}.',
        "{n} went to the shop for one at once.",
    ),
    ("product", "negative"): (
        "so {n} did not buy one.", "{n} ordered something else.",
        '"Then I do not want one," said {n}.', '"I am sorry you do not like it," said {n}.',
        "{n} stayed away from the shop.",
    ),
}  # fmt: skip

MEANS: dict[tuple[str, str], tuple[str, ...]] = {
    ("film", "positive"): (
        "it was a good {item}", "people liked it", "one should see it", "it was well made",
    ),
    ("film", "negative"): (
        "it was a bad {item}", "people did not like it", "one should not see it",
        "it was badly made",
    ),
    ("product", "positive"): (
        "it is a good {item}", "people like it", "one should buy it", "it is well made",
    ),
    ("product", "negative"): (
        "it is a bad {item}", "people do not like it", "one should not buy it", "it is badly made",
    ),
}  # fmt: skip

JOKE: dict[str, tuple[str, ...]] = {
    "positive": (
        "{He} was joking, for in truth {he} liked it.",
        "it sounded like a complaint, but it was praise.",
        "everyone laughed, for {he} only pretended to grumble.",
        "of course {he} meant how good it was.",
    ),
    "negative": (
        "{He} was joking, for in truth {he} did not like it.",
        "it sounded like praise, but it was a complaint.",
        "everyone laughed, for {he} only pretended to be pleased.",
        "of course {he} meant how bad it was.",
    ),
}  # fmt: skip
