"""A picture of what a technique does to a module: its equations drawn, with formula, legend and count."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from pathlib import Path

from workbench.display.html import esc
from workbench.display.units import share
from workbench.panels.anatomy.drawing import boxes, layout
from workbench.panels.anatomy.drawing.equations import Drawing, Equation
from workbench.panels.anatomy.drawing.expression import (
    COMPUTED,
    FLOW,
    FROZEN,
    START,
    TRAINED,
    Matrix,
    Pattern,
    times,
    walk,
)
from workbench.panels.anatomy.drawing.formula import as_html, plain, written
from workbench.panels.anatomy.drawing.layer import Layer
from workbench.panels.anatomy.drawing.techniques import DRAWINGS
from workbench.panels.anatomy.drawing.techniques.selective import own
from workbench.registry.technique import Technique

_WORDS = {
    FROZEN: "frozen",
    TRAINED: "trained",
    COMPUTED: "computed",
    FLOW: "activations",
    START: "used once, for the start",
}


# What the first equation refers to is drawn smaller than it.
_SMALLER = 1.4


@dataclass(frozen=True)
class Picture:
    """A drawing as HTML.

    Parameters
    ----------
    html : str
        With its own style; every word in it is escaped.
    spoken : str
        What a screen reader says of it.
    """

    html: str
    spoken: str


def drawing_of(technique: str, at: Layer) -> Drawing | None:
    """Return what a technique does to a module as equations; None where nobody has drawn it yet."""
    if any("trainable_tokens_delta" in name for name in at.pieces):
        technique = "trainable_tokens"  # an argument of others too
    make = DRAWINGS.get(technique)
    return make(at) if make else None


def picture(
    technique: Technique, at: Layer, adapted: bool = True, caption: str = "", folded: bool = False
) -> Picture:
    """Draw what a technique does to a module.

    Parameters
    ----------
    technique : Technique
    at : Layer
    adapted : bool
        Whether the technique changes the module; else the module is drawn as it is.
    caption : str
        A sentence above the picture.
    folded : bool
        Whether only the first equation is shown, and the others when a person asks for them.
    """
    drawing = drawing_of(technique.name, at) if adapted else own(at)
    if drawing is None:
        return _words(technique, at, caption)
    return _drawn(technique, drawing, at, caption, folded)


def _drawn(
    technique: Technique, drawing: Drawing, at: Layer, caption: str, folded: bool
) -> Picture:
    formulas = [plain(written(equation)) for equation in drawing.equations]
    spoken = f"{technique.title} on {at.name}: {'; '.join(formulas)}"
    longest = layout.longest_of(drawing.equations[0])
    rows, broken, thick = [], False, False
    for place, equation in enumerate(drawing.equations):
        scale = longest
        if place and layout.longest_of(equation) * 3 < longest:
            scale = layout.longest_of(equation)
        elif place:
            scale = max(round(longest * _SMALLER), min(layout.longest_of(equation), 3 * longest))
        for leaf in (equation.left, *walk(equation.right)):
            if isinstance(leaf, Matrix):
                sides = boxes.sides(leaf, scale)
                broken |= any(side.broken for side in sides)
                thick |= any(side.thick for side in sides)
        rows.append(_row(equation, scale, enlarged=scale < longest))
    notes = [*drawing.notes]
    if broken:
        notes.append("Where a side is cut by a zigzag, it is longer than drawn.")
    if thick:
        notes.append("Very thin sides are drawn thicker than to scale.")
    first = f"<div role='img' aria-label='{esc(spoken)}'>{rows[0]}</div>"
    others = f"<div class='wd-more' role='img' aria-label='{esc('; '.join(formulas[1:]))}'>{''.join(rows[1:])}</div>"
    said = "".join(f"<p class='wd-note'>{as_html(note)}</p>" for note in notes)
    head = _head(caption)
    counted = _legend(drawing) + _count(drawing, at)
    if folded:
        more = (others if rows[1:] else "") + said
        title = "Where this comes from" if rows[1:] else "What this means"
        summary = f"<summary data-lm-suppress-shortcuts='true'>{title}</summary>"
        return Picture(f"{head}{first}{counted}<details>{summary}{more}</details></div>", spoken)
    return Picture(f"{head}{first}{others if rows[1:] else ''}{counted}{said}</div>", spoken)


def _head(caption: str) -> str:
    above = f"<p class='wd-caption'>{esc(caption)}</p>" if caption else ""
    return f"<div class='wd'><style>{_css()}</style>{above}"


def _row(equation: Equation, longest: int, enlarged: bool) -> str:
    text = written(Equation(equation.left, equation.right))
    when = ", ".join(filter(None, (equation.when, "enlarged" if enlarged else "")))
    aside = f" <span class='wd-when'>({as_html(when)})</span>" if when else ""
    drawn = layout.draw(Equation(equation.left, equation.right), longest)
    return f"<div class='wd-row'><p class='wd-formula'>{as_html(text)}{aside}</p>{drawn}</div>"


def _legend(drawing: Drawing) -> str:
    leaves = list(drawing.leaves())
    items = []
    for state in (FROZEN, TRAINED, COMPUTED, FLOW, START):
        same = [leaf for leaf in leaves if leaf.state == state]
        # Where only some rows of a matrix are trained, the others are frozen.
        rest = state == FROZEN and any(leaf.pattern.kind == "rows" for leaf in leaves)
        if rest or any(not leaf.bits for leaf in same):
            items.append((Matrix("", 1, 1, state, _swatch(state)), _WORDS[state]))
        if bits := max((leaf.bits for leaf in same), default=0):
            items.append((Matrix("", 1, 1, state, bits=bits), f"{bits} bits, {_WORDS[state]}"))
    if any(leaf.pattern.kind.startswith(("first", "last")) for leaf in leaves):
        items.append((Matrix("", 1, 1, START, Pattern("marked")), "marked directions"))
    return f"<ul class='wd-legend'>{''.join(_key(*item) for item in items)}</ul>"


def _swatch(state: str) -> Pattern:
    return Pattern() if state != COMPUTED else Pattern("module")


def _key(matrix: Matrix, words: str) -> str:
    box = boxes.swatch(matrix)
    return f"<li>{box}<span>{esc(words)}</span></li>"


def _count(drawing: Drawing, at: Layer) -> str:
    """Say how many numbers are trained, matrix by matrix."""
    trained = drawing.trained()
    if not trained:
        return "<p><b>Nothing</b> is trained here.</p>"
    here = [leaf for leaf in trained if not leaf.shared]
    everywhere = [leaf for leaf in trained if leaf.shared]
    parts = []
    if here:
        total = sum(leaf.numbers for leaf in here)
        whole = at.rows * at.cols
        table = "E" if at.kind == "Embedding" else "W"
        of = f" ({share(total, whole)} of {table}'s {whole:,})" if whole and total < whole else ""
        sum_of = " + ".join(_numbers(leaf) for leaf in here)
        equals = f" = <b>{total:,}</b>" if len(here) > 1 or here[0].copies > 1 else ""
        parts.append(f"Trainable in this layer: {sum_of}{equals}{of}.")
    if everywhere:
        sum_of = " + ".join(_numbers(leaf) for leaf in everywhere)
        parts.append(f"Trained once and shared: {sum_of}.")
    return f"<p>{' '.join(parts)}</p>"


def _numbers(leaf: Matrix) -> str:
    one = leaf.numbers // max(leaf.copies, 1)
    plain_size = one == leaf.rows * leaf.cols and leaf.rows > 1 < leaf.cols
    text = times((leaf.rows, leaf.cols)).replace("×", "·") if plain_size else f"{one:,}"
    text = f"{leaf.copies:,} × {text}" if leaf.copies > 1 else text
    return f"{as_html(leaf.name)} {text}"


def _words(technique: Technique, at: Layer, caption: str) -> Picture:
    """Say what a technique does, where nobody has drawn it yet."""
    pieces = "".join(
        f"<li><span>{esc(name)} {times(shape)} = {math.prod(shape):,}</span></li>"
        for name, shape in list(at.pieces.items())[:12]
    )
    html = (
        _head(caption)
        + f"<p><b>No picture yet.</b> {esc(technique.summary)}</p>"
        + (
            f"<p>What it adds to {esc(at.name)}:</p><ul class='wd-legend'>{pieces}</ul>"
            if pieces
            else ""
        )
        + "</div>"
    )
    return Picture(html, f"{technique.title}: no picture yet. {technique.summary}")


@functools.cache
def _css() -> str:
    return (Path(__file__).parent / "drawing.css").read_text(encoding="utf-8")
