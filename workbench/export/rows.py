"""From files to rows in a few lines, one function per format. Exported scripts carry their source.

They give the rows that :mod:`workbench.sources.datasets.readers` gives, without its care for bad files: what
a script reads has been read by a run before.
"""

from __future__ import annotations

import csv
import json
from importlib.util import find_spec
from pathlib import Path

from datasets import Dataset
from pyarrow.parquet import ParquetFile


def read_jsonl(path: str) -> list[dict]:
    """Read one JSON object from each line."""
    with open(path, encoding="utf-8-sig") as file:
        return [json.loads(line) for line in file if line.strip()]


def read_json(path: str) -> list[dict]:
    """Read a JSON list of objects."""
    with open(path, encoding="utf-8-sig") as file:
        return json.load(file)


def read_csv(path: str) -> list[dict]:
    """Read a comma-separated file whose first line names the columns."""
    with open(path, encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def read_tsv(path: str) -> list[dict]:
    """Read a tab-separated file whose first line names the columns."""
    with open(path, encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def read_parquet(path: str) -> list[dict]:
    """Read all rows of a Parquet file."""
    with ParquetFile(path) as file:
        return file.read().to_pylist()


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
