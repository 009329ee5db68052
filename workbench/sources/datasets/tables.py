"""Tables from a notebook, kept as files, so that a recipe stays a value that can be written down."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from workbench.display.wording import quoted
from workbench.errors import DataError
from workbench.sources.datasets.images import contents, is_open, is_stored
from workbench.sources.datasets.in_memory import (
    PATHS,
    are_rows,
    class_names_of,
    is_table,
    table_rows,
)
from workbench.sources.datasets.readers import Row
from workbench.sources.datasets.splits import EVAL_SPLITS, TRAIN_SPLITS

PREFIX = "table-"
SEVERAL = ", "  # between the files of a list


def cache() -> Path:
    """Where the workbench keeps what it can make again; ``WORKBENCH_CACHE`` moves it."""
    return Path(os.environ.get("WORKBENCH_CACHE") or "~/.cache/peft-workbench").expanduser()


def keep(data: Any, most: int | None = None, most_eval: int | None = None) -> str:
    """Write a table from the notebook into the cache, as JSONL, and return its path.

    The name is from the content's sha256, so the same rows always have the same path. Class labels
    (``datasets.ClassLabel``) are written as the classes' names, images (``datasets.Image``, or as
    Pillow has them open) as files of their own.

    Parameters
    ----------
    data : table, dict of tables or list of paths
        A table is a pandas or polars DataFrame, an Arrow table, a ``datasets.Dataset``, streamed or not, a
        list of dicts or a dict of lists. A dict of tables must have a ``train`` split; its validation
        split, else its test split, becomes the evaluation rows. Of a list of paths nothing is written.
    most, most_eval : int, optional
        Rows that are taken of a streamed data set.

    Returns
    -------
    str
        A file, for a dict with an evaluation split a folder, for a list of paths these with commas.
    """
    if isinstance(data, list | tuple) and data and all(isinstance(p, PATHS) for p in data):
        return _join(data)
    if not _is_splits(data):
        return _keep_files({"rows": table_rows(data, most)}, class_names_of(data))
    train = next((split for split in TRAIN_SPLITS if split in data), None)
    if train is None:
        raise DataError(
            f"data must have a split called 'train', but its splits are {quoted(data)}: rename "
            "one, or pass one split as the data."
        )
    evaluation = next((split for split in EVAL_SPLITS if split in data), None)
    if evaluation is None:
        return keep(data[train], most)
    rows = {"train": table_rows(data[train], most)}
    rows[evaluation] = table_rows(data[evaluation], most_eval or most)
    return _keep_files(rows, class_names_of(data[train]))


def _join(paths: Sequence[str | os.PathLike]) -> str:
    names = [os.fspath(path) for path in paths]
    for name in names:
        if SEVERAL in name and len(names) > 1:
            raise DataError(
                f"data must be files without a comma and a blank in their names, where it is a list, but "
                f"has {name!r}: rename it, or give a pattern such as '*.jsonl'."
            )
    return SEVERAL.join(names)


def _is_splits(data: Any) -> bool:
    """Tell a dict of tables from a dict of columns."""
    if not isinstance(data, Mapping):
        return False
    named = any(name in data for name in (*TRAIN_SPLITS, *EVAL_SPLITS))
    return any(
        is_table(table) or (named and (isinstance(table, Mapping) or are_rows(table)))
        for table in data.values()
    )


def is_kept(path: Path) -> bool:
    """Tell whether a file or folder is a table that was kept."""
    return path.parent == cache() / "data" and path.name.startswith(PREFIX)


def stored_class_names(path: Path) -> dict[str, list[str]]:
    """Return the class names of each column of a table that was kept; empty for any other file."""
    table = path if is_kept(path) else path.parent
    file = _names_file(table.parent / table.stem)
    return json.loads(file.read_text()) if is_kept(table) and file.exists() else {}


def _names_file(table: Path) -> Path:
    return table.with_name(f"{table.name}.classes.json")


def _keep_files(tables: Mapping[str, Iterable[Row]], class_names: Mapping[str, list[str]]) -> str:
    """Write tables next to where they belong, then move them there in one step."""
    root = cache() / "data"
    try:
        root.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=".writing-", dir=root))
    except OSError as error:
        raise _cannot_write(root, error) from error
    try:
        digest = hashlib.sha256()
        # Images lie beside the tables; paths to them are relative to the table's own file.
        up = "" if list(tables) == ["rows"] else "../"
        for name, rows in tables.items():
            digest.update(f"{name}\n".encode())
            with open(work / f"{name}.jsonl", "wb") as file:
                for row in rows:
                    row = {
                        column: up + _keep_image(root, value) if _is_image(value) else value
                        for column, value in row.items()
                    }
                    line = json.dumps(row, default=_refuse).encode() + b"\n"
                    digest.update(line)
                    file.write(line)
        if class_names:
            digest.update(json.dumps(class_names).encode())
        name = f"{PREFIX}{digest.hexdigest()[:12]}"
        if class_names:
            (work / "classes.json").write_text(json.dumps(class_names))
            os.replace(work / "classes.json", _names_file(root / name))
        if list(tables) == ["rows"]:
            kept = root / f"{name}.jsonl"
            os.replace(work / "rows.jsonl", kept)
        else:
            kept = root / name
            if not kept.exists():
                work.chmod(0o755)
                work.rename(kept)
    except OSError as error:
        raise _cannot_write(root, error) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return str(kept)


def _is_image(value: Any) -> bool:
    return is_stored(value) or is_open(value)


def _keep_image(root: Path, value: Any) -> str:
    """Write an image, once under the name of its content, and return its path from the root."""
    content = contents(value)
    path = Path("images", hashlib.sha256(content).hexdigest()[:32])
    if not (root / path).exists():
        (root / path).parent.mkdir(exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=root, delete=False) as file:
            file.write(content)
        os.replace(file.name, root / path)
    return str(path)


def _cannot_write(root: Path, error: OSError) -> DataError:
    return DataError(
        f"data cannot be stored in {root} ({error.strerror or error}): free some space there, "
        "or set WORKBENCH_CACHE to a folder that can be written to."
    )


def _refuse(value: Any) -> Any:
    """Turn numpy's scalars and dates into what JSON has; refuse what is no text."""
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if hasattr(value, "tolist"):
        return value.tolist()
    raise DataError(
        "data must contain only text, numbers and labels, but a value is of type "
        f"{type(value).__name__}: pass only the columns that are needed."
    )
