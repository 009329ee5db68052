"""From files to rows in a few lines, one function per format. Exported scripts carry their source.

They give the rows that :mod:`workbench.sources.datasets.readers` gives, without its care for bad files: what
a script reads has been read by a run before.
"""

from __future__ import annotations

import csv
import gzip
import json
import re
from collections.abc import Container
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TextIO

from datasets import Dataset, load_from_disk
from pyarrow import ipc
from pyarrow.parquet import ParquetFile


def read_jsonl(
    path: str,
    *,
    compression: str | None = None,
    encoding: str = "utf-8-sig",
    skip_lines: list[int] | None = None,
) -> list[dict]:
    """Read one JSON object from each line."""
    with open_text(path, compression, encoding) as file:
        if skip_lines is None:
            return [json.loads(line) for line in file if line.strip()]
        lines = [line for n, line in enumerate(file, start=1) if n not in skip_lines]
        return [json.loads(line) for line in lines if line.strip()]


def read_json(
    path: str,
    *,
    key: str | None = None,
    compression: str | None = None,
    encoding: str = "utf-8-sig",
) -> list[dict]:
    """Read a JSON list of objects, which may be the value of a key."""
    with open_text(path, compression, encoding) as file:
        return json.load(file) if key is None else json.load(file)[key]


def read_json_objects(
    path: str, *, compression: str | None = None, encoding: str = "utf-8-sig"
) -> list[dict]:
    """Read JSON objects that follow each other."""
    with open_text(path, compression, encoding) as file:
        text = file.read().strip()
    rows, position = [], 0
    while position < len(text):
        row, position = json.JSONDecoder().raw_decode(text, position)
        rows.append(row)
        while position < len(text) and text[position].isspace():
            position += 1
    return rows


def read_json_columns(
    path: str, *, compression: str | None = None, encoding: str = "utf-8-sig"
) -> list[dict]:
    """Read a JSON object that holds the values of each column, in a list or by the rows' numbers."""
    with open_text(path, compression, encoding) as file:
        columns = json.load(file)
    lists = [list(v.values()) if isinstance(v, dict) else v for v in columns.values()]
    return [dict(zip(columns, values, strict=True)) for values in zip(*lists, strict=True)]


def read_json_values(
    path: str, *, compression: str | None = None, encoding: str = "utf-8-sig"
) -> list[dict]:
    """Read a JSON object whose values are the rows."""
    with open_text(path, compression, encoding) as file:
        return list(json.load(file).values())


def read_csv(
    path: str,
    *,
    compression: str | None = None,
    encoding: str = "utf-8-sig",
    skip: int | None = None,
    header: bool = True,
    **dialect: Any,
) -> list[dict]:
    """Read a separated file; without a header its columns are called by their numbers."""
    with open_text(path, compression, encoding, newline="") as file:
        if skip is not None:
            for _ in range(skip):
                next(file)
        rows = [row for row in csv.reader(file, **dialect) if row]
    if header:
        names = [name.strip() for name in rows.pop(0)]
    else:
        names = [f"column_{number}" for number in range(1, len(rows[0]) + 1)]
    return [dict(zip(names, row, strict=False)) for row in rows]


def read_text(
    path: str, *, sample_by: str, compression: str | None = None, encoding: str = "utf-8-sig"
) -> list[dict]:
    """Read a text from each paragraph, or from each line."""
    with open_text(path, compression, encoding) as file:
        text = file.read()
    parts = re.split(r"\n\s*\n", text) if sample_by == "paragraph" else text.split("\n")
    return [{"text": part.strip("\n")} for part in parts if part.strip()]


def read_textfolder(folder: str, *, encoding: str = "utf-8-sig") -> list[dict]:
    """Read a text from each file of a folder, without hidden files and read-mes."""
    texts = []
    for path in sorted(Path(folder).rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        is_text = path.suffix.lower() in (".txt", ".md")
        if is_text and not hidden and path.stem.lower() not in ("readme", "license"):
            texts.append(path.read_text(encoding=encoding))
    return [{"text": text} for text in texts if text.strip()]


def read_parquet(path: str, *, class_names: dict[str, list[str]] | None = None) -> list[dict]:
    """Read all rows of a Parquet file, with the names of classes for their numbers."""
    with ParquetFile(path) as file:
        rows = file.read().to_pylist()
    return rows if class_names is None else name_classes(rows, class_names)


def read_arrow(path: str, *, class_names: dict[str, list[str]] | None = None) -> list[dict]:
    """Read all rows of an Arrow file or stream, with the names of classes for their numbers."""
    content = Path(path).read_bytes()
    kind = ipc.open_file if content.startswith(b"ARROW1") else ipc.open_stream
    with kind(content) as file:
        rows = file.read_all().to_pylist()
    return rows if class_names is None else name_classes(rows, class_names)


def read_saved(folder: str, *, class_names: dict[str, list[str]] | None = None) -> list[dict]:
    """Read what ``save_to_disk`` wrote, with the names of classes for their numbers."""
    rows = load_from_disk(folder).to_list()
    return rows if class_names is None else name_classes(rows, class_names)


def name_classes(rows: list[dict], class_names: dict[str, list[str]]) -> list[dict]:
    """Put the names of classes for their numbers."""
    for column, names in class_names.items():
        for row in rows:
            row[column] = class_name(row[column], names)
    return rows


def class_name(value: Any, names: list[str]) -> Any:
    """Return the name of a class, or those of several; -1 stands for none."""
    if isinstance(value, list):
        return [class_name(item, names) for item in value]
    return None if value in (None, -1) else names[value]


def leave_out(rows: list[dict], numbers: Container[int]) -> list[dict]:
    """Leave out the rows of some numbers; the first row is row 1."""
    return [row for number, row in enumerate(rows, start=1) if number not in numbers]


def unnest(rows: list[dict], columns: list[str]) -> list[dict]:
    """Put columns that lie within others beside them, such as "translation.en"."""
    unnested = []
    for row in rows:
        inner = {column: column.split(".", 1) for column in columns}
        values = {name: (row.get(outer) or {}).get(key) for name, (outer, key) in inner.items()}
        unnested.append({**row, **values})
    return unnested


def read_imagefolder(folder: str) -> list[dict]:
    """Take each image's path, and for its label the name of the folder that it lies in."""
    endings = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
    rows = []
    for path in sorted(Path(folder).glob("*/**/*")):
        parts = path.relative_to(folder).parts
        if path.suffix.lower() in endings and not any(part.startswith(".") for part in parts):
            rows.append({"image": str(path), "label": parts[0]})
    return rows


def locate_images(rows: list[dict], column: str, file: str) -> list[dict]:
    """Say where each row's image is: its bytes, or its path, which is relative to a file's."""
    located = []
    for row in rows:
        image = row[column]
        if isinstance(image, dict):  # how data sets keep images
            image = image["bytes"] or image["path"]
        if isinstance(image, str):
            image = str(Path(file).parent / image)
        located.append({**row, column: image})
    return located


def name_labels(dataset: Dataset, column: str) -> list[dict]:
    """Turn a data set into rows, with the names of a column's class labels for their numbers."""
    feature = dataset.features[column]
    names = getattr(getattr(feature, "feature", feature), "names", None)
    rows = dataset.to_list()
    if names:
        for row in rows:
            value = row[column]
            row[column] = [names[i] for i in value] if isinstance(value, list) else names[value]
    return rows


def open_text(
    path: str, compression: str | None, encoding: str, newline: str | None = None
) -> TextIO:
    """Open a text file that may be compressed."""
    if compression == "gzip":
        return gzip.open(path, "rt", encoding=encoding, newline=newline)
    if compression == "zstd":
        from compression import zstd  # type: ignore[import-not-found]

        return zstd.open(path, "rt", encoding=encoding, newline=newline)
    return open(path, encoding=encoding, newline=newline)


def beside_script(path: str) -> str:
    """Return where a path lies that is relative to this script's folder."""
    return str(Path(__file__).parent / path)


def bundled(name: str) -> str:
    """Find a file beside this script, or else in or beside the package of PEFT Workbench."""
    package = find_spec("workbench")
    folders = [Path(__file__).parent]
    for location in (package and package.submodule_search_locations) or ():
        folders += [Path(location, "data"), Path(location).parent / "data"]
    return str(next((folder / name for folder in folders if (folder / name).exists()), name))
