"""All the points of a chart as a table in a CSV file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from workbench.panels.chart.series import Series

# Names of columns that say more than the last part of a series' key.
COLUMNS = {
    "train": "training_loss",
    "eval": "evaluation_loss",
    "grad_norm": "gradient_norm",
    "memory": "memory_bytes",
    "trainable": "trainable_parameters",
}
FIRST = ("tokens", "seconds")


def csv_table(series: Iterable[Series]) -> str:
    """Write a row for each run and step, and a column for each figure.

    Parameters
    ----------
    series : iterable of Series

    Examples
    --------
    >>> loss = Series(1, "run-1/train", "lora r=8", "line", 0)
    >>> loss.extend([1, 2], [2.5, 2.25])
    >>> print(csv_table([loss]), end="")
    run,step,training_loss
    lora r=8,1,2.5
    lora r=8,2,2.25
    """
    runs: dict[str, dict[float, dict[str, float]]] = {}
    names: dict[str, str] = {}
    columns: dict[str, None] = {}
    for line in series:
        last = line.key.rpartition("/")[2]
        column = COLUMNS.get(last, last)
        columns[column] = None
        names.setdefault(line.run, line.label)
        rows = runs.setdefault(line.run, {})
        for x, y in zip(line.xs, line.ys, strict=True):
            rows.setdefault(x, {})[column] = y
    order = [name for name in FIRST if name in columns]
    order += [name for name in columns if name not in FIRST]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["run", "step", *order])
    for run, rows in runs.items():
        for step in sorted(rows):
            cells = (rows[step].get(name) for name in order)
            writer.writerow([names[run], _cell(step), *map(_cell, cells)])
    return out.getvalue()


def _cell(value: float | None) -> str:
    if value is None:
        return ""
    return str(int(value)) if value.is_integer() else repr(value)
