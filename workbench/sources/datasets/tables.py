"""Tables from a notebook, kept as files, so that a recipe stays a value that can be written down."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from workbench.display.wording import quoted
from workbench.errors import DataError
from workbench.sources.datasets.images import contents, is_open, is_stored
from workbench.sources.datasets.readers import Row

# Where evaluation rows are looked for, best first: a test split is for the end, where there is
# another one.
EVAL_SPLITS = ("validation", "valid", "val", "dev", "eval", "evaluation", "test")


PREFIX = "table-"


def cache() -> Path:
    """Where the workbench keeps what it can make again; ``WORKBENCH_CACHE`` moves it."""
    return Path(os.environ.get("WORKBENCH_CACHE") or "~/.cache/peft-workbench").expanduser()


def keep(frame: Any) -> str:
    """Write a table from the notebook into the cache, as JSONL, and return its path.

    The name is from the content's sha256, so the same rows always have the same path. Class labels
    (``datasets.ClassLabel``) are written as the classes' names, images (``datasets.Image``, or as
    Pillow has them open) as files of their own.

    Parameters
    ----------
    frame : pandas.DataFrame, datasets.Dataset, datasets.DatasetDict or dict of these
        A dict must have a ``train`` split; its validation split, else its test split, becomes
        the evaluation rows.

    Returns
    -------
    str
        A file, or for a dict with an evaluation split a folder.
    """
    if not isinstance(frame, Mapping):
        return _keep_files({"rows": _rows(frame)}, _class_names(frame))
    if "train" not in frame:
        raise DataError(
            f"data must have a split called 'train', but its splits are {quoted(frame)}: rename "
            "one, or pass one split as the data."
        )
    evaluation = next((split for split in EVAL_SPLITS if split in frame), None)
    if evaluation is None:
        return keep(frame["train"])
    splits = ("train", evaluation)
    tables = {split: _rows(frame[split]) for split in splits}
    return _keep_files(tables, _class_names(frame["train"]))


def is_kept(path: Path) -> bool:
    """Tell whether a file or folder is a table that was kept."""
    return path.parent == cache() / "data" and path.name.startswith(PREFIX)


def _rows(frame: Any) -> list[Row]:
    if hasattr(frame, "features") and hasattr(frame, "__len__"):  # datasets.Dataset, not a stream
        rows = rows_of(frame)
    elif hasattr(frame, "notna") and hasattr(frame, "columns"):  # pandas.DataFrame
        named = frame.set_axis([str(column) for column in frame.columns], axis=1).astype(object)
        if not named.columns.is_unique:
            twice = named.columns[named.columns.duplicated()][0]
            raise DataError(f"data has two columns called {twice!r}: rename one of them.")
        rows = named.where(named.notna(), None).to_dict("records")
    else:
        raise DataError(
            "data must be a name, a path, a hub id, a pandas DataFrame or a datasets Dataset "
            f"that is not streamed, but is of type {type(frame).__name__}: turn it into one of "
            "these."
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
    rows = dataset.to_list()
    for column, names in names_in(dataset.features).items():
        for row in rows:
            row[column] = _named(row[column], names)
    return rows


def names_in(features: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the class names of each column of a data set that has them."""
    named = {
        column: getattr(getattr(feature, "feature", feature), "names", None)
        for column, feature in features.items()
    }
    return {column: list(names) for column, names in named.items() if names}


def _class_names(frame: Any) -> dict[str, list[str]]:
    features = getattr(frame, "features", None)
    return names_in(features) if isinstance(features, Mapping) else {}


def stored_class_names(path: Path) -> dict[str, list[str]]:
    """Return the class names of each column of a table that was kept; empty for any other file."""
    table = path if is_kept(path) else path.parent
    file = _names_file(table.parent / table.stem)
    return json.loads(file.read_text()) if is_kept(table) and file.exists() else {}


def _names_file(table: Path) -> Path:
    return table.with_name(f"{table.name}.classes.json")


def _named(value: Any, names: list[str]) -> Any:
    if isinstance(value, list):
        return [_named(item, names) for item in value]
    # The hub's convention for "no label" is -1, which has no name.
    return None if value in (None, -1) else names[value]


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
