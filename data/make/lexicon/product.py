"""What is said of things bought: predicates by thing, polarity and split, in the past tense."""

from __future__ import annotations

from data.make.lexicon.phrase import Phrase, phrases_of

# Each thing is an aspect of its own; so are what is said of anything and what the buyer did.
PRODUCTS: tuple[str, ...] = (
    "kettle", "lamp", "radio", "bicycle", "umbrella", "coat", "blanket", "clock", "rucksack",
    "knife", "chair", "tent",
)  # fmt: skip

# The nouns that each aspect's predicates may follow; all singular.
PRODUCT_NOUNS: dict[str, tuple[str, ...]] = {
    **{product: (f"the {product}", "it") for product in PRODUCTS},
    "price": ("the price",),
    "parcel": ("the parcel", "the box"),
    "shop": ("the shop", "the seller"),
    "thing": ("it", "the thing"),
}

_PRODUCT = {
    "kettle": {
        "positive": {
            "train": """
                boiled in no time / poured without spilling a drop / kept the water hot for an
                hour""",
            "test": """
                sang cheerfully when it was ready / was light even when full / never left a drip""",
        },
        "negative": {
            "train": """
                leaked all over the table / took half an hour to boil / burned {my} hand""",
            "test": """
                gave the tea a taste of rust / dripped from the spout / went cold at once""",
        },
    },
    "lamp": {
        "positive": {
            "train": """
                gave a warm and steady light / made the room feel friendly / was bright enough
                to sew by""",
            "test": """
                glowed softly all evening / was kind to tired eyes / lit up the whole kitchen""",
        },
        "negative": {
            "train": """
                flickered all the time / went out after two evenings / smelled of burning""",
            "test": """
                was dimmer than a candle / hummed like an angry bee / would not stay upright""",
        },
    },
    "radio": {
        "positive": {
            "train": """
                had a rich clear sound / found every station / was easy to use even for {my}
                grandmother""",
            "test": """
                made the singers seem to stand in the room / caught voices from far away / ran
                for weeks on one battery""",
        },
        "negative": {
            "train": """
                crackled all day long / lost the station every minute / went dead in the first
                week""",
            "test": """
                hissed like a goose / picked up nothing but noise / ate a battery every night""",
        },
    },
    "bicycle": {
        "positive": {
            "train": """
                rolled like a dream / climbed the hill with ease / had brakes that could be
                trusted""",
            "test": """
                ran as smoothly as butter / turned {my} way to work into a treat / never once
                let {me} down""",
        },
        "negative": {
            "train": """
                lost a pedal on the first ride / had brakes that did not work / squeaked at
                every turn""",
            "test": """
                rattled like a box of spoons / threw its chain on every hill / had a wheel that
                was not even round""",
        },
    },
    "umbrella": {
        "positive": {
            "train": """
                stood up to the strongest wind / kept {me} dry in a storm / opened at one touch""",
            "test": """
                was big enough for two / laughed at the worst of the rain / folded up as small
                as a loaf""",
        },
        "negative": {
            "train": "turned inside out in a breeze / let the rain through / would not open",
            "test": """
                snapped on the first wet day / left {me} soaked / pinched {my} fingers whenever
                it shut""",
        },
    },
    "coat": {
        "positive": {
            "train": """
                kept the cold out all winter / fitted perfectly / looked smart and felt soft""",
            "test": """
                was as warm as toast / hung just right / brought {me} kind words from strangers""",
        },
        "negative": {
            "train": """
                lost its buttons in a week / was too thin for the winter / itched terribly""",
            "test": """
                came apart at the seams / left {me} shivering / scratched {my} neck raw""",
        },
    },
    "blanket": {
        "positive": {
            "train": """
                was soft and thick / gave {me} the best sleep in years / came out of the wash
                like new""",
            "test": """
                felt like a hug / chased away the chill / was big enough for the dog as well""",
        },
        "negative": {
            "train": """
                shrank to half its size / left fluff everywhere / was rough and smelled bad""",
            "test": """
                was as thin as paper / turned the washing pink / made {me} sneeze all night""",
        },
    },
    "clock": {
        "positive": {
            "train": "kept perfect time / had a gentle tick / looked handsome on the wall",
            "test": """
                was right to the minute after a year / chimed sweetly / woke {me} without fail""",
        },
        "negative": {
            "train": """
                stopped after three days / ran ten minutes slow every day / ticked so loudly
                that nobody slept""",
            "test": "was never right / made {me} late for work / had hands that fell off",
        },
    },
    "rucksack": {
        "positive": {
            "train": """
                held everything {I} needed / sat well on the back / stayed dry inside in heavy
                rain""",
            "test": """
                weighed next to nothing / had a pocket for every little thing / made a heavy
                load seem light""",
        },
        "negative": {
            "train": "tore on the first trip / had straps that hurt / let the rain in",
            "test": "burst at the bottom / cut into {my} shoulders / had a zip that jammed",
        },
    },
    "knife": {
        "positive": {
            "train": "stayed sharp for months / cut bread like air / sat well in the hand",
            "test": """
                went through the toughest crust / made short work of onions / was a pleasure to
                hold""",
        },
        "negative": {
            "train": "was blunt after a week / bent on the first carrot / lost its handle",
            "test": "could not cut butter / rusted overnight / broke in two on a pear",
        },
    },
    "chair": {
        "positive": {
            "train": """
                was comfortable for hours / was solid and strong / was put together in five
                minutes""",
            "test": """
                took the ache out of {my} back / stood as firm as a rock / was hard to get up
                from, it was so cosy""",
        },
        "negative": {
            "train": """
                wobbled from the first day / broke when {I} sat down / was too hard to sit on""",
            "test": """
                gave {me} a sore back / creaked at every breath / tipped over without warning""",
        },
    },
    "tent": {
        "positive": {
            "train": """
                was up in ten minutes / stayed dry through three days of rain / was roomy and
                light""",
            "test": """
                shrugged off a gale / was child's play to put up / let {me} sleep like a baby""",
        },
        "negative": {
            "train": """
                collapsed in the night / let water in at every seam / was missing half its pegs""",
            "test": """
                blew away in a light wind / turned into a bath when it rained / defeated four
                grown people for two hours""",
        },
    },
    "price": {
        "positive": {
            "train": "was very fair / was low for such quality / was worth every penny",
            "test": "was a bargain / was kind to {my} purse / left money over for cake",
            "both": "was good",
        },
        "negative": {
            "train": "was far too high / was money thrown away / doubled before {I} had paid",
            "test": "was daylight robbery / was a rip-off / made {my} eyes water",
            "both": "was a bad joke",
        },
    },
    "parcel": {
        "positive": {
            "train": """
                came a day early / was packed with great care / arrived in perfect shape""",
            "test": """
                was at {my} door the next morning / held a friendly note / turned up sooner than
                promised""",
            "both": "came on time",
        },
        "negative": {
            "train": "came three weeks late / arrived crushed / was thrown over the fence",
            "test": """
                took an age to come / looked as if a cow had sat on it / was left out in the
                rain""",
            "both": "came open and wet",
        },
    },
    "shop": {
        "positive": {
            "train": """
                answered every question kindly / put a small fault right at once / treated {me}
                like a friend""",
            "test": """
                could not do enough for {me} / went out of its way to help / kept its word""",
            "both": "was helpful",
        },
        "negative": {
            "train": "never answered {my} letters / refused to help / lied about everything",
            "test": """
                turned a deaf ear / made {me} feel like a nuisance / broke every promise""",
            "both": "was rude",
        },
    },
    "thing": {
        "positive": {
            "train": """
                worked straight away / was beautifully made / was even better than the picture /
                lasted for years""",
            "test": """
                did just what it should / was a joy to use / was made to last a lifetime / still
                looked new a year later""",
            "both": "was a good buy",
        },
        "negative": {
            "train": """
                broke on the second day / was badly made / looked nothing like the picture /
                never worked at all""",
            "test": """
                gave up the ghost / fell to bits in {my} hands / was rubbish / was fit only for
                the bin""",
            "both": "was a waste of money",
        },
    },
    # What the person who bought it did or felt: the noun is the person.
    "buyer": {
        "positive": {
            "train": """
                used it every day with pleasure / bought a second one for {my} sister / told all
                {my} neighbours to get one / {was} happy with it from the first day""",
            "test": """
                would not part with it for anything / wondered how {I} ever lived without it /
                gave one to everyone at the next birthday / fell in love with it""",
            "both": "{was} very pleased",
        },
        "negative": {
            "train": """
                sent it straight back / threw it away after a week / asked for {my} money back /
                {was} angry with {myself} for buying it""",
            "test": """
                put it out with the rubbish / wished {I} had kept the old one / could have cried
                / had to borrow one from the neighbours again""",
            "both": "{was} very unhappy with it",
        },
    },
}

PRODUCT_PHRASES: list[Phrase] = [
    phrase for aspect, table in _PRODUCT.items() for phrase in phrases_of("product", aspect, table)
]
