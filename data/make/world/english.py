"""The forms of English words: verbs that agree, plurals, comparatives."""

from __future__ import annotations

from dataclasses import dataclass

# Past and participle; one form where they are alike.
_IRREGULAR = {
    "be": "was been", "begin": "began begun", "bite": "bit bitten", "blow": "blew blown",
    "break": "broke broken", "bring": "brought", "build": "built", "burn": "burnt", "buy": "bought",
    "catch": "caught", "choose": "chose chosen", "come": "came come", "cost": "cost", "cut": "cut", "dig": "dug", "do": "did done",
    "draw": "drew drawn", "drink": "drank drunk", "drive": "drove driven", "eat": "ate eaten",
    "fall": "fell fallen", "feed": "fed", "feel": "felt", "find": "found", "fly": "flew flown",
    "forget": "forgot forgotten", "get": "got", "give": "gave given", "go": "went gone",
    "grow": "grew grown", "have": "had", "hear": "heard", "hide": "hid hidden", "hold": "held",
    "hurt": "hurt", "keep": "kept", "know": "knew known", "leave": "left", "lend": "lent",
    "lie": "lay lain", "light": "lit", "lose": "lost", "make": "made", "mean": "meant",
    "meet": "met", "pay": "paid", "put": "put", "read": "read", "ride": "rode ridden",
    "ring": "rang rung", "run": "ran run", "say": "said", "see": "saw seen", "sell": "sold",
    "send": "sent", "sew": "sewed sewn", "shake": "shook shaken", "shine": "shone", "show": "showed shown",
    "shut": "shut", "sing": "sang sung", "sit": "sat", "sleep": "slept", "smell": "smelt",
    "speak": "spoke spoken", "spend": "spent", "stand": "stood", "steal": "stole stolen",
    "sweep": "swept", "swim": "swam swum", "take": "took taken", "teach": "taught",
    "tear": "tore torn", "tell": "told", "think": "thought", "throw": "threw thrown",
    "wake": "woke woken", "wear": "wore worn", "win": "won", "write": "wrote written",
}  # fmt: skip
_DOUBLED = {"chop", "drop", "hop", "nod", "pat", "plan", "rub", "shop", "stir", "stop", "travel",
            "wrap", "begin", "cut", "dig", "forget", "get", "hit", "put", "run", "shut", "sit",
            "swim", "win", "beg", "grab", "knit", "fit", "slip"}  # fmt: skip
_PLURALS = {
    "man": "men", "woman": "women", "child": "children", "mouse": "mice", "goose": "geese",
    "sheep": "sheep", "deer": "deer", "calf": "calves", "loaf": "loaves", "knife": "knives",
    "shelf": "shelves", "wife": "wives", "foot": "feet", "tooth": "teeth", "leaf": "leaves",
    "potato": "potatoes", "scarf": "scarves",
}  # fmt: skip
_COMPARED = {
    "clever": ("cleverer", "cleverest"),
    "good": ("better", "best"),
    "bad": ("worse", "worst"),
}


def plural(noun: str) -> str:
    """The plural.

    Examples
    --------
    >>> plural("box"), plural("old woman"), plural("berry"), plural("key")
    ('boxes', 'old women', 'berries', 'keys')
    """
    *before, last = noun.split(" ")
    if last in _PLURALS:
        last = _PLURALS[last]
    elif last.endswith("y") and last[-2] not in "aeiou":
        last = last[:-1] + "ies"
    else:
        last += "es" if last.endswith(("s", "x", "ch", "sh")) else "s"
    return " ".join((*before, last))


def compared(adjective: str) -> tuple[str, str]:
    """The comparative and the superlative.

    Examples
    --------
    >>> compared("big"), compared("heavy"), compared("careful"), compared("tall")[0]
    (('bigger', 'biggest'), ('heavier', 'heaviest'), ('more careful', 'most careful'), 'taller')
    """
    if adjective in _COMPARED:
        return _COMPARED[adjective]
    vowels = sum(a in "aeiou" and b not in "aeiou" for a, b in zip(adjective, adjective[1:] + " "))
    if adjective.endswith("y"):
        return adjective[:-1] + "ier", adjective[:-1] + "iest"
    if adjective.endswith("e") and vowels <= 2:
        return adjective + "r", adjective + "st"
    if vowels > 1:
        return f"more {adjective}", f"most {adjective}"
    end = adjective[-1]
    if adjective[-2] in "aeiou" and adjective[-3] not in "aeiou" and end in "bdgmnt":
        return adjective + end + "er", adjective + end + "est"
    return adjective + "er", adjective + "est"


def third(verb: str) -> str:
    """The form after *he*, *she* and *it*.

    Examples
    --------
    >>> third("go"), third("carry"), third("play"), third("have"), third("watch")
    ('goes', 'carries', 'plays', 'has', 'watches')
    """
    if verb in ("have", "be"):
        return {"have": "has", "be": "is"}[verb]
    if verb.endswith("y") and verb[-2] not in "aeiou":
        return verb[:-1] + "ies"
    return verb + ("es" if verb.endswith(("s", "x", "ch", "sh", "o")) else "s")


def past(verb: str) -> str:
    """The past.

    Examples
    --------
    >>> past("take"), past("carry"), past("stop"), past("bake"), past("wait")
    ('took', 'carried', 'stopped', 'baked', 'waited')
    """
    if verb in _IRREGULAR:
        return _IRREGULAR[verb].split()[0]
    if verb.endswith("e"):
        return verb + "d"
    if verb.endswith("y") and verb[-2] not in "aeiou":
        return verb[:-1] + "ied"
    return verb + (verb[-1] if verb in _DOUBLED else "") + "ed"


def participle(verb: str) -> str:
    """The form after *have*.

    Examples
    --------
    >>> participle("take"), participle("make"), participle("paint")
    ('taken', 'made', 'painted')
    """
    return _IRREGULAR[verb].split()[-1] if verb in _IRREGULAR else past(verb)


def ing(verb: str) -> str:
    """The form after *be*.

    Examples
    --------
    >>> ing("make"), ing("sit"), ing("lie"), ing("see"), ing("carry")
    ('making', 'sitting', 'lying', 'seeing', 'carrying')
    """
    if verb.endswith("ie"):
        return verb[:-2] + "ying"
    if verb.endswith("e") and not verb.endswith(("ee", "ye")) and verb != "be":
        return verb[:-1] + "ing"
    return verb + (verb[-1] if verb in _DOUBLED else "") + "ing"


@dataclass(frozen=True, slots=True)
class Who:
    """Who or what a clause is about.

    Parameters
    ----------
    name
        As a subject, when it is named.
    he, him, his, himself
        What stands for it.
    plural
        Whether verbs agree in the plural.
    person
        First, second or third.
    kind
        What it is: ``"person"``, ``"animal"`` or ``"thing"``.
    """

    name: str
    he: str
    him: str
    his: str
    himself: str
    plural: bool = False
    person: int = 3
    kind: str = "person"

    @property
    def single(self) -> bool:
        """Whether the present takes an *s*."""
        return self.person == 3 and not self.plural

    def be(self, tense: str) -> str:
        """*Be* in the present or the past.

        Examples
        --------
        >>> I = Who("I", "I", "me", "my", "myself", person=1)
        >>> I.be("present"), I.be("past")
        ('am', 'was')
        """
        if tense == "past":
            return "were" if self.plural or self.person == 2 else "was"
        if self.person == 1 and not self.plural:
            return "am"
        return "is" if self.single else "are"


def finite(who: Who, tense: str, verb: str, denied: bool = False) -> tuple[str, str]:
    """The auxiliary and what follows it; the auxiliary is empty where there is none.

    Parameters
    ----------
    who
        What the verb agrees with.
    tense
        ``"past"``, ``"present"``, ``"future"``, ``"perfect"``, ``"pluperfect"``, ``"going"``
        (the present progressive), ``"was going"``, or a modal verb.
    verb
        Its base form.
    denied
        Whether it is not so.

    Examples
    --------
    >>> she = Who("Anna", "she", "her", "her", "herself")
    >>> finite(she, "perfect", "eat"), finite(she, "past", "eat", denied=True)
    (('has', 'eaten'), ('did not', 'eat'))
    """
    no = " not" if denied else ""
    have = "has" if who.single else "have"
    if verb == "be" and tense in ("past", "present"):
        return who.be(tense) + no, ""
    if tense == "past":
        return ("did not", verb) if denied else ("", past(verb))
    if tense == "present":
        do = "does" if who.single else "do"
        return (f"{do} not", verb) if denied else ("", third(verb) if who.single else verb)
    if tense == "perfect":
        return have + no, participle(verb)
    if tense == "pluperfect":
        return "had" + no, participle(verb)
    if tense in ("going", "was going"):
        return who.be("past" if tense == "was going" else "present") + no, ing(verb)
    word = "will" if tense == "future" else tense
    return ("cannot" if word == "can" and denied else word + no), verb


def conjugated(who: Who, tense: str, verb: str, denied: bool = False) -> str:
    """The same in one string.

    Examples
    --------
    >>> conjugated(Who("they", "they", "them", "their", "themselves", True), "past", "go", True)
    'did not go'
    """
    return " ".join(filter(None, finite(who, tense, verb, denied)))
