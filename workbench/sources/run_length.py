"""How many rows a run trains on and how many steps it takes, counted before anything is loaded."""

from __future__ import annotations

import math

from workbench.settings.fields import Settings
from workbench.sources.datasets.load import Table


def training_rows(settings: Settings, table: Table) -> int:
    """Return how many of a table's rows are trained on: not those held out for evaluation.

    Where rows repeat others it may be a few more or less, as equal ones are held out together.
    """
    rows = len(table.train)
    if table.eval is None:
        rows -= max(1, round(rows * settings.eval_fraction))
    return min(rows, settings.max_train_samples or rows)


def planned_steps(settings: Settings, rows: int) -> int:
    """Return how many optimizer steps the settings mean for so many training rows.

    Examples
    --------
    >>> planned_steps(Settings(num_train_epochs=3), 1240), planned_steps(Settings(max_steps=7), 1240)
    (465, 7)
    """
    if settings.max_steps is not None:
        return settings.max_steps
    rows_per_step = settings.per_device_train_batch_size * settings.gradient_accumulation_steps
    return max(1, math.ceil(rows * settings.num_train_epochs / rows_per_step))
