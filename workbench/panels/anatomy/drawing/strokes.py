"""The strokes that pictures are made of, in the theme's colours."""

from __future__ import annotations

from workbench.display.colours import TRAINED as ORANGE
from workbench.panels.anatomy.drawing.expression import COMPUTED, FLOW, FROZEN, START, TRAINED

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


def rect(x: float, y: float, wide: float, tall: float, state: str, empty: bool = False) -> str:
    """Draw the outline of a matrix, filled unless what it holds is drawn into it."""
    fill = FILL[state]
    if empty:
        fill = PALE if state == FROZEN else PAPER
    dash = ";stroke-dasharray:3 2" if state in (COMPUTED, START) else ""
    return (
        f"<rect x='{x:.1f}' y='{y:.1f}' width='{wide:.1f}' height='{tall:.1f}' rx='1.5' "
        f"style='fill:{fill};stroke:{LINE[state]}{dash}'/>"
    )


def tile(x: float, y: float, wide: float, tall: float, colour: str) -> str:
    """Fill a part of a matrix."""
    return (
        f"<rect x='{x:.1f}' y='{y:.1f}' width='{max(wide, 1.2):.1f}' height='{max(tall, 1.2):.1f}' "
        f"style='fill:{colour}'/>"
    )


def stroke(points: list[tuple[float, float]], colour: str, width: float = 1.4) -> str:
    """Draw straight lines from point to point."""
    path = " L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    return f"<path d='M{path}' style='fill:none;stroke:{colour};stroke-width:{width}'/>"


def hatch(x: float, y: float, wide: float, tall: float) -> str:
    """Slanted lines over a box whose numbers have few bits."""
    lines, at = [], 6.0
    while at < wide + tall:
        begin = (x + min(at, wide), y + max(at - wide, 0))
        end = (x + max(at - tall, 0), y + min(at, tall))
        lines.append(stroke([begin, end], INK, 0.7))
        at += 6
    return "".join(lines)


def zigzag(x: float, y: float, wide: float, tall: float, across: bool) -> str:
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
    return gap + stroke(points, QUIET, 1) + stroke(second, QUIET, 1)
