"""Which columns of the data a model never sees."""

from __future__ import annotations

from workbench.sources.datasets.columns import not_used
from workbench.sources.datasets.load import Table

LOOKED_AT = 1000  # rows, in which columns are looked for


def unused_columns(table: Table) -> tuple[str, ...]:
    """Name the columns that play no role in the task, in their order, unless a note of the table does."""
    if table.form and not table.source.card:
        return ()
    used = {*table.columns.values(), *table.inputs}
    return tuple(not_used(table.train[:LOOKED_AT], used))
