"""Matrices as boxes of SVG: to scale, with their names, sizes and what they look like inside."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.display.html import esc
from workbench.panels.anatomy.drawing.expression import FROZEN, TRAINED, Matrix, times
from workbench.panels.anatomy.drawing.formula import scripts
from workbench.panels.anatomy.drawing.patterns import TOKENS, inside
from workbench.panels.anatomy.drawing.strokes import INK, MARK, QUIET, hatch, rect, tile, zigzag

LONG, THIN = 88.0, 5.0  # px of the longest side that is drawn whole, and of the shortest
NAME, SMALL = 14, 11  # px of letters
ROW = 14  # px from one line below a box to the next


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
    >>> side(128, 256).px, side(2048, 256).broken, side(2, 256).thick
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
        across, down = (Size(min(max(one.px, 34), 56)) for one in (across, down))
    return across, down


def swatch(matrix: Matrix) -> str:
    """Draw a small box for a legend."""
    parts = [rect(1, 1, 16, 10, matrix.state)]
    if matrix.bits:
        parts.append(hatch(1, 1, 16, 10))
    if matrix.pattern.kind == "marked":
        parts = [rect(1, 1, 16, 10, matrix.state), tile(1, 1, 4, 10, MARK)]
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
            parts.append(rect(left + shift, top - shift, wide, tall, matrix.state, True))
    state = FROZEN if matrix.pattern.kind == "rows" else matrix.state
    parts.append(rect(left, top, wide, tall, state, matrix.pattern.kind not in _WHOLE))
    parts += inside(matrix, left, top, wide, tall)
    if matrix.bits and wide > 12:
        parts.append(hatch(left, top, wide, tall))
    if across.broken or down.broken:
        parts.append(zigzag(left, top, wide, tall, across.broken))
    parts.append(label(middle, top - 6 - back, matrix.name))
    for number, line in enumerate(lines_below(matrix)):
        foot = axis + tall / 2 + 3 + ROW * (number + 1) - 2
        parts.append(label(middle, foot, line, SMALL, QUIET))
    return "".join(parts)


# Patterns whose box is filled as a whole.
_WHOLE = ("full", "columns", "module", "grid", "rows")
