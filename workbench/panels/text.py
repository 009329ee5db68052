"""Figures and sentences as a person reads them, and as HTML."""

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


def size(count: float) -> str:
    """Say how many bytes.

    Examples
    --------
    >>> size(512), size(294_912), size(11_600_000)
    ('512 B', '295 kB', '11.6 MB')
    """
    for limit, unit in ((1e9, "GB"), (1e6, "MB")):
        if count >= limit:
            return f"{count / limit:.1f} {unit}"
    return f"{count / 1e3:.0f} kB" if count >= 1e3 else f"{count:.0f} B"


def span(seconds: float) -> str:
    """Say how long.

    Examples
    --------
    >>> span(0.4), span(8.25), span(75), span(7300)
    ('0.4 s', '8 s', '1 min 15 s', '2 h 1 min')
    """
    if seconds < 1:
        return f"{seconds:.1f} s"
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def share(part: float, whole: float) -> str:
    """Say a share in percent, small ones with enough digits to be told apart.

    Examples
    --------
    >>> share(73728, 3_000_000), share(12, 3_000_000), share(5, 5)
    ('2.5 %', '0.0004 %', '100 %')
    """
    percent = 100 * part / whole if whole else 0.0
    if percent >= 99.95:
        return "100 %"
    digits = 1 if percent >= 0.1 else 4
    return f"{percent:.{digits}f} %"


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
