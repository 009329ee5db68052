"""A sheet of SVG on which boxes, arrows and labels are put."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.display.html import esc

# Every colour follows JupyterLab's theme where there is one.
INK = "var(--jp-ui-font-color1, #212121)"
QUIET = "var(--jp-ui-font-color2, #616161)"
PAPER = "var(--jp-layout-color1, #fff)"
FROZEN = "color-mix(in srgb, var(--jp-ui-font-color2, #757575) 26%, transparent)"
TRAINED = "color-mix(in srgb, #d9730d 78%, transparent)"
EDGE = "var(--jp-ui-font-color2, #757575)"
GLOW = "#d9730d"
FONT = "var(--jp-ui-font-family, system-ui, sans-serif)"
SIZE = 12  # px of every label
LINE = 16  # from one line of a label to the next


def times(shape: Sequence[int]) -> str:
    """Write the shape of a tensor.

    Examples
    --------
    >>> times((256, 8)), times((4096,)), times(())
    ('256 × 8', '4,096', '')
    """
    return " × ".join(f"{size:,}" for size in shape)


def width_of(text: str) -> float:
    """Estimate how wide a label is, rather too wide than too narrow."""
    return 7.0 * len(text)


class Sheet:
    """What has been drawn so far, and how far it reaches."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._right = self._bottom = 0.0

    def _reach(self, right: float, bottom: float) -> None:
        self._right, self._bottom = max(self._right, right), max(self._bottom, bottom)

    def box(self, x: float, y: float, width: float, height: float, trained: bool) -> None:
        """Draw a matrix or a vector: filled warmly if it is trained."""
        fill, edge = (TRAINED, GLOW) if trained else (FROZEN, EDGE)
        self._parts.append(
            f"<rect x='{x:.1f}' y='{y:.1f}' width='{width:.1f}' height='{height:.1f}' rx='2' "
            f"style='fill:{fill};stroke:{edge}'/>"
        )
        self._reach(x + width, y + height)

    def text(self, x: float, y: float, words: str, *, quiet: bool = False, at: str = "middle"):
        """Write a label: its middle, start or end at x, its foot at y."""
        colour = QUIET if quiet else INK
        self._parts.append(
            f"<text x='{x:.1f}' y='{y:.1f}' text-anchor='{at}' style='fill:{colour}'>"
            f"{esc(words)}</text>"
        )
        reach = {"middle": 0.5, "start": 1.0, "end": 0.0}[at]
        self._reach(x + reach * width_of(words), y + 4)

    def line(self, *points: tuple[float, float], arrow: bool = True) -> None:
        """Draw a path of straight pieces, with a head at its end."""
        path = " L".join(f"{x:.1f} {y:.1f}" for x, y in points)
        self._parts.append(f"<path d='M{path}' style='fill:none;stroke:{EDGE};stroke-width:1.4'/>")
        if arrow:
            (before, _), (x, y) = points[-2:]
            back = points[-2]
            if before == x:
                turn = 6 if back[1] < y else -6
                head = f"{x - 4:.1f} {y - turn:.1f} L{x:.1f} {y:.1f} L{x + 4:.1f} {y - turn:.1f}"
            else:
                turn = 6 if before < x else -6
                head = f"{x - turn:.1f} {y - 4:.1f} L{x:.1f} {y:.1f} L{x - turn:.1f} {y + 4:.1f}"
            self._parts.append(f"<path d='M{head} z' style='fill:{EDGE}'/>")
        for x, y in points:
            self._reach(x, y)

    def knot(self, x: float, y: float, sign: str) -> None:
        """Draw a circle in which two streams meet, by adding or by multiplying."""
        self._parts.append(
            f"<circle cx='{x:.1f}' cy='{y:.1f}' r='9' style='fill:{PAPER};stroke:{EDGE}'/>"
        )
        self.text(x, y + 4.5, sign)
        self._reach(x + 10, y + 10)

    def dot(self, x: float, y: float) -> None:
        """Draw one trained entry of a matrix."""
        self._parts.append(
            f"<rect x='{x:.1f}' y='{y:.1f}' width='4' height='4' style='fill:{GLOW}'/>"
        )

    def svg(self, title: str) -> str:
        """Return the picture; ``title`` is what a screen reader says."""
        width, height = self._right + 8, self._bottom + 8
        return (
            f"<svg xmlns='http://www.w3.org/2000/svg' role='img' aria-label='{esc(title)}' "
            f"viewBox='0 0 {width:.0f} {height:.0f}' width='{width:.0f}' height='{height:.0f}' "
            f"style='font:{SIZE}px {FONT}'>{''.join(self._parts)}</svg>"
        )
