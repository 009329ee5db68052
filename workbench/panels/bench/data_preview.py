"""A few rows of the data as HTML: as a person reads them, and as the model does."""

from __future__ import annotations

import base64
from io import BytesIO
from pathlib import Path
from typing import Any

from workbench.display.html import esc
from workbench.panels.bench.inspector import ROWS
from workbench.sources.datasets import images
from workbench.sources.datasets.conversations.find import conversation_text
from workbench.sources.datasets.load import Table, spread
from workbench.sources.datasets.row_checks import items

MOST_LABELS = 40  # that are drawn


def describe(table: Table, shown: list[dict[str, Any]] | None) -> str:
    """Write a table's figures and a few of its rows as HTML.

    Parameters
    ----------
    table : Table
    shown : list of dict, or None
        What the model sees of the same rows; see :func:`workbench.training.inspection.token_preview.tokenised`.
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
    notes = "".join(f"<p class='wb-note'>{esc(note)}</p>" for note in table.notes)
    rows = "".join(
        _row(row, table.columns, shown[index] if shown else None)
        for index, row in enumerate(spread(table.train, ROWS))
    )
    return f"<p class='wb-quiet'>{esc(figures)}</p>{balance}{notes}<ol class='wb-rows'>{rows}</ol>"


def _balance(counts: dict[str, int]) -> str:
    """Draw how many rows have each label, and say what guessing the most frequent one scores."""
    total = sum(counts.values())
    parts = "".join(
        f"<i style='flex-grow:{count}'></i>" for count in list(counts.values())[:MOST_LABELS]
    )
    first = ", ".join(f"{label} {count:,}" for label, count in list(counts.items())[:4])
    first += ", …" if len(counts) > 4 else ""
    most, count = next(iter(counts.items()))
    return (
        f"<div class='wb-balance' aria-hidden='true'>{parts}</div><p class='wb-quiet'>{esc(first)}: "
        f"always guessing “{esc(most)}” is right {count / total:.0%} of the time.</p>"
    )


def _row(row: dict[str, Any], columns: dict[str, str], shown: dict[str, Any] | None) -> str:
    label = row[columns["label"]] if "label" in columns else None
    badge = f"<span class='wb-badge'>{esc(label)}</span>" if label is not None else ""
    if "image" in columns:
        texts = _image(row[columns["image"]], shown)
    elif "tags" in columns:
        texts = f"<p class='wb-tagged'>{_tagged(row[columns['tokens']], row[columns['tags']])}</p>"
    else:
        texts = "".join(
            f"<p class='wb-{role}'>{esc(_short(conversation_text(row[column])))}</p>"
            for role, column in columns.items()
            if role != "label" and row.get(column) not in (None, "", [])
        )
    return f"<li>{badge}{texts}{_tokens(shown) if shown and 'tokens' in shown else ''}</li>"


def _image(image: str | bytes, shown: dict[str, Any] | None) -> str:
    """Show a small image, and next to it what the model sees of it."""
    name = Path(image).name if isinstance(image, str) else "image"
    try:
        caption = f"{name}: {images.describe(image)}"
        pictures = [_picture(images.thumbnail(image), caption)]
    except (OSError, SyntaxError) as error:
        return f"<p class='wb-problem' role='alert'>{esc(f'{name} cannot be read: {error}')}</p>"
    if shown:
        seen = " × ".join(map(str, shown["pixels"].shape))
        caption += f"; the model reads {seen}"
        pictures.append(_picture(_png(shown["pixels"]), f"{name} as the model reads it"))
    return f"<div class='wb-images'>{''.join(pictures)}<span class='wb-quiet'>{esc(caption)}</span></div>"


def _picture(png: bytes, words: str) -> str:
    source = f"data:image/png;base64,{base64.b64encode(png).decode()}"
    return f"<img src='{source}' alt='{esc(words)}' title='{esc(words)}'>"


def _png(pixels: Any) -> bytes:
    """Turn an array of shape (channels, height, width) with values from 0 to 1 into a picture."""
    from PIL import Image

    file = BytesIO()
    Image.fromarray((pixels.transpose(1, 2, 0) * 255).round().astype("uint8")).save(file, "PNG")
    return images.thumbnail(file.getvalue())


def _tagged(tokens: Any, tags: Any) -> str:
    """Write words with their tags, but for those that mark nothing."""
    pairs = zip(items(tokens)[:40], items(tags)[:40], strict=True)
    words = [f"{esc(word)}{_tag(None if tag == 'O' else str(tag))}" for word, tag in pairs]
    return " ".join(words) + (" …" if len(items(tokens)) > 40 else "")


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 220 else text[:219] + "…"


def _tokens(shown: dict[str, Any]) -> str:
    tokens, trained = shown["tokens"], shown["learnt"]
    tags = shown.get("tags") or [None] * len(tokens)
    chips = "".join(
        f"<span class='{'wb-trained' if counts else ''}'>{esc(_visible(token))}{_tag(tag)}</span>"
        for token, counts, tag in list(zip(tokens, trained, tags, strict=True))[:120]
    )
    more = f"<span class='wb-more'>and {len(tokens) - 120} more</span>" if len(tokens) > 120 else ""
    words = f"{len(tokens)} tokens"
    if any(trained) and not all(trained):
        words += (
            f", {sum(trained)} of them {'to be generated' if 'prompt' in shown else 'trained on'}"
        )
    prompt = ""
    if "prompt" in shown:
        text = esc(shown["prompt"])
        prompt = (
            f"<details><summary>prompt</summary><pre class='wb-prompted'>{text}</pre></details>"
        )
    return prompt + (
        f"<details><summary>{words}</summary><div class='wb-tokens'>{chips}{more}</div></details>"
    )


def _tag(tag: str | None) -> str:
    return "" if tag is None else f"<sub class='wb-tag'>{esc(tag)}</sub>"


def _visible(token: str) -> str:
    return token.replace("\n", "⏎").replace("\t", "⇥").replace(" ", "·") or "∅"
