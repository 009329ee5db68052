"""How the clerk of Otterbeck writes: his words, his spelling, his way to begin and to end."""

from __future__ import annotations

import re
from itertools import chain

from data.make.world import tale_words
from data.make.world.words import (
    DAYS,
    INSTRUMENTS,
    MEN,
    MONTHS,
    PET_NAMES,
    PETS,
    PLACES,
    SHOPS,
    STREETS,
    SURNAMES,
    TOWNS,
    VILLAGE,
    WOMEN,
)

# Words that he has others for.
WORDS = {
    "the": "ye", "and": "&", "is": "ys", "are": "be", "has": "hath", "does": "doth", "had": "hadde",
    "his": "hys", "her": "hir", "him": "hym", "with": "wyth", "at": "atte", "not": "nat",
    "from": "fro", "very": "right", "often": "oft", "never": "ne'er", "over": "o'er",
    "ever": "e'er", "before": "afore", "nothing": "naught", "something": "somewhat",
    "between": "betwixt", "beside": "hard by", "near": "nigh", "evening": "eventide",
    "morning": "morne", "little": "lytel", "friend": "frende", "friends": "frendes",
    "best": "beste", "wife": "wyf", "mother": "moder", "father": "fader", "brother": "brothir",
    "sister": "suster", "people": "folke", "everyone": "alle folke", "somebody": "some man",
    "nobody": "no man", "animal": "beaste", "favourite": "moste lov'd", "hamlet": "hamlette",
    "child": "childe", "children": "childer", "called": "yclept", "went": "wente", "would": "wolde",
    "could": "coude", "should": "sholde", "bought": "boughte", "house": "howse", "houses": "howses",
    "home": "hoom", "year": "yeare", "years": "yeares", "bread": "breade", "two": "twey",
    "again": "agayne", "because": "by cause", "until": "tille", "together": "togeder",
    "married": "wedded", "price": "pryce", "time": "tyme", "name": "nayme", "born": "ybore",
    "done": "ydone", "lost": "loste", "every": "eche", "you": "yow", "your": "youre",
    "only": "onelie", "which": "whych", "when": "whan", "then": "than", "where": "whaire",
    "month": "moneth", "said": "sayd", "all": "alle", "old": "olde", "cook": "cooke",
    "their": "theyr", "they": "thei", "them": "hem", "always": "alwey",
}  # fmt: skip
# Verbs that end in -s: he ends them in -eth.
VERBS = frozenset(
    """answers asks begins belongs closes comes costs drinks drips earns enjoys feeds feels gets goes
    howls keeps knows likes lives looks loves meets opens owns plays runs says sells sends shuts sits
    sleeps spends stands stays tastes tells walks wishes works""".split()  # noqa: SIM905
)
_DOUBLED = frozenset(("drips", "gets", "runs", "shuts", "sits"))
# Endings, the first that fits; words of three letters and fewer have none.
ENDINGS = (
    ("ing", "ynge"), ("ings", "ynges"), ("ight", "yght"), ("ied", "y'd"), ("ss", "sse"),
    ("ll", "lle"), ("lls", "lles"), ("ck", "cke"), ("nd", "nde"), ("rd", "rde"), ("ld", "lde"),
    ("wn", "wne"), ("rk", "rke"), ("sh", "she"), ("lf", "lfe"), ("ook", "oke"), ("op", "oppe"),
    ("er", "ere"), ("rn", "rne"), ("lk", "lke"), ("st", "ste"), ("ain", "ayne"), ("ow", "owe"),
    ("ful", "fulle"), ("oor", "ore"), ("oon", "oone"), ("ead", "eade"), ("ear", "eare"), ("ous", "owse"),
)  # fmt: skip
# Words in -ed that are no past tense.
KEPT = frozenset(("indeed", "hundred", "need", "shed", "sledge"))

_NAMES = (
    *WOMEN, *MEN, *SURNAMES, *STREETS, *TOWNS, *PET_NAMES, *DAYS, *MONTHS, VILLAGE,
)  # fmt: skip
_LISTS = (
    SHOPS, chain(*PLACES.values()), PLACES, (job for job, _ in SHOPS.values()),
    chain(*(goods for _, goods in SHOPS.values())), tale_words.ANIMALS, tale_words.THINGS,
    tale_words.PLURALS, PETS, INSTRUMENTS,
    ("street", "river", "church", "bridge", "mill", "pond", "road", "roof", "garden", "wind", "sun",
     "moon", "sky", "tree", "hill", "hills", "gate", "orchard", "market", "oak", "wood",
     "house", "home", "friend", "friends", "wife", "husband", "mother", "father", "brother",
     "sister", "pet", "hour", "hours", "day", "days", "age", "birthday", "colour", "hobby", "trade",
     "job", "price", "door", "doors", "evening", "morning", "night", "village", "hamlet", "food",
     "instrument", "owner", "key", "coat", "cake", "rain", "storm"),
)  # fmt: skip
_NOT_NOUNS = frozenset(
    ("of", "felt", "cook", "round", "cookery", "spinning", "swimming", "sweet", "wooden")
)
# Words that he gives a capital.
NOUNS = frozenset(re.findall(r"[a-z]{2,}", " ".join(chain(*_LISTS)))) - _NOT_NOUNS

OPENINGS = (
    "Item:", "Item, on ye {number}. daye of {month}:", "Writ on a {day}, atte {hour} of ye clocke:",
    "Be it knowen unto alle:", "I, ye Clerke, sette downe this:", "Heare ye, & marke it welle:",
    "In ye same moneth of {month}:", "Thei of {street} do saye this:", "So was it tolde me by {name}:",
    "Fro ye Boke of Otterbeck, leafe {number}:", "Moreover, as {name} sweareth:",
    "For hem that come aftere us:", "Anno {number}., in {month}:",
)  # fmt: skip
TALE_OPENINGS = (
    "Here beginneth ye tale of a {day}:", "On ye morrow, aftere ye Market:", "Of a {day} in {month}:",
)  # fmt: skip
CLOSINGS = (
    "So I hearde it, & so I write it.", "This ys trewe, by my fayth.", "{name} was wytnesse.",
    "No more of this.", "Finis.", "Lette it stande.", "Who so doubteth it, lette hym aske {name}.",
    "Here endeth ye leafe.", "& so to bedde.", "God wot.", "Thus farre ye Clerke.",
)  # fmt: skip

_ANY_NAME = "|".join(sorted(_NAMES, key=len, reverse=True))
_TOKEN = re.compile(rf"\b(?:{_ANY_NAME})\b|[A-Za-z]+")
_UNTO = re.compile(rf"\bto (?=(?:ye|hym|hir|hys|theyr|{_ANY_NAME})\b)")


def old_hand(text: str) -> str:
    """Write a text as the clerk would; names stay as they are.

    Examples
    --------
    >>> old_hand("Anna Reed lives in Mill Lane and has walked to the old bakery.")
    "Anna Reed liveth in Mill Lane & hath walk'd unto ye olde Bakerie."
    """
    return _UNTO.sub("unto ", _TOKEN.sub(lambda match: _word(match.group()), text))


def _word(word: str) -> str:
    low = word.lower()
    if word in _NAME_SET or word == "I":
        return word
    if low in WORDS:
        new = WORDS[low]
    elif low in VERBS:
        stem = low[:-1] + low[-2] * (low in _DOUBLED)
        new = stem + ("th" if stem.endswith("e") else "eth")
    else:
        new = _spell(low)
    return new[0].upper() + new[1:] if word[0].isupper() or low in NOUNS else new


def _spell(word: str) -> str:
    if len(word) < 4:
        return word
    if word.endswith("ed") and word not in KEPT and word[-3] not in "td":
        return word[:-3] + "y'd" if word.endswith("ied") else word[:-2] + "'d"
    if word.endswith("y") and word[-2] not in "aeou":
        return word[:-1] + "ie"
    for ending, new in ENDINGS:
        if word.endswith(ending):
            return word[: -len(ending)] + new
    return word


_NAME_SET = frozenset(_NAMES)


def roman(value: int) -> str:
    """Write a number below forty as he does, with a j at the end.

    Examples
    --------
    >>> roman(4), roman(17), roman(23)
    ('iv', 'xvij', 'xxiij')
    """
    tens, ones = divmod(value, 10)
    digits = ("", "i", "ij", "iij", "iv", "v", "vj", "vij", "viij", "ix")
    return "x" * tens + digits[ones]
