"""A look as text, for a terminal."""

from __future__ import annotations

from workbench.training.inspection.look import wording
from workbench.training.inspection.look.marks import (
    CUT,
    LEARNED,
    PADDING,
    READ,
    SCORED,
    VIRTUAL,
    Piece,
    Preview,
    Row,
    Span,
    marks_of,
)

BRACKETS = {LEARNED: "«{}»", SCORED: "«{}»", READ: "{}", CUT: "~{}~"}
# Underlined and bold, crossed out: what is marked is seen without colours too.
STYLES = {LEARNED: "1;4;32", SCORED: "1;4;32", CUT: "9;31", "special": "36", PADDING: "2"}


def as_text(look: Preview, *, colour: bool = False) -> str:
    """Write a look as lines of text.

    Parameters
    ----------
    look : Preview
    colour : bool
        Whether the terminal shows colours; else marks are brackets.
    """
    head, of = wording.share(look)
    lines = [wording.title(look), f"{head} ({of})." if of else f"{head}.", *wording.losses(look)]
    if look.unused:
        lines.append(wording.unused(look))
    lines += [f"Note: {note}" for note in look.notes]
    lines += [legend for legend in [_legend(look, colour)] if legend]
    for row in look.rows:
        lines += ["", *_row(row, colour)]
    return "\n".join(lines)


def _legend(look: Preview, colour: bool) -> str:
    samples = {
        "special": _painted("{special}", "special", colour),
        PADDING: _painted("{padding × 3}", PADDING, colour),
        VIRTUAL: "{3 virtual tokens}",
    }
    marks = marks_of(look.rows)
    words = [samples.get(mark) or _marked(mark, mark, colour) for mark in marks]
    return f"Marks: {'  '.join(words)}" if words else ""


def _row(row: Row, colour: bool) -> list[str]:
    lines = [" · ".join([f"Row {row.number:,}", *wording.figures(row)])]
    if row.image is not None:
        shape = " × ".join(map(str, row.pixels.shape))
        name = row.image if isinstance(row.image, str) else f"image of {len(row.image):,} bytes"
        lines.append(f"  {wording.visible(name)}: the model reads {shape}")
    for stream in row.streams:
        if stream.title:
            lines.append(f"  {stream.title}:")
        shown = "".join(_span(span, colour) for span in stream.spans)
        lines += [f"  {line}" for line in shown.rstrip("\n").split("\n")]
    if row.label is not None:
        lines.append(f"  label: {wording.visible(row.label)}")
    for text, more in wording.targets(row):
        written = wording.visible(text).rstrip("\n").replace("\n", "\n          ")
        lines.append(f"  {wording.target_name(row)}: {written}{more}")
    return lines


def _span(span: Span, colour: bool) -> str:
    if span.mark == PADDING:
        return _painted(f"{{padding × {span.tokens:,}}}", PADDING, colour)
    if span.mark == VIRTUAL:
        return f"{{{span.tokens:,} virtual token{'s' * (span.tokens != 1)}}}"
    parts = [
        _marked("".join(map(_piece, span.head)), span.mark, colour) if span.head else "",
        f" {wording.omitted(span)} " if span.omitted else "",
        _marked("".join(map(_piece, span.tail)), span.mark, colour) if span.tail else "",
    ]
    return "".join(parts)


def _piece(piece: Piece) -> str:
    written = wording.visible(piece.text)
    written = f"{{{written}}}" if piece.special else written
    return f"{written}/{wording.visible(piece.tag)}" if piece.tag is not None else written


def _marked(text: str, mark: str, colour: bool) -> str:
    if colour and mark in STYLES:
        return _painted(text, mark, True)
    # The sign of a line's end stays within its brackets, and the end behind them.
    ending = "\n" if text.endswith("\n") else ""
    return BRACKETS.get(mark, "{}").format(text.removesuffix("\n")) + ending


def _painted(text: str, mark: str, colour: bool) -> str:
    return f"\x1b[{STYLES[mark]}m{text}\x1b[0m" if colour else text
