"""Where rows come from: a name, a path, a hub id or a table, resolved to files or splits."""

from __future__ import annotations

import dataclasses
import difflib
import glob
import os
import re
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from workbench.display.wording import quoted, suggest
from workbench.errors import DataError
from workbench.sources.datasets import cards, hub, images
from workbench.sources.datasets.folders import resolve_folder, resolve_saved
from workbench.sources.datasets.readers import File, format_by_name, sniff
from workbench.sources.datasets.source import Source, checksum
from workbench.sources.datasets.splits import EVAL_SPLITS, TRAIN_SPLITS, part_files, split_of
from workbench.sources.datasets.tables import SEVERAL, keep

__all__ = ["Source", "checksum", "on_hub", "resolve"]

HUB_ID = re.compile(r"\w[\w.-]*/\w[\w.-]*(:[\w.-]+)?")


def resolve(
    data: Any, eval_data: Any = None, revision: str | None = None, encoding: str | None = None
) -> Source:
    """Say where rows are and how they are read, by the beginning of each file.

    Parameters
    ----------
    data : str, path, list of paths, DataFrame, Dataset or DatasetDict
        In this order: a bundled name ("./reviews" is a folder of that name), a file, a folder (see
        :func:`~workbench.sources.datasets.folders.resolve_folder`), several files with commas between them,
        a pattern such as "part-*.jsonl", or a hub id, "owner/name" or with a configuration
        "owner/name:config". Lists and tables go through
        :func:`~workbench.sources.datasets.tables.keep`.
    eval_data : same kinds, optional
        The evaluation rows, in any format; for data on the hub a split's name. None takes the data's own.
    revision : str, optional
        Branch, tag or commit of data on the hub.
    encoding : str, optional
        Of text files that are not UTF-8.

    Raises
    ------
    DataError
    """
    name = _name(data, "data")
    path = _absolute(name)
    if not isinstance(data, os.PathLike) and name in cards.names():
        card = cards.card(name)
        test = card.folder / "test.jsonl"
        held_out = [File(str(test), "jsonl")] if test.exists() else []
        source = Source.of_files([File(str(card.folder / "train.jsonl"), "jsonl")], held_out, card)
    elif _is(path, stat.S_ISDIR):
        source = resolve_folder(path, encoding)
    elif _is(path, stat.S_ISREG):
        source = Source.of_files([sniff(path, encoding)])
    elif (paths := _several(name)) is not None:
        source = _from_files(name, paths, encoding)
    elif _is_hub_id(name):
        return _hub(hub.KNOWN.get(name, name), eval_data, revision)
    else:
        raise DataError(_missing(name, path, "data"))
    if revision is not None:
        raise DataError(
            f"data_revision must be None for data that is not on the hub, but is {revision!r}: "
            "leave it out."
        )
    return source if eval_data is None else _with_eval(source, eval_data, encoding)


def _several(name: str) -> list[Path] | None:
    """Return the files of a list or a pattern; None if a name is neither."""
    names = name.split(SEVERAL)
    if len(names) == 1 and not glob.has_magic(name):
        return None
    paths = []
    for part in names:
        path = _absolute(part.strip())
        if glob.has_magic(part) and not path.exists():
            matches = [Path(match) for match in sorted(glob.glob(str(path), recursive=True))]
            files = [match for match in matches if match.is_file()]
            if not files:
                raise DataError(f"No file matches {part!r}: check the pattern.")
            paths += files
        elif _is(path, stat.S_ISREG):
            paths.append(path)
        elif len(names) > 1 and not any(_absolute(other.strip()).exists() for other in names):
            return None
        else:
            raise DataError(_missing(part.strip(), path, "data"))
    return paths


def _from_files(name: str, paths: Sequence[Path], encoding: str | None) -> Source:
    """Take several files: those of a pattern by their splits, where they are called so."""
    parts = None
    if glob.has_magic(name):
        folder = Path(os.path.commonpath([path.parent for path in paths]))
        parts = part_files(paths, folder, f"The pattern {name!r}")
        others = [path.name for path in paths if split_of(path, folder) is None]
        if parts and others:
            raise DataError(
                f"The pattern {name!r} matches files of splits, and {others[0]!r} that is called like none: "
                "name the training files as data, and those to evaluate on as eval_data."
            )
    train, evaluation = parts or (paths, [])
    return Source.of_files(
        [sniff(path, encoding) for path in train], [sniff(path, encoding) for path in evaluation]
    )


def _name(value: Any, parameter: str) -> str:
    if not isinstance(value, str | os.PathLike):
        value = keep(value)
    name = os.fspath(value)
    if not name.strip():
        raise DataError(
            f"{parameter} must be a bundled data set, a file, a folder or a hub id, but is empty: "
            f"{suggest('', cards.names())}"
        )
    return name


def _absolute(name: str) -> Path:
    return Path(os.path.abspath(os.path.expanduser(name)))


def _is(path: Path, test: Any) -> bool:
    try:
        return test(path.stat().st_mode)
    except PermissionError:
        raise DataError(
            f"You have no permission to read {path} (permission denied): ask for access to its "
            "folder."
        ) from None
    except (OSError, ValueError):  # absent, or no possible path
        return False


def on_hub(name: str) -> bool:
    """Whether data is to be fetched from the hub: it is not bundled and no file or folder."""
    return name not in cards.names() and not _absolute(name).exists() and _is_hub_id(name)


def _is_hub_id(name: str) -> bool:
    """Tell a hub id from the path of a file that is not there."""
    if name in hub.KNOWN:
        return True
    owner = name.partition("/")[0]
    is_path = format_by_name(Path(name)) is not None or os.path.isdir(owner)
    return bool(HUB_ID.fullmatch(name)) and not is_path


def _with_eval(source: Source, eval_data: Any, encoding: str | None) -> Source:
    name = _name(eval_data, "eval_data")
    path = _absolute(name)
    is_folder = _is(path, stat.S_ISDIR)
    if source.format == "imagefolder":
        if not is_folder or not images.has_labels(path):
            raise DataError(
                "eval_data must be a folder with a folder of images for each label, as the "
                f"training images have, but is {name!r}: check the path."
            )
        return dataclasses.replace(source, eval=str(path))
    if is_folder and (saved := resolve_saved(path)) is not None:
        return source.with_eval(saved.eval_files or saved.train_files)
    if is_folder:
        raise DataError(f"eval_data must be a file, but {name!r} is a folder: name a file in it.")
    paths = [path] if _is(path, stat.S_ISREG) else _several(name)
    if paths is None:
        raise DataError(_missing(name, path, "eval_data"))
    return source.with_eval([sniff(path, encoding) for path in paths])


def _hub(name: str, eval_data: Any, revision: str | None) -> Source:
    hub_id, _, config = name.partition(":")
    splits, commit = hub.splits(hub_id, config or None, revision)
    train = next((split for split in TRAIN_SPLITS if split in splits), None)
    if train is None and len(splits) == 1:
        train = splits[0]
    if train is None:
        raise DataError(
            f"{name!r} must have a split called 'train', but its splits are "
            f"{quoted(splits)}: load one with datasets.load_dataset and pass it as "
            "the data."
        )
    held_out = next((split for split in EVAL_SPLITS if split in splits and split != train), None)
    if eval_data is not None:
        others = [split for split in splits if split != train]
        held_out = eval_data if isinstance(eval_data, str) else type(eval_data).__name__
        if held_out not in others:
            hint = suggest(held_out, others) if others else "leave it out."
            raise DataError(
                f"eval_data must be a split of {name!r} other than {train!r}, but is "
                f"{held_out!r}: {hint}"
            )
    return Source("hub", hub_id, held_out, train, commit, config=config or None)


def _missing(name: str, path: Path, parameter: str) -> str:
    if "://" in name:
        return (
            f"{parameter} must be a file on this machine or a hub id such as 'owner/name', but is "
            f"the address {name!r}: download it first."
        )
    if not path.parent.is_dir():
        return f"The folder {path.parent} of {path.name!r} does not exist: check the path."
    neighbours = [entry.name for entry in path.parent.iterdir()]
    if parameter == "data" and os.sep not in name and format_by_name(path) is None:
        options = [*cards.names(), *hub.KNOWN, *neighbours]
        near = difflib.get_close_matches(name, options, n=1)
        return (
            "data must be a bundled data set, a file, a folder or a hub id such as 'owner/name', "
            f"but is {name!r}: {suggest(name, near or cards.names() or hub.KNOWN)}"
        )
    near = difflib.get_close_matches(path.name, neighbours, n=1)
    hint = f"did you mean {near[0]!r}?" if near else "check the path."
    where = "" if os.path.dirname(name) == "" else f" in {path.parent}"
    return f"There is no file or folder {path.name!r}{where}: {hint}"
