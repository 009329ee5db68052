"""How long something will still take, from its recent progress."""

from __future__ import annotations

from collections.abc import Sequence


def time_left(marks: Sequence[tuple[float, int]], total: int) -> float | None:
    """Estimate the seconds until the last step, at the pace between the first and the last mark.

    Parameters
    ----------
    marks : sequence of tuple
        Moments in seconds, each with the number of steps done by then, in order.
    total : int
        The number of steps in all.

    Returns
    -------
    float or None
        None as long as fewer than two marks show different steps.

    Examples
    --------
    >>> time_left([(10.0, 4), (12.0, 8)], 20)
    6.0
    >>> time_left([(10.0, 4)], 20) is None
    True
    """
    if len(marks) < 2 or marks[0][1] == marks[-1][1]:
        return None
    (began, first), (now, last) = marks[0], marks[-1]
    return (total - last) * (now - began) / (last - first)
