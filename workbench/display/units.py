"""Sizes, counts, numbers, times and shares as text for people."""

from __future__ import annotations

import math


def size(number_of_bytes: float | None) -> str:
    """Write a number of bytes.

    Examples
    --------
    >>> size(1536), size(12_345_678), size(None)
    ('1.5 kB', '12.3 MB', '')
    """
    if number_of_bytes is None:
        return ""
    value = number_of_bytes
    for unit in ("B", "kB", "MB", "GB"):
        if value < 999.95 or unit == "GB":
            break
        value /= 1000
    return f"{value:.0f} B" if unit == "B" else f"{value:.1f} {unit}"


def count(number: float) -> str:
    """Write a number in short form, as in "3.0 M".

    Examples
    --------
    >>> count(812), count(73728), count(2_999_808), count(3_212_749_824)
    ('812', '73.7 K', '3.0 M', '3.2 B')
    """
    for limit, unit in ((1e9, "B"), (1e6, "M"), (1e4, "K")):
        if number >= limit:
            return f"{number / (1e3 if unit == 'K' else limit):.1f} {unit}"
    return f"{number:,.0f}"


def number(value: float | None, digits: int = 4) -> str:
    """Write a number with this many digits after the point, fewer where it is large.

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
    """Write a number of seconds as a duration.

    Examples
    --------
    >>> time(8.25), time(75), time(7322), time(200_000)
    ('8.2 s', '1 min 15 s', '2 h 02 min', '2 days 7 h')
    """
    if seconds is None:
        return ""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    hours = minutes // 60
    return (
        f"{hours} h {minutes % 60:02d} min" if hours < 48 else f"{hours // 24} days {hours % 24} h"
    )


def share(part: int, whole: int) -> str:
    """Write a share of a whole.

    Examples
    --------
    >>> share(12_288, 3_000_000), share(3, 3)
    ('0.41%', '100%')
    """
    percent = 100 * part / whole
    return "100%" if percent == 100 else f"{percent:.2g}%" if percent < 0.1 else f"{percent:.2f}%"
