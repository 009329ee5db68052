"""Where rows come from: a name, a path, a hub id or a table, resolved to files or splits."""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import os
import re
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.display.wording import quoted, suggest
from workbench.errors import DataError
from workbench.sources.datasets import cards, hub, images
from workbench.sources.datasets.cards import DataCard
from workbench.sources.datasets.readers import SUFFIXES, format_of
from workbench.sources.datasets.tables import EVAL_SPLITS, is_kept, keep

TRAIN_SPLITS = ("train", "training")
HUB_ID = re.compile(r"\w[\w.-]*/\w[\w.-]*(:[\w.-]+)?")


@dataclass(frozen=True)
class Source:
    """Where rows come from, resolved: all that a script needs to read the same rows.

    Parameters
    ----------
    format : str
        "jsonl", "json", "csv", "tsv", "parquet", "imagefolder" or "hub".
    train : str
        Absolute path of the training file; for "imagefolder" of the folder that holds a folder of
        images for each label; for "hub" the hub id.
    eval : str or None
        Absolute path of the evaluation file or folder, of the same format; for "hub" the split's name. None:
        evaluation rows are to be split off the training rows.
    train_split, revision, config : str, optional
        For "hub": the training split, the commit and the set's configuration.
    card : DataCard, optional
        For a bundled set.
    """

    format: str
    train: str
    eval: str | None
    train_split: str | None = None
    revision: str | None = None
    card: DataCard | None = None
    config: str | None = None

    def describe(self, part: str = "train") -> str:
        """Name the "train" or the "eval" rows, as messages do."""
        if self.format == "hub":
            return f"{self.train} ({self.train_split if part == 'train' else self.eval} split)"
        path = Path(self.train if part == "train" else self.eval or self.train)
        # A table from the notebook has a name that says nothing to a person.
        if is_kept(path):
            return "the table" if part == "train" else "the evaluation table"
        if is_kept(path.parent):
            return f"the table ({path.stem} split)"
        return f"{self.card.name}/{path.name}" if self.card else path.name

    def checksums(self) -> dict[str, str]:
        """Return the sha256 of each file, by its path; on the hub the commit says as much."""
        files = [] if self.format == "hub" else [self.train, self.eval]
        return {path: checksum(path) for path in files if path is not None}

    def states(self) -> tuple[tuple[str, int, int, int], ...]:
        """Return the sizes and times of its files: others, other rows; a commit says as much.

        The times are those of the last modification and of the last change: a copy may keep the former.
        """
        named = [] if self.format == "hub" else [self.train, self.eval]
        states = []
        for path in (Path(name) for name in named if name is not None):
            for file in [path, *(sorted(path.rglob("*")) if path.is_dir() else ())]:
                status = file.stat()
                times = status.st_mtime_ns, status.st_ctime_ns
                states.append((str(file), status.st_size, *times))
        return tuple(states)


def checksum(path: str) -> str:
    """Return a file's sha256; that of a folder is over its files' paths and theirs."""
    if os.path.isdir(path):
        files = sorted(file for file in Path(path).rglob("*") if file.is_file())
        lines = [f"{file.relative_to(path)} {checksum(str(file))}\n" for file in files]
        return hashlib.sha256("".join(lines).encode()).hexdigest()
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def resolve(data: Any, eval_data: Any = None, revision: str | None = None) -> Source:
    """Say where rows are, without reading them.

    Parameters
    ----------
    data : str, path, DataFrame, Dataset or DatasetDict
        In this order: a bundled name ("./reviews" is a folder of that name), a file, a folder with
        a file ``train.*`` and perhaps one of ``validation.*``, ``eval.*`` or ``test.*``, a folder
        with a folder of images for each label (or two such, called as those files are), or a hub
        id, "owner/name" or with a configuration "owner/name:config". Tables go through
        :func:`~workbench.sources.datasets.tables.keep`.
    eval_data : same kinds, optional
        The evaluation file, of the same format; for data on the hub a split's name. None takes
        the data's own.
    revision : str, optional
        Branch, tag or commit of data on the hub.

    Raises
    ------
    DataError
    """
    name = _name(data, "data")
    path = _absolute(name)
    if not isinstance(data, os.PathLike) and name in cards.names():
        card = cards.card(name)
        test = card.folder / "test.jsonl"
        held_out = str(test) if test.exists() else None
        source = Source("jsonl", str(card.folder / "train.jsonl"), held_out, card=card)
    elif _is(path, stat.S_ISDIR):
        source = _folder(path)
    elif _is(path, stat.S_ISREG):
        source = Source(format_of(path), str(path), None)
    elif _is_hub_id(name):
        return _hub(hub.KNOWN.get(name, name), eval_data, revision)
    else:
        raise DataError(_missing(name, path, "data"))
    if revision is not None:
        raise DataError(
            f"data_revision must be None for data that is not on the hub, but is {revision!r}: "
            "leave it out."
        )
    if eval_data is None:
        return source
    return dataclasses.replace(source, eval=str(_eval_file(source, eval_data)))


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
    is_path = Path(name).suffix.lower() in SUFFIXES or os.path.isdir(owner)
    return bool(HUB_ID.fullmatch(name)) and not is_path


def _folder(folder: Path) -> Source:
    try:
        files = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    except PermissionError:
        raise DataError(
            f"You have no permission to read the folder {folder} (permission denied): ask for "
            "access to it."
        ) from None
    train_files = [path for path in files if path.stem.lower() in TRAIN_SPLITS]
    if not train_files and (splits := images.find_splits(folder, TRAIN_SPLITS, EVAL_SPLITS)):
        first, rest = splits
        return Source("imagefolder", str(first), str(rest) if rest else None)
    if not train_files:
        raise DataError(_no_train_file(folder, files))
    if len(train_files) > 1:
        raise DataError(
            f"The folder {folder} has more than one training file ({_listed(train_files)}): name the "
            "one to use."
        )
    train = train_files[0]
    held_out = sorted(
        (path for path in files if path.stem.lower() in EVAL_SPLITS),
        key=lambda path: (
            format_of(path) != format_of(train),
            EVAL_SPLITS.index(path.stem.lower()),
        ),
    )
    source = Source(format_of(train), str(train), None)
    if not held_out:
        return source
    return dataclasses.replace(source, eval=str(_same_format(source, held_out[0])))


def _no_train_file(folder: Path, files: list[Path]) -> str:
    if any((folder / name).exists() for name in ("dataset_dict.json", "state.json")):
        return (
            f"The folder {folder} was written by save_to_disk: pass datasets.load_from_disk(folder)"
            " as the data."
        )
    remedy = f"name one of its files ({_listed(files)})" if files else "put one there"
    return (
        f"The folder {folder} must have a file called train with one of the endings "
        f"{', '.join(SUFFIXES)}, or a folder of images for each label, but has none: {remedy}."
    )


def _eval_file(source: Source, eval_data: Any) -> Path:
    name = _name(eval_data, "eval_data")
    path = _absolute(name)
    if source.format == "imagefolder":
        if not _is(path, stat.S_ISDIR) or not images.has_labels(path):
            raise DataError(
                "eval_data must be a folder with a folder of images for each label, as the "
                f"training images have, but is {name!r}: check the path."
            )
        return path
    if _is(path, stat.S_ISDIR):
        raise DataError(f"eval_data must be a file, but {name!r} is a folder: name a file in it.")
    if not _is(path, stat.S_ISREG):
        raise DataError(_missing(name, path, "eval_data"))
    return _same_format(source, path)


def _same_format(source: Source, path: Path) -> Path:
    if format_of(path) != source.format:
        raise DataError(
            f"The evaluation file must have the training file's format, {source.format}, but is "
            f"{path.name!r}: save both in one format."
        )
    return path


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
    if parameter == "data" and os.sep not in name and path.suffix.lower() not in SUFFIXES:
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


def _listed(paths: Iterable[Path]) -> str:
    names = [path.name for path in paths]
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
