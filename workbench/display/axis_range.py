"""How far the axis of a metric reaches at least, in the live chart and in figures alike.

Two evaluations of 200 rows differ by a point or two for no reason at all. An axis that shows 0.500 to
0.510 and nothing else draws that as if something had been learnt.
"""

from __future__ import annotations

# Of a score between 0 and 1 of which more is better, such as an accuracy: a tenth of all that it can be.
LEAST_SHARE = 0.1
# Of anything else, such as a loss: a tenth of its values.
LEAST_RELATIVE = 0.1

Range = tuple[float, float]


def widen(shown: Range, *, rises: bool = False, log: bool = False) -> Range:
    """Return the range of an axis that shows these values, and does not make noise look like progress.

    The page computes the same, in ``panels/chart/js/scale.js``, with this module's figures.

    Parameters
    ----------
    shown : (float, float)
        The lowest and the highest value that is shown.
    rises : bool, default False
        Whether it is a score of which more is better.
    log : bool, default False
        Whether the axis is logarithmic; the range that is passed and returned is in values all the same.

    Examples
    --------
    >>> widen((0.5, 0.51), rises=True), widen((0.97, 1.0), rises=True)
    ((0.455, 0.555), (0.9, 1.0))
    >>> widen((0.2, 0.9), rises=True), widen((1.9, 2.1))
    ((0.2, 0.9), (1.895, 2.105))
    """
    low, high = shown
    if log:
        air = (1 + LEAST_RELATIVE) / (high / low)
        return (low / air**0.5, high * air**0.5) if air > 1 else shown
    is_share = rises and low >= 0 and high <= 1
    least = LEAST_SHARE if is_share else LEAST_RELATIVE * max(abs(low), abs(high))
    if high - low >= least:
        return shown
    middle = (low + high) / 2
    if is_share:
        middle = min(max(middle, least / 2), 1 - least / 2)
    return round(middle - least / 2, 12), round(middle + least / 2, 12)
