"""Figures as people read them."""

from __future__ import annotations

import math


def size(count: float | None) -> str:
    """Write a number of bytes.

    Examples
    --------
    >>> size(1536), size(12_345_678), size(None)
    ('1.5 kB', '12.3 MB', '')
    """
    if count is None:
        return ""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 999.95 or unit == "GB":
            break
        count /= 1000
    return f"{count:.0f} B" if unit == "B" else f"{count:.1f} {unit}"


def number(value: float | None, digits: int = 4) -> str:
    """Write a figure with so many digits after the point, fewer where it is large.

    Examples
    --------
    >>> number(0.91234), number(1234.5678), number(float("nan")), number(None)
    ('0.9123', '1,234.6', 'nan', '')
    """
    if value is None:
        return ""
    if not math.isfinite(value):
        return str(value)
    large = len(str(int(abs(value)))) - 1
    return f"{value:,.{max(1, digits - large)}f}"


def time(seconds: float | None) -> str:
    """Write a stretch of time.

    Examples
    --------
    >>> time(8.25), time(75), time(7322)
    ('8.2 s', '1 min 15 s', '2 h 02 min')
    """
    if seconds is None:
        return ""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def duration(seconds: float | None) -> str:
    """Write how long something takes, as coarsely as it is known.

    Examples
    --------
    >>> [duration(seconds) for seconds in (None, 0, 42.3, 150, 7300, 200000)]
    ['', '0 s', '42 s', '2 min 30 s', '2 h 1 min', '2 days 7 h']
    """
    if seconds is None:
        return ""
    minutes, rest = divmod(round(seconds), 60)
    hours = minutes // 60
    if minutes == 0:
        return f"{rest} s"
    if hours == 0:
        return f"{minutes} min {rest} s"
    return f"{hours} h {minutes % 60} min" if hours < 48 else f"{hours // 24} days {hours % 24} h"


def share(part: int, whole: int) -> str:
    """Write a share of a whole.

    Examples
    --------
    >>> share(12_288, 3_000_000), share(3, 3)
    ('0.41%', '100%')
    """
    percent = 100 * part / whole
    return "100%" if percent == 100 else f"{percent:.2g}%" if percent < 0.1 else f"{percent:.2f}%"
