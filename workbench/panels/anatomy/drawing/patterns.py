"""What matrices look like inside: diagonals, blocks, entries, rows, stripes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from workbench.panels.anatomy.drawing.expression import FLOW, Matrix
from workbench.panels.anatomy.drawing.strokes import LINE, MARK, PAPER, QUIET, stroke, tile

MANY = 24  # blocks or diagonals that can still be told apart
TOKENS = 36  # columns that are drawn one by one

# Where a matrix is: its left and upper edge, its width and height.
Place = tuple[float, float, float, float]


def inside(matrix: Matrix, x: float, y: float, wide: float, tall: float) -> Iterator[str]:
    """Draw what a matrix looks like inside."""
    draw = _DRAWN.get(matrix.pattern.kind)
    if draw is not None:
        yield from draw(matrix, (x, y, wide, tall), LINE[matrix.state])


def _diagonal(matrix: Matrix, at: Place, colour: str) -> Iterator[str]:
    x, y, wide, tall = at
    yield stroke([(x, y), (x + wide, y + tall)], colour, 2.4)


def _blocks(matrix: Matrix, at: Place, colour: str) -> Iterator[str]:
    """As many blocks as there are; where they are too many to see, as many as can be seen."""
    x, y, wide, tall = at
    n = max(matrix.pattern.n, 1)
    shown = n if max(wide, tall) / n >= 2.5 else int(max(wide, tall) // 2.5)
    gap = 0.6 if shown > 1 else 0
    for number in range(shown):
        yield tile(
            x + wide * number / shown + gap / 2,
            y + tall * number / shown + gap / 2,
            wide / shown - gap,
            tall / shown - gap,
            colour,
        )


def _entries(matrix: Matrix, at: Place, colour: str) -> Iterator[str]:
    """Dots spread over a box, about as dense as the entries are."""
    x, y, wide, tall = at
    share = matrix.pattern.n / max(matrix.rows * matrix.cols, 1)
    for number in range(round(min(max(share * wide * tall / 4, 12), 160))):
        across, down = _chance(2 * number), _chance(2 * number + 1)
        yield tile(x + 1 + across * (wide - 4), y + 1 + down * (tall - 4), 2, 2, colour)


def _chance(number: int) -> float:
    """Return a number from 0 to 1, always the same and in no order that the eye sees."""
    return math.sin(number * 12.9898 + 4.1) * 43758.5453 % 1


def _rows(matrix: Matrix, at: Place, colour: str) -> Iterator[str]:
    x, y, wide, tall = at
    for number in range(min(matrix.pattern.n, 12)):
        yield tile(x + 1, y + _chance(number) * (tall - 3) + 1, wide - 2, 1.6, colour)


def _columns(matrix: Matrix, at: Place, colour: str) -> Iterator[str]:
    x, y, wide, tall = at
    shown = min(matrix.pattern.n, TOKENS)
    line = QUIET if matrix.state == FLOW else PAPER
    for number in range(1, shown):
        left = x + wide * number / shown
        yield stroke([(left, y), (left, y + tall)], line, 0.8)


def _marked_columns(matrix: Matrix, at: Place, colour: str) -> Iterator[str]:
    x, y, wide, tall = at
    part = max(wide * matrix.pattern.n / max(matrix.cols, 1), 3)
    yield tile(x if matrix.pattern.kind == "first" else x + wide - part, y, part, tall, MARK)


def _marked_rows(matrix: Matrix, at: Place, colour: str) -> Iterator[str]:
    x, y, wide, tall = at
    part = max(tall * matrix.pattern.n / max(matrix.rows, 1), 3)
    yield tile(x, y if matrix.pattern.kind == "first rows" else y + tall - part, wide, part, MARK)


def _marked_diagonal(matrix: Matrix, at: Place, colour: str) -> Iterator[str]:
    x, y, wide, tall = at
    part = max(matrix.pattern.n / max(matrix.cols, 1), 0.06)
    ends = (0, part) if matrix.pattern.kind == "first diagonal" else (1 - part, 1)
    yield stroke([(x, y), (x + wide, y + tall)], QUIET, 2)
    yield stroke([(x + wide * end, y + tall * end) for end in ends], MARK, 4)


def _circulant(matrix: Matrix, at: Place, colour: str) -> Iterator[str]:
    """Blocks, each with stripes along its diagonals: every stripe is one number."""
    x, y, wide, tall = at
    size = max(matrix.pattern.n, 1)
    rows = max(1, min(matrix.rows // size, 8))
    columns = max(1, min(matrix.cols // size, 8))
    step, rise = wide / columns, tall / rows
    for down in range(rows):
        for across in range(columns):
            left, top = x + step * across, y + rise * down
            for shift in (-0.5, 0, 0.5):
                ends = max(0, shift), min(1, 1 + shift)
                points = [(left + step * t, top + rise * (t - shift)) for t in ends]
                yield stroke(points, colour, 1)
    for across in range(1, columns):
        yield stroke([(x + step * across, y), (x + step * across, y + tall)], PAPER, 0.8)
    for down in range(1, rows):
        yield stroke([(x, y + rise * down), (x + wide, y + rise * down)], PAPER, 0.8)


def _skew(matrix: Matrix, at: Place, colour: str) -> Iterator[str]:
    x, y, wide, tall = at
    yield (
        f"<path d='M{x + 1.5:.1f} {y:.1f} L{x + wide:.1f} {y:.1f} L{x + wide:.1f} "
        f"{y + tall - 1.5:.1f} z' style='fill:{colour}'/>"
    )


def _identities(matrix: Matrix, at: Place, colour: str) -> Iterator[str]:
    """Diagonals side by side, or one above the other."""
    x, y, wide, tall = at
    shown = max(1, min(matrix.pattern.n, MANY))
    flat = wide >= tall
    step, rise = (wide / shown, tall) if flat else (wide, tall / shown)
    for number in range(shown):
        left, top = (x + step * number, y) if flat else (x, y + rise * number)
        yield stroke([(left, top), (left + step, top + rise)], colour)


def _rotations(matrix: Matrix, at: Place, colour: str) -> Iterator[str]:
    """In each group the diagonal, and one stripe above and one below it, half a group away."""
    x, y, wide, tall = at
    group = max(matrix.pattern.n, 2)
    shown = max(1, min(matrix.rows // group, 8))
    step, rise = wide / shown, tall / shown
    for number in range(shown):
        left, top = x + step * number, y + rise * number
        yield stroke([(left, top), (left + step, top + rise)], colour)
        yield stroke([(left + step / 2, top), (left + step, top + rise / 2)], colour)
        yield stroke([(left, top + rise / 2), (left + step / 2, top + rise)], colour)


def _one_per_row(matrix: Matrix, at: Place, colour: str) -> Iterator[str]:
    x, y, wide, tall = at
    shown = int(min(matrix.rows, tall // 2.5))
    for number in range(shown):
        left = x + _chance(number) * (wide - 2)
        yield tile(left, y + tall * number / shown, 2, 1.6, colour)


def _grid(matrix: Matrix, at: Place, colour: str) -> Iterator[str]:
    x, y, wide, tall = at
    shown = min(matrix.pattern.n, MANY)
    for number in range(1, shown):
        part = number / shown
        yield stroke([(x + wide * part, y), (x + wide * part, y + tall)], PAPER)
        yield stroke([(x, y + tall * part), (x + wide, y + tall * part)], PAPER)


_DRAWN: dict[str, Callable[[Matrix, Place, str], Iterator[str]]] = {
    "diagonal": _diagonal,
    "identity": _diagonal,
    "blocks": _blocks,
    "entries": _entries,
    "rows": _rows,
    "columns": _columns,
    "first": _marked_columns,
    "last": _marked_columns,
    "first rows": _marked_rows,
    "last rows": _marked_rows,
    "first diagonal": _marked_diagonal,
    "last diagonal": _marked_diagonal,
    "circulant": _circulant,
    "skew": _skew,
    "identities": _identities,
    "rotations": _rotations,
    "one per row": _one_per_row,
    "grid": _grid,
}
