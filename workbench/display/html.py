"""Counts and sentences as HTML, and as a person reads them."""

from __future__ import annotations

import html
from collections.abc import Iterable


def esc(value: object) -> str:
    """Make any text safe to put into HTML."""
    return html.escape(str(value))


def big(number: float) -> str:
    """Shorten a count.

    Examples
    --------
    >>> big(812), big(73728), big(2_999_808), big(3_212_749_824)
    ('812', '73.7 K', '3.0 M', '3.2 B')
    """
    for limit, unit in ((1e9, "B"), (1e6, "M"), (1e4, "K")):
        if number >= limit:
            return f"{number / (1e3 if unit == 'K' else limit):.1f} {unit}"
    return f"{number:,.0f}"


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """Lay out small labelled figures."""
    items = "".join(
        f"<div><dt>{esc(label)}</dt><dd>{esc(value)}</dd></div>" for label, value in pairs
    )
    return f"<dl class='wb-facts'>{items}</dl>"


def folded(title: str, details: str) -> str:
    """Hide technical details behind a word."""
    if not details:
        return ""
    return (
        f"<details class='wb-details'><summary>{esc(title)}</summary>"
        f"<pre>{esc(details.strip())}</pre></details>"
    )
