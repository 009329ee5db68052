"""The numbers behind a chart: a series of points, thinned to what a screen can show."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

# A screen is some 1,500 pixels wide; the lowest and the highest point of each of 1,000 stretches
# draw the same picture as a million points.
SHOWN = 2000
# Smoothing averages over parts of a long series that are about as wide as four pixels of a small plot.
UNITS = 120


@dataclass
class Series:
    """One line of a chart.

    Parameters
    ----------
    number : int
        Its name on the wire. A key that is removed and added again gets a new number, so that
        points under way to the browser cannot land in the wrong line.
    key, label : str
        Its name in code, and in the legend.
    style : {"line", "points"}
        A plain line, or one with a marker at each point.
    colour : int
        An index into ``workbench.display.colours.PALETTE``.
    metric : str
        What its values are; see :mod:`workbench.panels.chart.metrics`.
    group : str
        Series of one metric share a plot only if they have one group: losses of two tasks do not.
    """

    number: int
    key: str
    label: str
    style: str
    colour: int
    metric: str = "loss"
    group: str = ""
    xs: array = field(default_factory=lambda: array("d"))
    ys: array = field(default_factory=lambda: array("d"))
    sent: int = 0  # how many points the browser knows of
    shown_xs: array = field(default_factory=lambda: array("d"))  # those that stand for them there
    shown_ys: array = field(default_factory=lambda: array("d"))

    def extend(self, x: float | Iterable[float], y: float | Iterable[float]) -> None:
        """Add one point, or as many as two iterables of one length hold."""
        xs = array("d", map(float, x) if isinstance(x, Iterable) else (float(x),))
        ys = array("d", map(float, y) if isinstance(y, Iterable) else (float(y),))
        if len(xs) != len(ys):
            raise ValueError(
                f"x and y must be of the same length, but are {len(xs)} and {len(ys)}."
            )
        self.xs.extend(xs)
        self.ys.extend(ys)

    def take(self) -> tuple[array, array]:
        """Return the new points, thinned to what a screen can show, and mark them as sent.

        The more points a line has, the more of them fall on one pixel: so of a long line's new
        points, and of many that come at once, only the lowest and highest of each stretch are returned.
        """
        xs, ys = self.xs[self.sent :], self.ys[self.sent :]
        share = SHOWN * len(ys) // max(len(self.ys), 1)
        xs, ys = thin(xs, ys, max(4, share + share % 2))
        self.sent = len(self.ys)
        self.shown_xs.extend(xs)
        self.shown_ys.extend(ys)
        if len(self.shown_ys) > 2 * SHOWN:
            self.shown_xs, self.shown_ys = thin(self.shown_xs, self.shown_ys)
        return xs, ys

    def about(self) -> dict[str, object]:
        """Describe it to the browser."""
        return {
            "id": self.number,
            "key": self.key,
            "label": self.label,
            "style": self.style,
            "colour": self.colour,
            "metric": self.metric,
            "group": self.group,
        }

    @property
    def run(self) -> str:
        """The run that it belongs to."""
        return run_of(self.key)

    def copy(self) -> Series:
        """Return a series with the same points, which does not grow."""
        return replace(self, xs=self.xs[:], ys=self.ys[:])


def run_of(key: str) -> str:
    """Name the run a series belongs to.

    Examples
    --------
    >>> run_of("run-1/train"), run_of("forecast")
    ('run-1', 'forecast')
    """
    return key.rpartition("/")[0] or key


def thin(xs: Sequence[float], ys: Sequence[float], limit: int = SHOWN) -> tuple[array, array]:
    """Keep at most ``limit`` points: the lowest and highest of each stretch, the first and the last.

    Stretches are equally long in x, as pixels are, so that thinning again what was thinned before
    takes no more from the old end than from the new one.

    Parameters
    ----------
    xs, ys : sequence of float
        Points in the order of their x.
    limit : int, default 2000
        An even number of at least 4.

    Returns
    -------
    tuple of array
        The x and y that are kept, in order.

    Examples
    --------
    >>> xs, ys = thin(range(10_000), [0.0] * 5_000 + [9.0] + [0.0] * 4_999)
    >>> len(xs) <= 2000, xs[0], xs[-1], max(ys)
    (True, 0.0, 9999.0, 9.0)
    """
    size = len(ys)
    if size <= limit:
        return array("d", xs), array("d", ys)
    stretches = limit // 2 - 1
    first, wide = xs[0], (xs[-1] - xs[0]) / stretches
    keep, at = [0], 1
    for stretch in range(1, stretches + 1):
        start = at
        # Rounded sums must not leave points behind the last stretch.
        at = (
            size - 1
            if stretch == stretches
            else bisect_right(xs, first + stretch * wide, at, size - 1)
        )
        low = high = -1
        for index in range(start, at):
            y = ys[index]
            if low < 0:
                if not math.isnan(y):
                    low = high = index
            elif y < ys[low]:
                low = index
            elif y > ys[high]:
                high = index
        if low >= 0:
            keep.extend((low,) if low == high else sorted((low, high)))
    keep.append(size - 1)
    return array("d", (xs[index] for index in keep)), array("d", (ys[index] for index in keep))


def smooth(xs: Sequence[float], ys: Sequence[float], weight: float) -> list[float]:
    """Average exponentially over x, without leaning towards zero at the start.

    Points may be unevenly spaced, as thinned ones are: what fades is x, not the count of points.
    Of long series more x is averaged, so that a curve looks alike however many steps it has.

    Parameters
    ----------
    xs, ys : sequence of float
        The points.
    weight : float
        How much of the average survives one unit of x, from 0 (no smoothing) to below 1. The unit is
        a step, or a :data:`UNITS`-th of the whole where that is more.

    Examples
    --------
    >>> smooth([1, 2, 3], [4.0, 4.0, 4.0], 0.9)
    [4.0, 4.0, 4.0]
    >>> smooth([1, 2], [0.0, 1.0], 0.0)
    [0.0, 1.0]
    """
    total = mass = 0.0
    last = None
    unit = max(1.0, (xs[-1] - xs[0]) / UNITS) if len(xs) else 1.0
    out = []
    for x, y in zip(xs, ys, strict=True):
        if not math.isfinite(y):
            out.append(math.nan)
            continue
        fade = weight ** (max(x - last, 0) / unit) if last is not None else 0.0
        total, mass = total * fade + y * (1 - weight), mass * fade + (1 - weight)
        out.append(total / mass)
        last = x
    return out


def at_steps(steps: Sequence[float], axis: Series) -> list[float]:
    """Return where steps are on another axis, between whose points it is interpolated.

    Examples
    --------
    >>> tokens = Series(1, "run/tokens", "run", "line", 0)
    >>> tokens.extend([0, 10, 20], [0, 640, 1280])
    >>> at_steps([0, 5, 20, 30], tokens)
    [0.0, 320.0, 1280.0, 1280.0]
    """
    xs, ys = axis.xs, axis.ys
    out = []
    for step in steps:
        right = bisect_right(xs, step)
        if right in (0, len(xs)):
            out.append(ys[min(right, len(xs) - 1)] if ys else math.nan)
            continue
        share = (step - xs[right - 1]) / (xs[right] - xs[right - 1])
        out.append(ys[right - 1] + share * (ys[right] - ys[right - 1]))
    return out
