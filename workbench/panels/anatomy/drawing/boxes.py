"""Matrices as boxes of SVG: to scale, with their names, sizes and what they look like inside."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from workbench.display.colours import TRAINED as ORANGE
from workbench.display.html import esc
from workbench.panels.anatomy.drawing.expression import (
    COMPUTED,
    FLOW,
    FROZEN,
    START,
    TRAINED,
    Matrix,
    times,
)
from workbench.panels.anatomy.drawing.formula import scripts

# Every colour follows JupyterLab's theme where there is one.
INK = "var(--jp-ui-font-color1, #212121)"
QUIET = "var(--jp-ui-font-color2, #616161)"
PAPER = "var(--jp-layout-color1, #fff)"
GREY = "color-mix(in srgb, var(--jp-ui-font-color2, #757575) 30%, var(--jp-layout-color1, #fff))"
PALE = "color-mix(in srgb, var(--jp-ui-font-color2, #757575) 12%, var(--jp-layout-color1, #fff))"
LIGHT = f"color-mix(in srgb, {ORANGE} 16%, var(--jp-layout-color1, #fff))"
# Of parts that stand out and are not trained.
MARK = "var(--jp-brand-color1, #1976d2)"
LINE = {FROZEN: QUIET, TRAINED: ORANGE, COMPUTED: ORANGE, FLOW: INK, START: QUIET}
FILL = {FROZEN: GREY, TRAINED: ORANGE, COMPUTED: LIGHT, FLOW: PAPER, START: PAPER}

LONG, THIN = 88.0, 5.0  # px of the longest side that is drawn whole, and of the shortest
NAME, SMALL = 14, 11  # px of letters
ROW = 14  # px from one line below a box to the next
MANY = 24  # blocks or diagonals that can still be told apart
TOKENS = 36  # columns that are drawn one by one


@dataclass(frozen=True)
class Size:
    """How large a side is drawn, and how that is untrue to its length."""

    px: float
    broken: bool = False
    thick: bool = False


def side(length: int, longest: int) -> Size:
    """Return how a side is drawn, in proportion to the longest that is drawn whole.

    Examples
    --------
    >>> side(128, 256).px, side(2048, 256).broken, side(1, 256).thick
    (44.0, True, True)
    """
    px = LONG * length / max(longest, 1)
    if px > LONG * 1.2:
        return Size(LONG, broken=True)
    return Size(max(px, THIN), thick=px < THIN / 2 and length > 1)


def sides(matrix: Matrix, longest: int) -> tuple[Size, Size]:
    """Return how wide and how tall a matrix is drawn; tokens are drawn as wide as can be told apart."""
    across, down = side(matrix.cols, longest), side(matrix.rows, longest)
    if matrix.pattern.kind == "columns":
        shown = min(matrix.cols, TOKENS)
        across = Size(max(shown * 4.0, THIN), broken=matrix.cols > TOKENS)
    elif matrix.pattern.kind == "module":
        across, down = (Size(min(max(one.px, 34), LONG)) for one in (across, down))
    return across, down


def swatch(matrix: Matrix) -> str:
    """Draw a small box for a legend."""
    parts = [_rect(1, 1, 16, 10, matrix.state)]
    if matrix.bits:
        parts.append(_hatch(1, 1, 16, 10))
    if matrix.pattern.kind == "marked":
        parts = [_rect(1, 1, 16, 10, matrix.state), _tile(1, 1, 4, 10, MARK)]
    return (
        f"<svg aria-hidden='true' width='18' height='12' viewBox='0 0 18 12'>{''.join(parts)}</svg>"
    )


def width_of(text: str, size: float = SMALL) -> float:
    """Estimate how wide a label is, rather too wide than too narrow."""
    narrow, wide = " .,ilj()'|:", "…=+−×mwWMΣ∏√‖"
    return sum(
        size * (0.36 if letter in narrow else 0.85 if letter in wide else 0.61)
        for letter in text
        if letter not in "_^{}"
    )


def label(x: float, y: float, name: str, size: int = NAME, colour: str = INK) -> str:
    """Write a name with its subscripts, its middle at x and its foot at y."""
    spans, down = [], 0
    for part, kind in scripts(name):
        shift = {"sub": 3, "sup": -5, "": 0}[kind]
        small = f" font-size='{max(size - 3, 10)}'" if kind else ""
        spans.append(f"<tspan dy='{shift - down}'{small}>{esc(part)}</tspan>")
        down = shift
    return (
        f"<text x='{x:.1f}' y='{y:.1f}' text-anchor='middle' font-size='{size}' "
        f"style='fill:{colour}'>{''.join(spans)}</text>"
    )


def lines_below(matrix: Matrix) -> list[str]:
    """Say a matrix's size, what of it is stored, who shares it and how it starts."""
    shape = (matrix.rows,) if matrix.cols == 1 else (matrix.rows, matrix.cols)
    number = matrix.rows == matrix.cols == 1
    lines = [matrix.size or ("" if number else times(shape))]
    if matrix.state == TRAINED and matrix.stored not in (None, matrix.rows * matrix.cols):
        lines.append(f"{matrix.stored:,} trained")
    if matrix.copies > 1:
        lines.append(f"{matrix.copies:,} of them")
    if matrix.bits:
        lines.append(f"{matrix.bits} bits")
    if matrix.shared:
        lines.append(matrix.shared)
    if matrix.starts:
        lines.append(f"starts: {matrix.starts}" if len(matrix.starts) < 9 else matrix.starts)
    return [line for line in lines if line]


def room(matrix: Matrix, longest: int) -> tuple[float, float, float]:
    """Return how wide a matrix is with its labels, and how far it reaches above and below its middle."""
    wide, tall = (one.px for one in sides(matrix, longest))
    texts = [width_of(matrix.name, NAME), *map(width_of, lines_below(matrix))]
    back = 6 if matrix.copies > 1 else 0
    return (
        max(wide + back, *texts) + 4,
        tall / 2 + NAME + 6 + back,
        tall / 2 + 3 + ROW * len(lines_below(matrix)) + 2,
    )


def draw(matrix: Matrix, middle: float, axis: float, longest: int) -> str:
    """Draw a matrix around a point, its name above it and its size below it."""
    across, down = sides(matrix, longest)
    wide, tall = across.px, down.px
    left, top = middle - wide / 2, axis - tall / 2
    parts = []
    back = 6 if matrix.copies > 1 else 0
    if back:
        for shift in (6, 3):
            parts.append(_rect(left + shift, top - shift, wide, tall, matrix.state, True))
    parts.append(_rect(left, top, wide, tall, matrix.state, matrix.pattern.kind not in _WHOLE))
    parts += inside(matrix, left, top, wide, tall)
    if matrix.bits and wide > 12:
        parts.append(_hatch(left, top, wide, tall))
    if across.broken or down.broken:
        parts.append(_break(left, top, wide, tall, across.broken))
    parts.append(label(middle, top - 6 - back, matrix.name))
    for number, line in enumerate(lines_below(matrix)):
        foot = axis + tall / 2 + 3 + ROW * (number + 1) - 2
        parts.append(label(middle, foot, line, SMALL, QUIET))
    return "".join(parts)


# Patterns whose box is filled as a whole.
_WHOLE = ("full", "columns", "module", "grid")


def _rect(x, y, wide, tall, state, empty=False) -> str:
    fill = FILL[state]
    if empty:
        fill = PALE if state == FROZEN else PAPER
    dash = ";stroke-dasharray:3 2" if state in (COMPUTED, START) else ""
    return (
        f"<rect x='{x:.1f}' y='{y:.1f}' width='{wide:.1f}' height='{tall:.1f}' rx='1.5' "
        f"style='fill:{fill};stroke:{LINE[state]}{dash}'/>"
    )


def _tile(x, y, wide, tall, colour) -> str:
    return (
        f"<rect x='{x:.1f}' y='{y:.1f}' width='{max(wide, 1.2):.1f}' height='{max(tall, 1.2):.1f}' "
        f"style='fill:{colour}'/>"
    )


def _stroke(points: list[tuple[float, float]], colour: str, width: float = 1.4) -> str:
    path = " L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    return f"<path d='M{path}' style='fill:none;stroke:{colour};stroke-width:{width}'/>"


def inside(matrix: Matrix, x: float, y: float, wide: float, tall: float) -> Iterator[str]:
    """Draw what a matrix looks like inside."""
    kind, n = matrix.pattern.kind, matrix.pattern.n
    colour = LINE[matrix.state]
    if kind in ("diagonal", "identity"):
        yield _stroke([(x, y), (x + wide, y + tall)], colour, 2.4)
    elif kind == "blocks":
        yield from _blocks(matrix, x, y, wide, tall, colour)
    elif kind == "entries":
        yield from _entries(matrix, x, y, wide, tall, colour)
    elif kind == "rows":
        for number in range(min(n, 12)):
            at = _chance(number)
            yield _tile(x + 1, y + at * (tall - 3) + 1, wide - 2, 1.6, colour)
    elif kind == "columns":
        shown = min(n, TOKENS)
        line = QUIET if matrix.state == FLOW else PAPER
        for number in range(1, shown):
            at = x + wide * number / shown
            yield _stroke([(at, y), (at, y + tall)], line, 0.8)
    elif kind in ("first", "last"):
        part = max(wide * n / max(matrix.cols, 1), 3)
        yield _tile(x if kind == "first" else x + wide - part, y, part, tall, MARK)
    elif kind in ("first rows", "last rows"):
        part = max(tall * n / max(matrix.rows, 1), 3)
        yield _tile(x, y if kind == "first rows" else y + tall - part, wide, part, MARK)
    elif kind in ("first diagonal", "last diagonal"):
        part = max(n / max(matrix.cols, 1), 0.06)
        at = (0, part) if kind == "first diagonal" else (1 - part, 1)
        yield _stroke([(x, y), (x + wide, y + tall)], QUIET, 2)
        yield _stroke([(x + wide * a, y + tall * a) for a in at], MARK, 4)
    elif kind == "circulant":
        yield from _circulant(matrix, x, y, wide, tall, colour)
    elif kind == "skew":
        yield (
            f"<path d='M{x + 1.5:.1f} {y:.1f} L{x + wide:.1f} {y:.1f} L{x + wide:.1f} "
            f"{y + tall - 1.5:.1f} z' style='fill:{colour}'/>"
        )
    elif kind == "identities":
        shown = max(1, min(n, MANY))
        step = wide / shown if wide >= tall else wide
        rise = tall if wide >= tall else tall / shown
        for number in range(shown):
            left, top = (x + step * number, y) if wide >= tall else (x, y + rise * number)
            yield _stroke([(left, top), (left + step, top + rise)], colour)
    elif kind == "rotations":
        yield from _rotations(matrix, x, y, wide, tall, colour)
    elif kind == "one per row":
        shown = int(min(matrix.rows, tall // 2.5))
        for number in range(shown):
            at = _chance(number)
            yield _tile(x + at * (wide - 2), y + tall * number / shown, 2, 1.6, colour)
    elif kind == "grid":
        for number in range(1, min(n, MANY)):
            at = number / min(n, MANY)
            yield _stroke([(x + wide * at, y), (x + wide * at, y + tall)], PAPER)
            yield _stroke([(x, y + tall * at), (x + wide, y + tall * at)], PAPER)


def _blocks(matrix, x, y, wide, tall, colour) -> Iterator[str]:
    """Draw as many blocks as there are; where they are too many to see, as many as can be seen."""
    n = max(matrix.pattern.n, 1)
    shown = n if max(wide, tall) / n >= 2.5 else int(max(wide, tall) // 2.5)
    gap = 0.6 if shown > 1 else 0
    for number in range(shown):
        yield _tile(
            x + wide * number / shown + gap / 2,
            y + tall * number / shown + gap / 2,
            wide / shown - gap,
            tall / shown - gap,
            colour,
        )


def _entries(matrix, x, y, wide, tall, colour) -> Iterator[str]:
    """Spread dots over a box, in no order that the eye sees, about as dense as the entries are."""
    share = matrix.pattern.n / max(matrix.rows * matrix.cols, 1)
    dots = round(min(max(share * wide * tall / 4, 12), 160))
    for number in range(dots):
        across, down = _chance(2 * number), _chance(2 * number + 1)
        yield _tile(x + 1 + across * (wide - 4), y + 1 + down * (tall - 4), 2, 2, colour)


def _chance(number: int) -> float:
    """Return a number from 0 to 1, always the same and in no order that the eye sees."""
    return math.sin(number * 12.9898 + 4.1) * 43758.5453 % 1


def _circulant(matrix, x, y, wide, tall, colour) -> Iterator[str]:
    """Blocks, each with stripes along its diagonals: every stripe is one number."""
    size = max(matrix.pattern.n, 1)
    rows = max(1, min(matrix.rows // size, 8))
    columns = max(1, min(matrix.cols // size, 8))
    step, rise = wide / columns, tall / rows
    for down in range(rows):
        for across in range(columns):
            left, top = x + step * across, y + rise * down
            for at in (-0.5, 0, 0.5):
                begin, end = max(0, at), min(1, 1 + at)
                points = [(left + step * t, top + rise * (t - at)) for t in (begin, end)]
                yield _stroke(points, colour, 1)
    for across in range(1, columns):
        yield _stroke([(x + step * across, y), (x + step * across, y + tall)], PAPER, 0.8)
    for down in range(1, rows):
        yield _stroke([(x, y + rise * down), (x + wide, y + rise * down)], PAPER, 0.8)


def _rotations(matrix, x, y, wide, tall, colour) -> Iterator[str]:
    """In each group the diagonal, and one stripe above and one below it, half a group away."""
    group = max(matrix.pattern.n, 2)
    shown = max(1, min(matrix.rows // group, 8))
    step, rise = wide / shown, tall / shown
    for number in range(shown):
        left, top = x + step * number, y + rise * number
        yield _stroke([(left, top), (left + step, top + rise)], colour)
        yield _stroke([(left + step / 2, top), (left + step, top + rise / 2)], colour)
        yield _stroke([(left, top + rise / 2), (left + step / 2, top + rise)], colour)


def _hatch(x, y, wide, tall) -> str:
    """Slanted lines over a box whose numbers have few bits."""
    lines, at = [], 6.0
    while at < wide + tall:
        begin = (x + min(at, wide), y + max(at - wide, 0))
        end = (x + max(at - tall, 0), y + min(at, tall))
        lines.append(_stroke([begin, end], INK, 0.7))
        at += 6
    return "".join(lines)


def _break(x, y, wide, tall, across: bool) -> str:
    """A gap with zigzag edges: the box is longer than it is drawn."""
    points = []
    teeth = max(2, int((tall if across else wide) // 10))
    for number in range(teeth + 1):
        swing = 2.5 if number % 2 else -2.5
        if across:
            points.append((x + wide * 0.7 + swing, y - 2 + (tall + 4) * number / teeth))
        else:
            points.append((x - 2 + (wide + 4) * number / teeth, y + tall * 0.7 + swing))
    shift = (5, 0) if across else (0, 5)
    second = [(a + shift[0], b + shift[1]) for a, b in points]
    area = " L".join(f"{a:.1f} {b:.1f}" for a, b in [*points, *reversed(second)])
    gap = f"<path d='M{area} z' style='fill:{PAPER};stroke:none'/>"
    return gap + _stroke(points, QUIET, 1) + _stroke(second, QUIET, 1)
