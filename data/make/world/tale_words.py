"""What the tales of every day are filled with."""

from __future__ import annotations

ANIMALS = (
    "fox", "hedgehog", "owl", "squirrel", "sheep", "cow", "horse", "goose", "frog", "mouse",
    "badger", "swan", "duck", "deer", "robin", "crow", "snail", "bee", "calf", "kitten", "puppy",
)  # fmt: skip
THINGS = (
    "basket", "key", "letter", "hat", "ladder", "bucket", "ball", "scarf", "candle", "book", "ring",
    "spoon", "boot", "glove", "purse", "map", "coin", "whistle", "broom", "pillow", "mirror",
    "button", "pencil", "envelope", "apron", "bottle", "rope", "hammer", "jug", "ticket",
)  # fmt: skip
PLURALS = (
    "apples", "pears", "eggs", "stones", "shells", "nuts", "buttons", "stamps", "cakes", "plums",
    "marbles", "books", "carrots", "cups", "pencils", "feathers", "coins", "flowers", "onions",
)  # fmt: skip
WEATHER = (
    "sunny", "rainy", "cloudy", "foggy", "windy", "frosty", "warm", "cold", "stormy", "mild", "hot",
    "dry",
)  # fmt: skip
SPOTS = (
    "by the river", "in the market", "on the bridge", "at the edge of the wood",
    "behind the church", "near the mill", "under the old oak", "at the crossroads",
    "on top of the hill", "beside the pond", "in front of the inn", "at the gate", "in the orchard",
    "on the platform", "by the well",
)  # fmt: skip
GOOD = (
    "kind", "brave", "clever", "patient", "cheerful", "gentle", "honest", "careful", "quick",
    "strong",
)  # fmt: skip
BAD = (
    "lazy", "rude", "careless", "greedy", "selfish", "noisy", "stubborn", "clumsy", "proud", "sly",
)  # fmt: skip
LOOKS = (
    "tall", "tiny", "round", "thin", "old", "shiny", "dusty", "broken", "heavy", "soft", "wooden",
    "striped",
)  # fmt: skip
MANNERS = (
    "slowly", "quickly", "quietly", "carefully", "happily", "sadly", "at once", "without a word",
    "with a laugh", "with great care", "in a hurry", "for a long time",
)  # fmt: skip
SOUNDS = (
    "a bark", "a loud bang", "a soft knock", "a cry", "a whistle", "laughter", "footsteps",
    "a bell", "music", "a splash", "thunder", "a whisper",
)  # fmt: skip
TIMES = (
    "one morning", "one evening", "late at night", "before sunrise", "after lunch", "on market day",
    "last winter", "one summer day", "in the spring", "yesterday", "a year ago", "at noon",
    "last week",
)  # fmt: skip
BEGIN = (
    "{time} {n} went for a walk {place}.",
    "it was a {weather} day, and {n} was on the way to {town}.", "{n} woke up early on {day}.",
    "{time} {n} was sitting {place}.", "{n} lived a quiet life until one {day} in {month}.",
    "{n} and {friend} were {place} when it happened.", "{time} there was nobody {place} but {n}.",
    "once {n} had to carry {a_thing} to {town}.", "{n} had planned a trip to {town} with {friend}.",
    "on a {weather} {day} {n} worked in the garden.", "{n} was baking bread {time}.",
    "{time} {n} heard {sound} outside.", "the clock struck {hour}, and {n} put on a coat.",
    "{friend} had invited {n} to supper.", "{n} was alone at home {time}.",
)  # fmt: skip
SCENE = (
    "the air was {weather} and still.", "{pet} came along, as always.",
    "{He} carried {a_thing} under one arm.", "from far away came {sound}.",
    "nobody else was about.", "{He} was thinking of {food}.", "the leaves were turning yellow.",
    "{He} sang to {himself}.", "{a_looks} cart rolled by.", "the sun stood low over the hills.",
    "{He} walked {manner}.", "children were playing {place}.", "smoke rose from every chimney.",
    "{He} had {few} coins in {his} pocket.",
)  # fmt: skip
TROUBLES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "suddenly {he} saw {an_animal} {place}.",
        (
            (
                "The {animal} had hurt its leg. {n} bound it up {manner}, and soon the {animal} "
                "could walk again."
            ),
            "It looked at {him} {manner} and ran away. {n} laughed.",
            "{He} gave the {animal} some bread, and it followed {him} home.",
            "The {animal} was lost, so {n} brought it back to its mother.",
        ),
    ),
    (
        "{n} found {a_looks} {thing} on the ground.",
        (
            '{He} asked everyone about it. At last {friend} said: "That is mine! Thank you."',
            "{He} took the {thing} home and cleaned it {manner}.",
            "Nobody had lost the {thing}, so {he} kept it.",
            (
                'Inside there was a note. It said: "Give this {thing} to somebody who is {good}." '
                "So {he} gave it to {friend}."
            ),
        ),
    ),
    (
        "{he} could not find {his} {thing} any more.",
        (
            (
                "{He} looked under the bed, in the kitchen and in the shed. It was {place} all "
                "the time."
            ),
            (
                "{friend} helped {him} to search. After {few} hours they found the {thing} in "
                "{a_looks} box."
            ),
            "{He} was sad, but {friend} gave {him} a new {thing}.",
            "In the end {an_animal} had taken it!",
        ),
    ),
    (
        "then the rain began, and the river rose.",
        (
            "{n} and {friend} carried sand until {hour} at night. The houses stayed dry.",
            "The bridge was under water, so {he} had to stay with {friend}.",
            "{He} ran home {manner} and shut all the windows.",
        ),
    ),
    (
        "{he} saw smoke over the roof of {friend}.",
        (
            "{n} cried for help, and people came with buckets. They put out the fire together.",
            "But it was only {food} that had burned in the pan. Everyone laughed.",
        ),
    ),
    (
        "a stranger came up and asked the way to {town}.",
        (
            "{n} showed him the road {manner}. The stranger gave {him} {a_thing} as thanks.",
            '"It is {few} miles from here," said {n}. The stranger sighed and went on.',
            "The stranger was {bad} and did not even say thank you.",
        ),
    ),
    (
        "{n} and {friend} began to quarrel about {a_thing}.",
        (
            "Each of them wanted the {thing}. In the end they shared it.",
            "They did not speak for {few} days. Then {n} said sorry, and so did {friend}.",
            '"You are {bad}!" cried {friend}. {n} went home {manner}.',
        ),
    ),
    (
        "{he} wanted to learn {hobby}.",
        (
            (
                "At first it was hard. {friend} was {good} and showed {him} how to do it, and "
                "after {few} weeks {he} could do it well."
            ),
            "{He} tried {few} times and gave up. It was not for {him}.",
        ),
    ),
    (
        "{he} fell and hurt {his} knee.",
        (
            "{friend} was {good} and helped {him} to get up. They went to the doctor together.",
            "It was not bad. {He} washed the knee and walked on.",
        ),
    ),
    (
        "it was so dark that {he} lost {his} way.",
        (
            "{He} heard {sound} and walked towards it. It led {him} to {street}.",
            "{friend} came with a lamp and led {him} home.",
            "{He} waited for the moon, and then {he} saw the church.",
        ),
    ),
    (
        "{n} wanted to bake a cake for {friend}, but there were no eggs.",
        (
            "{He} asked the neighbours. They gave {him} {few} eggs, and the cake was wonderful.",
            "{He} made {food} instead, and {friend} was just as happy.",
        ),
    ),
    (
        "a strong wind took {his} hat.",
        (
            "{n} ran after it as far as the pond. It was wet, but it was still {his} hat.",
            "The hat flew over the roofs, and {he} never saw it again.",
            "{friend} caught it and gave it back.",
        ),
    ),
)  # fmt: skip
END = (
    "in the evening {he} told everyone about it.", "{n} never forgot that day.",
    "then they had {food} together.", "tired but happy, {he} went to bed.",
    "since then {n} and {friend} have met every {day}.", "that was the end of it.",
    "people still talk about it.", "{He} learned to be more {good}.", '"What a day!" said {n}.',
    "it is good to have a friend like {friend}.", "{n} slept well that night.",
    "after that {he} was never {bad} again.", "and so they came home at {hour}.",
)  # fmt: skip
