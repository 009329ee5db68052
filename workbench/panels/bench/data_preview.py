"""A few rows of the data as HTML: as a person reads them, and as the model does."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from workbench.display.html import esc
from workbench.panels.bench.inspector import ROWS
from workbench.sources.datasets import images
from workbench.sources.datasets.conversations.find import conversation_text
from workbench.sources.datasets.load import Table, spread
from workbench.sources.datasets.row_checks import items
from workbench.sources.datasets.unused import unused_columns
from workbench.training.inspection.look import html, wording
from workbench.training.inspection.look.marks import Preview
from workbench.training.inspection.look.marks import Row as LookRow

MOST_LABELS = 40  # that are drawn


def describe(table: Table, look: Preview | None) -> str:
    """Write a table's figures and a few of its rows as HTML.

    Parameters
    ----------
    table : Table
    look : Preview, or None
        What the model gets of the same rows; see :func:`workbench.look`.
    """
    held_out = (
        "held out from the training rows" if table.eval is None else f"{len(table.eval):,} rows"
    )
    figures = f"{len(table.train):,} training rows · evaluation: {held_out}"
    if table.labels:
        figures += f" · {len(table.labels)} labels"
        if not table.label_counts:
            figures += ": " + ", ".join(table.labels[:4]) + (" …" if len(table.labels) > 4 else "")
    balance = _balance(table.label_counts) if len(table.label_counts) > 1 else ""
    if unused := unused_columns(table):
        figures += f" · not used: {', '.join(unused)}"
    notes = "".join(f"<p class='wb-note'>{esc(note)}</p>" for note in (look or table).notes)
    rows = "".join(
        _row(row, table.columns, look.rows[place] if look else None, first=place == 0)
        for place, row in enumerate(spread(table.train, ROWS))
    )
    learned = f"{html.style()}{_learned(look)}" if look else ""
    quiet = f"<p class='wb-quiet'>{esc(figures)}</p>"
    # It may scroll, so that the keyboard must come to it.
    listed = f"<ol class='wb-rows' tabindex='0' aria-label='Example rows'>{rows}</ol>"
    return f"{quiet}{balance}{notes}{learned}{listed}"


def _learned(look: Preview) -> str:
    """Say what is learned of the rows and what they lose, as far as there is something to say."""
    head, of = wording.share(look)
    share = f"<p><b>{esc(head)}</b> <span class='lk-quiet'>{esc(of)}</span></p>"
    lost = f"<p class='lk-lost'>{esc(' '.join(wording.losses(look)))}</p>"
    said = share * wording.has_share(look) + lost * wording.has_losses(look)
    return f"<section class='wb-look' aria-label='What is learned'>{said}</section>" if said else ""


def _balance(counts: dict[str, int]) -> str:
    """Draw how many rows have each label, and the majority baseline."""
    total = sum(counts.values())
    parts = "".join(
        f"<i style='flex-grow:{count}'></i>" for count in list(counts.values())[:MOST_LABELS]
    )
    first = ", ".join(f"{label} {count:,}" for label, count in list(counts.items())[:4])
    first += ", …" if len(counts) > 4 else ""
    most, count = next(iter(counts.items()))
    return (
        f"<div class='wb-balance' aria-hidden='true'>{parts}</div><p class='wb-quiet'>{esc(first)}; "
        f"majority baseline {count / total:.0%} accuracy (always “{esc(most)}”).</p>"
    )


def _row(row: dict[str, Any], columns: dict[str, str], seen: LookRow | None, *, first: bool) -> str:
    if first and seen is not None:
        # One is shown as the model gets it, the others when they are unfolded.
        head = f"<div class='lk-first'>{html.row_head(seen)}{html.legend([seen])}</div>"
        body = f"{head}{html.row_body(seen)}"
        return f"<li><div class='wb-look'>{body}</div>{_prompt(seen)}</li>"
    label = row[columns["label"]] if "label" in columns else None
    badge = f"<span class='wb-badge'>{esc(label)}</span>" if label is not None else ""
    if "image" in columns:
        if seen is not None:
            return f"<li class='wb-look'>{html.row_body(seen)}</li>"
        texts = _image(row[columns["image"]])
    elif "tags" in columns:
        texts = f"<p class='wb-tagged'>{_tagged(row[columns['tokens']], row[columns['tags']])}</p>"
    else:
        texts = "".join(
            f"<p class='wb-{role}'>{esc(_short(conversation_text(row[column])))}</p>"
            for role, column in columns.items()
            if role != "label" and row.get(column) not in (None, "", [])
        )
    return f"<li>{badge}{texts}{_tokens(seen) if seen else ''}</li>"


def _image(image: str | bytes) -> str:
    """Show a small image."""
    name = Path(image).name if isinstance(image, str) else "image"
    try:
        caption = f"{name}: {images.describe(image)}"
        picture = base64.b64encode(images.thumbnail(image)).decode()
    except (OSError, SyntaxError) as error:
        return f"<p class='wb-problem' role='alert'>{esc(f'{name} cannot be read: {error}')}</p>"
    return (
        f"<div class='wb-images'><img src='data:image/png;base64,{picture}' alt='{esc(caption)}'>"
        f"<span class='wb-quiet'>{esc(caption)}</span></div>"
    )


def _tagged(tokens: Any, tags: Any) -> str:
    """Write words with their tags, but for those that mark nothing."""
    pairs = zip(items(tokens)[:40], items(tags)[:40], strict=True)
    words = [f"{esc(word)}{_tag(None if tag == 'O' else str(tag))}" for word, tag in pairs]
    return " ".join(words) + (" …" if len(items(tokens)) > 40 else "")


def _short(value: Any) -> str:
    text = _turns(value) if isinstance(value, list) else str(value)
    return text if len(text) <= 220 else text[:219] + "…"


def _turns(value: list) -> str:
    """Write a conversation in a line: who says what, by the usual names."""
    return " · ".join(
        f"{turn.get('role', turn.get('from'))}: {turn.get('content', turn.get('value'))}"
        if isinstance(turn, dict)
        else str(turn)
        for turn in value
    )


def _tokens(row: LookRow) -> str:
    """Write what the model gets of a row, folded away."""
    figures = " · ".join(wording.figures(row))
    return (
        f"{_prompt(row)}<details class='wb-seen'><summary>{esc(figures)}</summary>"
        f"<div class='wb-look'>{html.row_body(row)}</div></details>"
    )


def _prompt(row: LookRow) -> str:
    if not row.prompt:
        return ""
    text = f"<pre class='wb-prompted'>{esc(row.prompt)}</pre>"
    return f"<details><summary>prompt</summary>{text}</details>"


def _tag(tag: str | None) -> str:
    return "" if tag is None else f"<sub class='wb-tag'>{esc(tag)}</sub>"
