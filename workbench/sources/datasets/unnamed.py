"""Which column is for what in a file without a header, told by the values."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence

from workbench.registry.tasks import TASKS
from workbench.sources.datasets.readers import Row
from workbench.sources.datasets.source import Source

READ = 2000  # rows that are looked at


def is_numbered(source: Source) -> bool:
    """Tell whether a source's columns have no names but numbers."""
    return any(file.option("header") is False for file in source.train_files)


def with_header(source: Source, rows: Sequence[Row], named: Collection[str | None]) -> Source:
    """Return the source with the first lines as headers, where a column is named that stands there."""
    if not is_numbered(source) or not set(named) & set(rows[0].values()):
        return source
    train, evaluation = (
        tuple(
            dataclasses.replace(file, options=tuple(o for o in file.options if o[0] != "header"))
            for file in files
        )
        for files in (source.train_files, source.eval_files)
    )
    return dataclasses.replace(source, train_files=train, eval_files=evaluation)


def by_values(task: str, rows: Sequence[Row], columns: Sequence[str]) -> dict[str, str | None]:
    """Take the column with the longest values for the text, and that with the fewest for the label.

    Other tasks take the columns in the order of their roles, unless one of these is a label.

    Examples
    --------
    >>> rows = [{"column_1": "ab"[n % 2], "column_2": f"a text of words {n}"} for n in range(9)]
    >>> by_values("classify", rows, ["column_1", "column_2"])
    {'text': 'column_2', 'label': 'column_1'}
    """
    roles = TASKS[task].roles if task in TASKS else ()
    rows = rows[:READ]
    counts = {name: len({str(row.get(name)) for row in rows}) for name in columns}
    if set(roles) == {"text", "label"} and len(columns) > 1:
        lengths = {name: sum(len(str(row.get(name, ""))) for row in rows) for name in columns}
        text = max(lengths, key=lengths.__getitem__)
        label = min((name for name in columns if name != text), key=counts.__getitem__)
        return {"text": text, "label": label}
    is_label = any(count <= len(rows) / 2 for count in counts.values())
    if len(columns) > 1 and (roles == ("text",) or is_label):
        return {}
    return dict(zip(roles, columns, strict=False))
