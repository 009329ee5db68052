"""What would fit, in a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from workbench.display.units import size

MOST = 4096  # rows in a batch that are looked at


@dataclass(frozen=True)
class Growth:
    """How a training step's memory grows with the rows in a batch.

    Parameters
    ----------
    rows : int
    here, twice : mapping of str to int
        Of each phase, the bytes at its fullest moment with so many rows, and with twice as many.
    """

    rows: int
    here: Mapping[str, int]
    twice: Mapping[str, int]

    def needs(self, rows: int) -> int:
        """Return the bytes that a step with so many rows needs.

        Examples
        --------
        >>> Growth(8, {"forward": 100, "optimizer": 140}, {"forward": 180, "optimizer": 140}).needs(32)
        340
        """
        more = (rows - self.rows) / self.rows
        return round(max(now + (self.twice[name] - now) * more for name, now in self.here.items()))

    def largest(self, available: int) -> int:
        """Return the largest power of two of rows that fits, at most :data:`MOST`; 0 if none does."""
        rows = 1
        while rows <= MOST and self.needs(rows) <= available:
            rows *= 2
        return rows // 2


def advise(
    rows: int,
    needed: int,
    available: int,
    plain: Growth,
    checkpointed: Growth | None,
    evaluation: int,
) -> str:
    """Say whether a batch fits, which would, and what gradient checkpointing would allow.

    Parameters
    ----------
    rows : int
        Rows in a training batch.
    needed, available : int
        Bytes that training needs, and that there are.
    plain : Growth
        With the recipe's own settings.
    checkpointed : Growth or None
        With gradient checkpointing, where it is another setting.
    evaluation : int
        Bytes that an evaluation needs.
    """
    most = plain.largest(available)
    more = checkpointed.largest(available) if checkpointed else 0
    if needed <= available < evaluation:
        return (
            f"Training fits with batch {rows:,}, but an evaluation needs {size(evaluation)} of "
            f"{size(available)}: lower per_device_eval_batch_size."
        )
    if needed <= available:
        if most >= 2 * rows:
            reach = f"{most:,} and more" if most == MOST else f"{most:,}, not {2 * most:,},"
            return f"Fits with batch {rows:,}; {reach} would fit too."
        helps = f"; gradient checkpointing would allow {more:,}" if more > most else ""
        return f"Fits with batch {rows:,}, not {2 * max(most, 1):,}{helps}."
    start = f"Does not fit with batch {rows:,}: it needs {size(needed)} of {size(available)}"
    if most and more > most:
        return f"{start}. Batch {most:,} fits; gradient checkpointing would allow {more:,}."
    if most:
        return f"{start}. Batch {most:,} fits."
    if more:
        return f"{start}. Gradient checkpointing would allow batch {more:,}."
    return f"{start}, and no batch fits: choose a smaller base, or store it in fewer bits."
