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
            f"There is enough memory for training with batch size {rows:,}, but an evaluation "
            f"needs {size(evaluation)} of {size(available)}: lower per_device_eval_batch_size."
        )
    if needed <= available:
        if most >= 2 * rows:
            reach = (
                f"a batch of {most:,} would fit too"
                if most == MOST
                else f"the largest possible batch is {most:,}"
            )
            return f"Enough memory for batch size {rows:,}; {reach}."
        helps = f"; with gradient checkpointing up to {more:,}" if more > most else ""
        return f"Enough memory for batch size {rows:,}, but not for {2 * max(most, 1):,}{helps}."
    start = (
        f"Not enough memory for batch size {rows:,}: it needs {size(needed)} of {size(available)}"
    )
    if most and more > most:
        return (
            f"{start}. Batch size {most:,} is possible; gradient checkpointing would allow "
            f"{more:,}."
        )
    if most:
        return f"{start}. Batch size {most:,} is possible."
    if more:
        return f"{start}. With gradient checkpointing, batch size {more:,} is possible."
    return f"{start}, and no batch size is small enough: choose a smaller base, or quantize it."
