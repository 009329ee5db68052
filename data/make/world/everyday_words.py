"""Feelings, weather, steps, animals and opposites: what everyone knows."""

from __future__ import annotations

FEELINGS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "happy",
        (
            "{friend} came to visit", "the sun was shining", "{he} had won a prize",
            "a letter had come from {town}", "{his} work was done", "it was {his} birthday",
        ),
    ),
    (
        "sad",
        (
            "{friend} had moved to {town}", "the {animal} had died", "nobody had come to the party",
            "{his} {thing} was broken", "{he} had to stay at home",
        ),
    ),
    (
        "angry",
        (
            "somebody had taken {his} {thing}", "{friend} had told a lie",
            "the neighbours were so {bad}", "{he} had waited for {few} hours",
            "{his} garden was full of mud",
        ),
    ),
    (
        "afraid",
        (
            "there was {sound} in the night", "the path was dark", "{an_animal} stood at the door",
            "the ice on the pond cracked", "a storm was coming",
        ),
    ),
    (
        "tired",
        (
            "{he} had worked until {hour}", "{he} had walked to {town} and back",
            "the baby had cried all night", "the road was long",
        ),
    ),
    (
        "proud",
        (
            "{he} had mended the {thing} {himself}", "{he} had learned {hobby}",
            "{friend} had said kind words about {him}",
            "{his} {things} were the best in the hamlet",
        ),
    ),
    (
        "bored",
        (
            "there was nothing to do", "it had rained for {few} days", "the talk went on and on",
            "all {his} friends were away",
        ),
    ),
    (
        "surprised",
        (
            "there was {an_animal} in the kitchen", "{friend} came {few} hours early",
            "it snowed in {month}", "the {thing} lay {place}",
        ),
    ),
    (
        "hungry",
        (
            "{he} had not eaten since {hour}", "there was no bread left",
            "{he} had given {his} lunch to {friend}", "{he} could smell {food}",
        ),
    ),
    (
        "grateful",
        (
            "{friend} had helped {him}", "somebody had found {his} {thing}",
            "the doctor had been {good}", "{he} was well again",
        ),
    ),
)  # fmt: skip
AFTER_FEELING: dict[str, tuple[str, ...]] = {
    "happy": ("{He} laughed and sang.", "{He} smiled at everyone.", "it was a lovely day."),
    "sad": ("{He} wept a little.", "{friend} tried to comfort {him}.", "{He} did not want to eat."),
    "angry": (
        "{He} shouted and stamped {his} foot.", "{He} slammed the door.",
        "{He} wrote a sharp letter.",
    ),
    "afraid": (
        "{He} trembled and held on to {friend}.", "{He} ran away as fast as {he} could.",
        "{He} hid under the blanket.",
    ),
    "tired": (
        "{He} fell asleep in {his} chair.", "{He} yawned and went to bed.", "{He} wanted to rest.",
    ),
    "proud": (
        "{He} showed it to everyone.", "{He} held {his} head high.", '{friend} said: "Well done!"',
    ),
    "bored": (
        "{He} yawned and looked out of the window.", "{He} wished that something would happen.",
        "the hours went by slowly.",
    ),
    "surprised": (
        "{He} could not believe it.", '"Well, well!" {he} said.', "{He} opened {his} eyes wide.",
    ),
    "hungry": (
        "{He} ate {food} as soon as {he} could.", "{He} went to look for something to eat.",
        "{He} asked for a second plate.",
    ),
    "grateful": (
        "{He} said thank you {few} times.", "{He} brought {friend} some flowers.",
        "{He} wrote a card to say thanks.",
    ),
}  # fmt: skip
SKIES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "it is raining.",
        (
            "The streets are wet.", "{n} has forgotten {his} umbrella.", "The ducks are happy.",
            "Water drips from the roof.", "The river is rising.",
        ),
    ),
    (
        "the sun is shining.",
        (
            "The sky is blue.", "{n} is hanging out the washing.", "Everyone sits outside.",
            "The cat sleeps on the wall.", "It will be hot at noon.",
        ),
    ),
    (
        "it is snowing.",
        (
            "The hills are white.", "{n} is clearing the path.", "The children build a snowman.",
            "The pond is frozen.", "The bus from {town} is late.",
        ),
    ),
    (
        "there is a storm.",
        (
            "The wind howls round the house.", "A tree has fallen across the road.",
            "{n} shuts the windows.", "Lightning lights up the sky.", "The hens hide in the barn.",
        ),
    ),
    (
        "it is foggy.",
        (
            "One cannot see the church.", "{n} walks home {manner}.",
            "The train from {town} is late.", "Sounds seem far away.",
        ),
    ),
    (
        "it was a {weather} day in {month}.",
        (
            "{n} stayed {place} until {hour}.", "Nobody wanted to go home.", "{friend} made tea.",
            "In the evening the stars came out.",
        ),
    ),
)  # fmt: skip
HOWTOS: tuple[tuple[str, tuple[str, ...], str], ...] = (
    (
        "make tea",
        (
            "boil some water", "warm the pot", "put in the tea leaves", "pour the water over them",
            "wait four minutes",
        ),
        "drink it hot, with milk if you like",
    ),
    (
        "bake bread",
        (
            "mix flour, water, salt and yeast", "knead the dough well", "let it rise for an hour",
            "shape a loaf", "bake it until it is brown",
        ),
        "let it cool before you cut it",
    ),
    (
        "plant a tree",
        (
            "dig a deep hole", "set the tree in it", "fill the hole with earth", "water it well",
            "tie the tree to a stake",
        ),
        "in a few years it will give shade",
    ),
    (
        "mend a tyre",
        (
            "take off the wheel", "find the hole", "clean the rubber",
            "stick a patch over the hole", "pump up the tyre",
        ),
        "then you can ride again",
    ),
    (
        "wash a dog",
        (
            "fill a tub with warm water", "call the dog in a kind voice", "rub it with soap",
            "rinse it well", "dry it with a towel",
        ),
        "stand back when it shakes itself",
    ),
    (
        "light a fire",
        (
            "lay some paper in the stove", "put small sticks on top", "strike a match",
            "wait until the sticks burn", "add a log",
        ),
        "never leave a fire alone",
    ),
    (
        "make soup",
        (
            "chop an onion and two carrots", "fry them in butter", "add water and salt",
            "let it simmer for half an hour", "stir it now and then",
        ),
        "serve it with bread",
    ),
    (
        "write a letter",
        (
            "take a sheet of paper", "write the date at the top", "greet your friend",
            "tell the news", "sign your name",
        ),
        "put it in an envelope and stick on a stamp",
    ),
    (
        "fly a kite",
        (
            "go to an open field", "turn your back to the wind", "hold the kite up",
            "let out the string", "run a few steps",
        ),
        "it will rise into the sky",
    ),
    (
        "clean a window",
        (
            "fill a bucket with warm water", "add a little soap", "wipe the glass with a cloth",
            "dry it with paper",
        ),
        "now you can see the hills",
    ),
)  # fmt: skip
BEASTS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("fox", "foxes", ("has red fur", "hunts at night", "lives in a den", "likes to steal hens")),
    ("cow", "cows", ("gives milk", "eats grass", "sleeps in the barn", "is big and calm")),
    ("hen", "hens", ("lays eggs", "eats grain", "cannot fly far", "scratches in the yard")),
    (
        "owl", "owls",
        ("sleeps by day", "can turn its head far round", "eats mice", "has big round eyes"),
    ),
    ("bee", "bees", ("makes honey", "lives in a hive", "can sting", "flies from flower to flower")),
    (
        "cat", "cats",
        ("catches mice", "likes to sleep in the sun", "purrs when it is happy", "has soft paws"),
    ),
    (
        "dog", "dogs",
        ("guards the house", "barks at strangers", "wags its tail", "loves to chase a ball"),
    ),
    (
        "snail", "snails",
        ("is very slow", "carries its house on its back", "likes the rain", "eats the lettuce"),
    ),
    ("horse", "horses", ("can run fast", "pulls a cart", "eats hay", "likes apples")),
    (
        "sheep", "sheep",
        ("gives wool", "follows the others", "eats grass on the hill", "is shorn in summer"),
    ),
    ("frog", "frogs", ("jumps into the pond", "is green and wet", "eats flies", "croaks at night")),
    (
        "goose", "geese",
        ("hisses at strangers", "flies south in autumn", "has white feathers", "swims on the pond"),
    ),
)  # fmt: skip
OPPOSITES = (
    ("big", "small"),
    ("hot", "cold"),
    ("old", "new"),
    ("wet", "dry"),
    ("long", "short"),
    ("fast", "slow"),
    ("light", "heavy"),
    ("early", "late"),
    ("open", "closed"),
    ("happy", "sad"),
    ("good", "bad"),
    ("loud", "quiet"),
    ("rich", "poor"),
    ("cheap", "dear"),
    ("full", "empty"),
    ("soft", "hard"),
    ("clean", "dirty"),
    ("right", "wrong"),
    ("strong", "weak"),
    ("bright", "dark"),
)  # fmt: skip
