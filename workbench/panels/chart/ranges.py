"""The range of a y axis: few far points, or a run that explodes, must not flatten the rest.

The page computes the same, in ``js/scale.js``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

# Ends of what counts as the bulk of a curve, and how few points have no outliers.
LOW, HIGH, FEW, SAMPLE = 0.02, 0.98, 40, 500
# What is beyond the bulk by this share of it is near it.
NEAR = 0.5
# Points are left out of the range only if it would be so many times as large with them.
WORTH, EXPLODED = 2.0, 3.0

Range = tuple[float, float]


def robust_range(runs: Iterable[Sequence[float]], *, falls: bool = False) -> Range | None:
    """Return the range that shows nearly all of each run; None where there is nothing to show.

    Parameters
    ----------
    runs : iterable of sequence of float
        The values of each run in the order of their steps; logarithms of them for a log axis.
    falls : bool, default False
        Whether less is better: a run whose values have risen far above its start then leaves the range
        to the other runs, if they would be flat otherwise.

    Examples
    --------
    >>> robust_range([[*range(100), 1e6]])
    (0.0, 99.0)
    >>> calm = [1.0 - step / 100 for step in range(100)]
    >>> robust_range([calm, [*calm, *range(100)]], falls=True)[1] < 2
    True
    """
    values = [[float(y) for y in run if math.isfinite(y)] for run in runs]
    values = [run for run in values if run]
    if not values:
        return None
    ranges = [_bulk(run) for run in values]
    if falls and len(values) > 1:
        starts = [_bulk(run[: math.ceil(len(run) / 5)])[1] for run in values]
        for index in sorted(range(len(ranges)), key=lambda index: -ranges[index][1]):
            low, high = ranges[index]
            calm = (low, max(starts[index], low))
            rest = _union([*ranges[:index], calm, *ranges[index + 1 :]])
            risen = high - calm[1] > 2 * (calm[1] - low)
            if risen and _span(_union(ranges)) > EXPLODED * _span(rest):
                ranges[index] = calm
    low, high = _union(ranges)
    air = NEAR * (high - low)
    near = [y for run in values for y in run if low - air <= y <= high + air]
    robust, whole = (min(near), max(near)), _union([(min(run), max(run)) for run in values])
    return robust if _span(whole) > WORTH * _span(robust) > 0 else whole


def _bulk(values: Sequence[float]) -> Range:
    """Return where nearly all values are: from the 2nd to the 98th percentile, of a sample; all, of a few."""
    ordered = sorted(values[:: math.ceil(len(values) / SAMPLE)])
    last = len(ordered) - 1
    if last < FEW:
        return ordered[0], ordered[last]
    return ordered[math.floor(last * LOW)], ordered[math.ceil(last * HIGH)]


def _union(ranges: Sequence[Range]) -> Range:
    return min(low for low, _ in ranges), max(high for _, high in ranges)


def _span(span: Range) -> float:
    return span[1] - span[0]
