"""What is said of films: predicates by aspect, polarity and split, in the past tense."""

from __future__ import annotations

from data.make.lexicon.phrase import Phrase, phrases_of

# The nouns that each aspect's predicates may follow; all singular.
FILM_NOUNS: dict[str, tuple[str, ...]] = {
    "plot": ("the plot", "the story"),
    "acting": ("the acting", "the cast"),
    "lead": ("the main actor", "the young woman in the leading part"),
    "music": ("the music", "the score"),
    "pace": ("the first half", "the middle part", "the second hour"),
    "ending": ("the ending", "the last scene"),
    "script": ("the script", "the dialogue"),
    "camera": ("the camera work", "the photography"),
    "humour": ("the comedy", "the humour"),
    "mood": ("the mood", "the whole thing"),
}

_FILM = {
    "plot": {
        "positive": {
            "train": """
                kept everyone guessing / was full of clever turns / held together from start to
                finish / was fresh and new / pulled {me} in at once / was easy to follow and
                hard to forget""",
            "test": """
                grew richer with every scene / never let go of {me} / was built like a good
                clock / surprised {me} again and again / rang true""",
            "both": "made perfect sense",
        },
        "negative": {
            "train": """
                fell apart after an hour / had more holes than a net / was a copy of ten older
                films / went nowhere / made no sense at all / could be guessed from the first
                minute""",
            "test": """
                lost its way / was as thin as soup made from one bone / contradicted itself /
                was a tangle that nobody undid / had been told a hundred times before""",
            "both": "was hard to believe",
        },
    },
    "acting": {
        "positive": {
            "train": """
                was warm and true / gave every part real life / was strong from top to bottom /
                deserved a prize / moved {me} to tears""",
            "test": """
                was spot on / shone / felt natural and honest / carried the film with ease""",
            "both": "was a joy to watch",
        },
        "negative": {
            "train": """
                was stiff and cold / was poor even for a school play / ruined every scene /
                seemed half asleep / was loud and false""",
            "test": "was wooden / left {me} cold / looked bored / overdid everything",
            "both": "was painful to watch",
        },
    },
    "lead": {
        "positive": {
            "train": """
                filled the screen with life / was perfect for the part / made {me} care about
                every word / played the part with real feeling""",
            "test": """
                stole the show / could say everything with one look / won every heart in the
                room""",
            "both": "was a delight",
        },
        "negative": {
            "train": """
                read the lines like a shopping list / was wrong for the part / had one face for
                all feelings / spoiled the few good scenes""",
            "test": """
                mumbled from start to finish / could not act / was about as lively as a post""",
            "both": "got on {my} nerves",
        },
    },
    "music": {
        "positive": {
            "train": """
                was lovely from the first note / lifted every scene / suited the story well /
                gave {me} goose bumps""",
            "test": """
                stayed in {my} head for days / was sweet and haunting / made {my} heart beat
                faster""",
            "both": "was beautiful",
        },
        "negative": {
            "train": """
                drowned out the words / was cheap and noisy / did not fit at all / gave {me} a
                headache""",
            "test": """
                grated on {my} ears / never stopped whining / sounded like cats in a sack""",
            "both": "was far too loud",
        },
    },
    "pace": {
        "positive": {
            "train": """
                flew by / moved along nicely / had not one dull minute / was quick and exciting""",
            "test": """
                raced along like a river in spring / was over before {I} knew it / had {me} on
                the edge of {my} seat""",
            "both": "was thrilling",
        },
        "negative": {
            "train": """
                dragged on and on / was slow and empty / sent {my} friend to sleep / felt twice
                as long as it was""",
            "test": """
                crawled like a snail / made {me} look at {my} watch / was padded with idle talk""",
            "both": "was dull",
        },
    },
    "ending": {
        "positive": {
            "train": """
                was worth the wait / left everyone smiling / brought it all together / was brave
                and right""",
            "test": """
                took {my} breath away / warmed {my} heart / tied up every thread / sent everyone
                home happy""",
            "both": "was just right",
        },
        "negative": {
            "train": """
                was a let-down / came from nowhere / spoiled everything / was silly and rushed""",
            "test": """
                fell flat / left {me} feeling cheated / answered nothing / was a slap in the
                face""",
            "both": "was a disappointment",
        },
    },
    "script": {
        "positive": {
            "train": """
                was sharp and witty / was full of good lines / never said too much / was wise
                and kind""",
            "test": "sparkled / was written with care / had a lovely light touch",
            "both": "was clever",
        },
        "negative": {
            "train": """
                was flat and dead / was full of worn-out phrases / was stupid / talked down to
                everyone""",
            "test": """
                creaked / could have been written by a child in a hurry / made {me} wince""",
            "both": "was weak",
        },
    },
    "camera": {
        "positive": {
            "train": """
                was a feast for the eyes / showed the hills as they really are / made every shot
                a painting""",
            "test": """
                was breathtaking / caught the light like honey / was crisp and full of colour""",
            "both": "was superb",
        },
        "negative": {
            "train": """
                shook so much that {I} felt sick / was dark and muddy / hid half of what
                mattered""",
            "test": "was blurred and grey / wobbled from wall to wall / gave {me} sore eyes",
            "both": "was sloppy",
        },
    },
    "humour": {
        "positive": {
            "train": """
                made the whole room laugh / was gentle and funny / hit the mark every time""",
            "test": """
                had {me} in stitches / was dry and delicious / cheered up even {my} grumpy uncle""",
            "both": "was a lot of fun",
        },
        "negative": {
            "train": "was cruel and not funny / made nobody laugh / was old and tired",
            "test": "missed by a mile / was met with silence / was crude and lazy",
            "both": "was embarrassing",
        },
    },
    "mood": {
        "positive": {
            "train": """
                was full of warmth / had charm and heart / felt like a holiday / was magic""",
            "test": "glowed with kindness / cast a spell / was as cosy as a fire in winter",
            "both": "was uplifting",
        },
        "negative": {
            "train": "was gloomy and pointless / felt cheap / was a mess / had no heart",
            "test": "rang hollow / left a bad taste / was as grey as dishwater",
            "both": "was dreary",
        },
    },
    # What the person who saw it did or felt: the noun is the person.
    "viewer": {
        "positive": {
            "train": """
                loved every minute / laughed until it hurt / went back the next evening to see
                it again / clapped at the end / told all {my} friends to go""",
            "test": """
                {was} glued to the screen / smiled all the way home / could have sat there for
                another hour / bought tickets for the whole family the next day / talked of
                nothing else all week""",
            "both": "{was} sorry when it was over / enjoyed it very much",
        },
        "negative": {
            "train": """
                hated every minute / walked out before the end / asked for {my} money back /
                fell asleep in {my} chair / told all {my} friends to stay away""",
            "test": """
                kept yawning / counted the minutes / {was} glad when the lights came on / would
                rather have stayed at home and washed the dishes / wanted those two hours back""",
            "both": "{was} bored / regretted going",
        },
    },
}

FILM_PHRASES: list[Phrase] = [
    phrase for aspect, table in _FILM.items() for phrase in phrases_of("film", aspect, table)
]
