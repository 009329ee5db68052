"""All rows of a file, checked as they are read."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from workbench.errors import DataError
from workbench.sources.datasets.readers import arrow, json_files, separated, texts
from workbench.sources.datasets.readers.compression import decompress
from workbench.sources.datasets.readers.file import File, Row, in_words

_READERS: dict[str, Callable[[File, bytes], list[Row]]] = {
    "jsonl": json_files.read_jsonl,
    "json": json_files.read_json,
    "json_objects": json_files.read_json_objects,
    "json_columns": json_files.read_json_columns,
    "json_values": json_files.read_json_values,
    "csv": separated.read_csv,
    "parquet": arrow.read_parquet,
    "arrow": arrow.read_arrow,
    "text": texts.read_text,
}
FORMATS = (*_READERS, "saved", "textfolder")


def read_file(
    file: File, checksums: dict[str, str] | None = None, skips: list[int] | None = None
) -> list[Row]:
    """Read all rows of a file.

    Parameters
    ----------
    file : File
    checksums : dict, optional
        Gets the sha256 of what was read, by the file's path.
    skips : list of int, optional
        Gets the numbers of what is to be left out: of lines in JSON lines, of rows in a separated file.
        Without it they are refused.

    Returns
    -------
    list of dict
        At least one.
    """
    path = Path(file.path)
    if file.format == "saved":
        rows = arrow.read_saved(file)
    elif file.format == "textfolder":
        rows = _read_folder(file)
    else:
        with in_words(path, file.option("encoding")):
            raw = path.read_bytes()
            if checksums is not None:
                checksums[file.path] = hashlib.sha256(raw).hexdigest()
            content = decompress(raw, file.option("compression"), path)
            if file.format in ("jsonl", "csv") and skips is not None:
                reader = json_files.read_jsonl if file.format == "jsonl" else separated.read_csv
                rows = reader(file, content, skips)
            else:
                rows = _READERS[file.format](file, content)
    if not rows:
        raise DataError(f"{path} has no rows: fill it, or pick another file.")
    return rows


def _read_folder(file: File) -> list[Row]:
    """Read a text from each file of a folder."""
    rows = []
    for path in texts.texts_in(Path(file.path)):
        with in_words(path, file.option("encoding")):
            text = path.read_text(encoding=file.option("encoding", "utf-8-sig"))
        if text.strip():
            rows.append({"text": text})
    return rows
