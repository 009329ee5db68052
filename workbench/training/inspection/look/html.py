"""A look as HTML: marked text that is read without colours, and aloud, too."""

from __future__ import annotations

import base64
import functools
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from workbench.display.html import esc
from workbench.sources.datasets import images
from workbench.training.inspection.look import wording
from workbench.training.inspection.look.marks import (
    CUT,
    LEARNED,
    MEANINGS,
    PADDING,
    READ,
    SCORED,
    VIRTUAL,
    Piece,
    Preview,
    Row,
    Span,
    Stream,
    marks_of,
)

_CLASSES = {
    LEARNED: "lk-learned",
    SCORED: "lk-learned",
    READ: "lk-read",
    CUT: "lk-cut",
    PADDING: "lk-padding",
    VIRTUAL: "lk-virtual",
    "special": "lk-special",
}


@functools.cache
def style() -> str:
    """Return the style sheet as an element; what a look is drawn with stands below it."""
    sheet = (Path(__file__).parent / "look.css").read_text(encoding="utf-8")
    return f"<style>{sheet}</style>"


def page(look: Preview) -> str:
    """Write a look as HTML that needs nothing else."""
    rows = "".join(f"<li>{row_head(row)}{row_body(row)}</li>" for row in look.rows)
    notes = "".join(f"<p class='lk-quiet'>{esc(note)}</p>" for note in look.notes)
    return (
        f"{style()}<section class='wb-look' aria-label='What is learned'>"
        f"<div class='lk-head'><b>What is learned</b><span>{esc(wording.title(look))}</span></div>"
        f"{summary(look)}{notes}{legend(look.rows)}<ol class='lk-rows'>{rows}</ol></section>"
    )


def summary(look: Preview) -> str:
    """Write what is learned of all rows that were counted, and what they lose."""
    head, of = wording.share(look)
    bar = ""
    if wording.has_share(look):
        bar = f"<div class='lk-bar' aria-hidden='true'><i style='width:{look.counts.share:.1%}'></i></div>"
    lost = wording.has_losses(look)
    losses = "".join(
        f"<p class='{'lk-lost' if lost else 'lk-quiet'}'>{esc(sentence)}</p>"
        for sentence in wording.losses(look)
    )
    unused = f"<p class='lk-quiet'>{esc(wording.unused(look))}</p>" if look.unused else ""
    quiet = f" <span class='lk-quiet'>{esc(of)}</span>" if of else ""
    return f"<p class='lk-share'><b>{esc(head)}</b>{quiet}</p>{bar}{losses}{unused}"


def legend(rows: Sequence[Row]) -> str:
    """Say what the marks that occur mean."""
    samples = {PADDING: "padding", VIRTUAL: "virtual tokens"}
    items = "".join(
        f"<li title='{esc(MEANINGS[mark])}'><span class='{_CLASSES[mark]}'>"
        f"{esc(samples.get(mark, mark))}</span></li>"
        for mark in marks_of(rows)
    )
    return f"<ul class='lk-legend' aria-label='Marks'>{items}</ul>" if items else ""


def row_head(row: Row) -> str:
    """Write a row's number and figures in a line."""
    figures = "".join(f" · {esc(figure)}" for figure in wording.figures(row))
    return f"<div class='lk-row'><b>Row {row.number:,}</b>{figures}</div>"


def row_body(row: Row) -> str:
    """Write a row's tokens with their marks, and what is learned below."""
    parts = [_picture(row)] if row.image is not None else []
    parts += [_stream(stream) for stream in row.streams]
    answers = [] if row.label is None else [("label", row.label, "")]
    answers += [(wording.target_name(row), *target) for target in wording.targets(row)]
    parts += [
        f"<div class='lk-target'><b>{esc(name)}</b> <span>{_text(text)}"
        f"{f'<em>{esc(more)}</em>' if more else ''}</span></div>"
        for name, text, more in answers
    ]
    return "".join(parts)


def _stream(stream: Stream) -> str:
    title = f"<div class='lk-quiet'>{esc(stream.title)}</div>" if stream.title else ""
    # Where words have tags the mark changes with each word: they are heard in one go.
    words = _tagged_words(stream)
    spans = "".join(_span(span, aloud=not words) for span in stream.spans)
    # A long text scrolls, so the keyboard must be able to reach it.
    return (
        f"{title}<div class='lk-tokens' tabindex='0' role='group' "
        f"aria-label='{esc(stream.title or 'tokens')}'>{_to_hear(words)}{spans}</div>"
    )


def _tagged_words(stream: Stream) -> str:
    """Return words behind their tags, and which of them are cut off; empty without tags."""
    parts = []
    for span in stream.spans:
        for piece in (*span.head, *span.tail):
            cut = f" ({CUT})" * (span.mark == CUT)
            start = "" if piece.tag is None else f" {piece.tag}{cut}: "
            parts.append(start + piece.text.strip())
    tagged = any(piece.tag for span in stream.spans for piece in (*span.head, *span.tail))
    return "".join(parts) if tagged else ""


def _to_hear(text: str) -> str:
    return f"<span class='lk-heard'>{esc(wording.audible(text))} </span>" if text else ""


def _span(span: Span, aloud: bool) -> str:
    """Write neighbouring tokens: once to be heard as one text, once to be seen as tokens."""
    if span.mark == PADDING:
        return f"<span class='lk-padding'>padding × {span.tokens:,}</span> "
    if span.mark == VIRTUAL:
        tokens = f"{span.tokens:,} virtual token{'s' * (span.tokens != 1)}"
        return f"<span class='lk-virtual'>{tokens}</span> "
    more = f"<em class='lk-more'>{esc(wording.omitted(span))}</em>" if span.omitted else ""
    return f"{_pieces(span.head, span.mark, aloud)}{more}{_pieces(span.tail, span.mark, aloud)}"


def _pieces(pieces: Sequence[Piece], mark: str, aloud: bool) -> str:
    if not pieces:
        return ""
    text = "".join(f" {piece.text} " if piece.special else piece.text for piece in pieces)
    heard = _to_hear(f"{mark}: {text}.") if aloud else ""
    # No break is offered where a line has just begun: a long word would leave it empty.
    ends = [True, *(not piece.text.endswith("\n") for piece in pieces[:-1])]
    seen = "".join(_seen(piece, may_break) for piece, may_break in zip(pieces, ends, strict=True))
    return f"{heard}<span class='{_CLASSES[mark]}' aria-hidden='true'>{seen}</span>"


def _seen(piece: Piece, may_break: bool) -> str:
    kind = "lk-special" if piece.special else "lk-token"
    numbers = " ".join(map(str, piece.ids))
    tag = f"<sub>{esc(piece.tag)}</sub>" if piece.tag is not None else ""
    start = "<wbr>" if may_break and (piece.special or piece.text[:1] == " ") else ""
    return f"{start}<span class='{kind}' title='id {numbers}'>{_signed(piece.text)}{tag}</span>"


def _text(text: str) -> str:
    """Write a text once to be heard, and once to be seen with its blanks as signs."""
    if not text:
        return ""
    return f"{_to_hear(text)}<span aria-hidden='true'>{_signed(text)}</span>"


def _signed(text: str) -> str:
    """Write a text with its blanks as signs, which a line can break behind."""
    signed = esc(wording.visible(text))
    for sign in "·⇥":
        signed = signed.replace(sign, f"<i>{sign}</i>")
    return signed.replace("↵\n", "<i>↵</i><br>")


def _picture(row: Row) -> str:
    """Show a small image, and next to it what the model reads of it."""
    name = Path(row.image).name if isinstance(row.image, str) else "image"
    seen = " × ".join(map(str, row.pixels.shape))
    caption = f"{name}: {images.describe(row.image)}; the model reads {seen}"
    pictures = (
        (images.thumbnail(row.image), f"{name} as it is"),
        (png(row.pixels), f"{name} as the model reads it"),
    )
    shown = "".join(
        f"<img src='data:image/png;base64,{base64.b64encode(data).decode()}' alt='{esc(words)}' "
        f"title='{esc(words)}'>"
        for data, words in pictures
    )
    return f"<div class='lk-images'>{shown}<span class='lk-quiet'>{esc(caption)}</span></div>"


def png(pixels: Any) -> bytes:
    """Turn an array of shape (channels, height, width) with values from 0 to 1 into a picture."""
    from PIL import Image

    file = BytesIO()
    Image.fromarray((pixels.transpose(1, 2, 0) * 255).round().astype("uint8")).save(file, "PNG")
    return images.thumbnail(file.getvalue())
