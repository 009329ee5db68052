"""Parquet and Arrow, and what the library ``datasets`` has written there about its columns."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from workbench.errors import DataError, first_line
from workbench.sources.datasets.readers.file import File, Row

ClassNames = dict[str, list[str]]


def read_parquet(file: File, content: bytes) -> list[Row]:
    """Read all rows of a Parquet file."""
    import pyarrow
    from pyarrow.parquet import ParquetFile

    try:
        with ParquetFile(pyarrow.BufferReader(content)) as opened:
            rows = opened.read().to_pylist()
    except (pyarrow.ArrowException, OSError) as error:
        raise _not_whole(file, "Parquet", error) from None
    return with_class_names(rows, file)


def read_arrow(file: File, content: bytes) -> list[Row]:
    """Read all rows of an Arrow file: one that can be read in any order, or a stream."""
    import pyarrow

    try:
        with _open(pyarrow.BufferReader(content)) as opened:
            rows = opened.read_all().to_pylist()
    except (pyarrow.ArrowException, OSError) as error:
        raise _not_whole(file, "Arrow", error) from None
    return with_class_names(rows, file)


def read_saved(file: File) -> list[Row]:
    """Read a folder that ``Dataset.save_to_disk`` wrote."""
    import datasets

    try:
        rows = datasets.load_from_disk(file.path).to_list()
    except Exception as error:  # whatever the library says of a folder that is not whole
        raise DataError(
            f"{file.path} cannot be loaded as datasets.load_from_disk would ({first_line(error).rstrip('.')}): "
            "write it again with save_to_disk."
        ) from error
    return with_class_names(rows, file)


def with_class_names(rows: list[Row], file: File) -> list[Row]:
    """Put the names of classes for their numbers."""
    return name_values(rows, dict(file.option("class_names", ())))


def name_values(rows: list[Row], classes: Mapping[str, Sequence[str]]) -> list[Row]:
    """Put the names of classes for their numbers; -1 stands for none."""
    for column, names in classes.items():
        for row in rows:
            row[column] = _named(row[column], names)
    return rows


def arrow_rows(table: Any) -> list[Row]:
    """Return the rows of an Arrow table."""
    return name_values(table.to_pylist(), names_of(table.schema))


def _named(value: Any, names: Sequence[str]) -> Any:
    if isinstance(value, list):
        return [_named(item, names) for item in value]
    # The hub's convention for "no label" is -1, which has no name.
    return None if value in (None, -1) else names[value]


def frozen(classes: ClassNames) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return classes as an option of a file, which cannot be changed."""
    return tuple((column, tuple(names)) for column, names in classes.items())


def class_names(path: Path, format: str) -> ClassNames:
    """Return the classes of the columns of a file, in the order of their numbers."""
    import pyarrow
    from pyarrow.parquet import read_schema

    try:
        if format == "parquet":
            schema = read_schema(path)
        else:
            with pyarrow.memory_map(str(path)) as mapped, _open(mapped) as opened:
                schema = opened.schema
    except (pyarrow.ArrowException, OSError):
        return {}  # reading says what is wrong
    return names_of(schema)


def names_of(schema: Any) -> ClassNames:
    """Return the classes of the columns of an Arrow schema that ``datasets`` has described."""
    described = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
    return names_in(described.get("info", {}).get("features") or {})


def saved_class_names(folder: Path) -> ClassNames:
    """Return the classes of the columns of a folder that ``save_to_disk`` wrote."""
    described = json.loads((folder / "dataset_info.json").read_text(encoding="utf-8"))
    return names_in(described.get("features") or {})


def names_in(features: Mapping[str, Any]) -> ClassNames:
    """Take the classes from features as the library writes them."""
    classes = {}
    for column, feature in features.items():
        if isinstance(feature, dict) and isinstance(feature.get("feature"), dict):
            feature = feature["feature"]
        if isinstance(feature, list) and len(feature) == 1:
            (feature,) = feature
        if isinstance(feature, dict) and feature.get("_type") == "ClassLabel":
            classes[column] = [str(name) for name in feature["names"]]
    return classes


def _open(source: Any) -> Any:
    """Open an Arrow file or stream by its first bytes."""
    from pyarrow import ipc

    start = source.read(6)
    source.seek(0)
    return ipc.open_file(source) if start.startswith(b"ARROW1") else ipc.open_stream(source)


def _not_whole(file: File, kind: str, error: Exception) -> DataError:
    reason = first_line(error).rstrip(".")
    return DataError(
        f"{file.path} is not a whole {kind} file ({reason}): write or download it again."
    )
