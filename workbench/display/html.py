"""Small building blocks of HTML."""

from __future__ import annotations

import html
from collections.abc import Iterable


def esc(value: object) -> str:
    """Make any text safe to put into HTML."""
    return html.escape(str(value))


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
