"""Rows of tables that are in memory: of pandas, polars, Arrow and ``datasets``, lists and dicts."""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping
from typing import Any

from workbench.errors import DataError
from workbench.sources.datasets.readers import Row
from workbench.sources.datasets.readers.arrow import arrow_rows, name_values, names_of

PATHS = (str, os.PathLike)


def is_table(value: Any) -> bool:
    """Tell whether a value is a table of one of the libraries."""
    return any(kind(value) for kind in (_is_dataset, _is_stream, _is_pandas, _is_arrow, _is_polars))


def are_rows(values: Any) -> bool:
    """Tell whether a value is a list with a dict for each row."""
    is_list = isinstance(values, list | tuple) and bool(values)
    return is_list and all(isinstance(row, Mapping) for row in values)


def table_rows(table: Any, most: int | None = None) -> list[Row]:
    """Return a table's rows, with the names of class labels for their numbers.

    Parameters
    ----------
    table : object
        See :func:`workbench.sources.datasets.tables.keep`.
    most : int, optional
        Rows that are taken of a streamed data set.
    """
    if _is_dataset(table):
        rows = rows_of(table)
    elif _is_stream(table):
        rows = _stream_rows(table, most)
    elif _is_pandas(table):
        rows = _pandas_rows(table)
    elif _is_arrow(table):
        rows = arrow_rows(table)
    elif _is_polars(table):
        rows = table.to_dicts()
    elif isinstance(table, Mapping):
        rows = _column_rows(table)
    elif are_rows(table) or (isinstance(table, list) and not table):
        rows = [{str(name): value for name, value in row.items()} for row in table]
    else:
        raise DataError(
            "data must be a name, a path, a list of paths, a hub id, or a table (a pandas or polars DataFrame, "
            "an Arrow table, a Dataset, a list of dicts or a dict of lists), but is of type "
            f"{type(table).__name__}: turn it into one of these."
        )
    if not rows:
        raise DataError("data has no rows: pass a table that has some.")
    return rows


def rows_of(dataset: Any) -> list[Row]:
    """Turn a data set into rows, with the names of class labels for their numbers.

    Parameters
    ----------
    dataset : datasets.Dataset
    """
    return name_values(dataset.to_list(), class_names_in(dataset.features))


def class_names_in(features: Mapping[str, Any] | None) -> dict[str, list[str]]:
    """Return the class names of each column that has them, in the order of their numbers."""
    classes = {
        column: getattr(getattr(feature, "feature", feature), "names", None)
        for column, feature in (features or {}).items()
    }
    return {column: list(names) for column, names in classes.items() if names}


def class_names_of(table: Any) -> dict[str, list[str]]:
    """Return the class names of each column of a table that has them, in the order of their numbers."""
    if _is_arrow(table):
        return names_of(table.schema)
    return class_names_in(table.features) if _is_dataset(table) or _is_stream(table) else {}


def _stream_rows(stream: Any, most: int | None) -> list[Row]:
    if type(most) is not int or most < 1:
        raise DataError(
            "data is a streamed data set, of which max_train_samples rows are taken: set max_train_samples, or "
            "load it without streaming=True."
        )
    rows = [dict(row) for row in itertools.islice(stream, most)]
    return name_values(rows, class_names_in(stream.features))


def _pandas_rows(frame: Any) -> list[Row]:
    named = frame.set_axis([str(column) for column in frame.columns], axis=1).astype(object)
    if not named.columns.is_unique:
        twice = named.columns[named.columns.duplicated()][0]
        raise DataError(f"data has two columns called {twice!r}: rename one of them.")
    return named.where(named.notna(), None).to_dict("records")


def _column_rows(columns: Mapping[Any, Any]) -> list[Row]:
    """Turn a dict of lists into rows."""
    lists = {}
    for name, values in columns.items():
        if hasattr(values, "tolist"):
            values = values.tolist()  # numpy's, torch's and pandas'
        if not isinstance(values, list | tuple):
            raise DataError(
                "data must be a dict of lists, one for each column, but the value of "
                f"{name!r} is of type {type(values).__name__}: turn it into a list."
            )
        lists[str(name)] = values
    if len({len(values) for values in lists.values()}) > 1:
        counts = ", ".join(f"{name!r} has {len(values)}" for name, values in lists.items())
        raise DataError(
            f"data must be a dict of lists of one length, but {counts}: give each row a value."
        )
    return [dict(zip(lists, values, strict=True)) for values in zip(*lists.values(), strict=True)]


def _is_dataset(value: Any) -> bool:
    return hasattr(value, "features") and hasattr(value, "to_list") and hasattr(value, "__len__")


def _is_stream(value: Any) -> bool:
    return hasattr(value, "features") and hasattr(value, "take") and not hasattr(value, "__len__")


def _is_pandas(value: Any) -> bool:
    return hasattr(value, "notna") and hasattr(value, "columns")


def _is_arrow(value: Any) -> bool:
    return hasattr(value, "to_pylist") and hasattr(value, "schema")


def _is_polars(value: Any) -> bool:
    return hasattr(value, "to_dicts") and hasattr(value, "columns")
