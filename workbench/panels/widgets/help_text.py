"""Help texts as a person reads them: PEFT writes its own in Markdown, HTML and reStructuredText at once."""

from __future__ import annotations

import re

LONGEST = 480  # characters: a popover is no manual

# Markup, and what is left of it. Links lead out of the page, and their texts say what they are about.
_MARKUP = (
    (r"</?(?:a|b|i|br|code|p)\b[^>]*>", ""),
    (r"\[([^\]]+)\]\([^)]*\)", r"\1"),
    (r":\w+:`~?(?:[\w.]*\.)?(\w+)`", r"\1"),
    (r"(\*{1,2})(\S(?:[^*]*\S)?)\1(?!\w)", r"\2"),
    (r"`+", ""),
)
# What many of PEFT's texts have in common and could be said shorter, and slips that are in several.
_PHRASES = (
    # A default that PEFT states need not be the one that is used here, which stands beside the text.
    (r"\bDefaults?(?: is| to|:) (?:[^.]|\.(?=\d))*(?:\.|$)", ""),
    (r"\.(?=(?:Additionally|But|Currently|For|If|It|Note|The|This|When|Whether|You)\b)", ". "),
    (r"(?i)\blist of module names or regex (?:expression )?(?:of|for) (?:the )?module(?: name)?s (?=to|which)",
     "Names of the modules, as a list or a regular expression, "),
    (r"(?i)\blist of module names of the module names (?=to)", "Names of the modules "),
    (r"\breg(?:exp|ex)(?: expression)?\b", "regular expression"),
    (r"\bis this argument is\b", "if this argument is"),
    (r"\bdifferent to None\b", "given"),
    (r"\bIf not None\b", "If given"),
    (r"\bNone\b(?= (?:uses|chooses|means|detects))", "Left empty, it"),
    (r"(?<=[.;] )None\b|^None\b", "Empty"),
    (r"\bto None\b", "to empty"),
    (r"\bNone\b", "empty"),
    (r"Left empty, it uses\b", "Left empty, it is"),
    (r"\bbiggeroverhead\b", "bigger overhead"),
    (r"\bisgreater\b", "is greater"),
    (r"\bbechosen\b", "be chosen"),
)  # fmt: skip


def readable(text: str) -> str:
    """Return a help text without markup, in whole sentences, as long as a popover bears.

    Examples
    --------
    >>> readable("Use [RS-LoRA](https://x.y) with `r`.If not specified, it is off. Default: 0.5.")
    'Use RS-LoRA with r. If not specified, it is off.'
    >>> readable("Lora attention dimension")
    'Lora attention dimension.'
    """
    words = text
    for pattern, plain in (*_MARKUP, *_PHRASES):
        words = re.sub(pattern, plain, words)
    words = _shortened(re.sub(r"\s+([.,;])", r"\1", " ".join(words.split())))
    if not words:
        return ""
    return words[0].upper() + words[1:] + ("" if words.endswith((".", "?", "!", "…")) else ".")


def _shortened(words: str) -> str:
    """Keep the first sentences."""
    if len(words) <= LONGEST:
        return words
    ends = [match.end() for match in re.finditer(r"(?<!e\.g)(?<!i\.e)\.(?= [A-Z])", words)]
    fitting = [end for end in ends if end <= LONGEST]
    return words[: fitting[-1]] if fitting else words[: LONGEST - 1].rstrip() + "…"
