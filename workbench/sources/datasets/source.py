"""A source of rows, resolved: all that a script needs to read the same ones."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.sources.datasets.cards import DataCard
from workbench.sources.datasets.readers import File
from workbench.sources.datasets.tables import is_kept


@dataclass(frozen=True)
class Source:
    """Where rows come from, resolved: all that a script needs to read the same rows.

    Parameters
    ----------
    format : str
        "files", "imagefolder" or "hub".
    train : str
        Absolute path of the training file, the first of several; for "imagefolder" of the folder that
        holds a folder of images for each label; for "hub" the hub id.
    eval : str or None
        The same of the evaluation rows; for "hub" the split's name. None: evaluation rows are to be
        split off the training rows.
    train_split, revision, config : str, optional
        For "hub": the training split, the commit and the set's configuration.
    card : DataCard, optional
        For a bundled set.
    train_files, eval_files : tuple of File
        For "files": each with how it is read, in the order of the rows.
    train_skips, eval_skips : tuple of int
        Numbers of bad rows that are left out after reading.
    nested : tuple of str
        Columns that lie within others and are put beside them, such as "translation.en".
    """

    format: str
    train: str
    eval: str | None
    train_split: str | None = None
    revision: str | None = None
    card: DataCard | None = None
    config: str | None = None
    train_files: tuple[File, ...] = ()
    eval_files: tuple[File, ...] = ()
    train_skips: tuple[int, ...] = ()
    eval_skips: tuple[int, ...] = ()
    nested: tuple[str, ...] = ()

    @classmethod
    def of_files(
        cls, train: Sequence[File], evaluation: Sequence[File] = (), card: DataCard | None = None
    ) -> Source:
        """Make a source of files."""
        held_out = evaluation[0].path if evaluation else None
        return cls(
            "files",
            train[0].path,
            held_out,
            card=card,
            train_files=tuple(train),
            eval_files=tuple(evaluation),
        )

    def with_eval(self, files: Sequence[File]) -> Source:
        """Return the same with other evaluation files."""
        return dataclasses.replace(self, eval=files[0].path, eval_files=tuple(files))

    def files(self, part: str = "train") -> tuple[File, ...]:
        """Return the files of the "train" or the "eval" rows."""
        return self.train_files if part == "train" else self.eval_files

    @property
    def class_names(self) -> dict[str, list[str]]:
        """The classes of columns whose files name them, in the order of their numbers."""
        return (
            self.train_files[0].to_dict()["options"].get("class_names", {})
            if self.train_files
            else {}
        )

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
        more = len(self.files(part)) - 1
        name = f"{self.card.name}/{path.name}" if self.card else path.name
        return name if more < 1 else f"{name} and {more} more file{'s' * (more > 1)}"

    def checksums(self) -> dict[str, str]:
        """Return the sha256 of each file, by its path; on the hub the commit says as much."""
        return {path: checksum(path) for path in self._paths()}

    def states(self) -> tuple[tuple[str, int, int, int], ...]:
        """Return the sizes and times of its files: others, other rows; a commit says as much.

        The times are those of the last modification and of the last change: a copy may keep the former.
        """
        states = []
        for path in map(Path, self._paths()):
            for file in [path, *(sorted(path.rglob("*")) if path.is_dir() else ())]:
                status = file.stat()
                times = status.st_mtime_ns, status.st_ctime_ns
                states.append((str(file), status.st_size, *times))
        return tuple(states)

    def to_dict(self) -> dict[str, Any]:
        """Return what a plan says of its data."""
        return {
            "format": self.format,
            "train": self.train,
            "eval": self.eval,
            "train_split": self.train_split,
            "config": self.config,
            "revision": self.revision,
            "train_files": [file.to_dict() for file in self.train_files],
            "eval_files": [file.to_dict() for file in self.eval_files],
            "train_skips": list(self.train_skips),
            "eval_skips": list(self.eval_skips),
            "nested": list(self.nested),
        }

    def _paths(self) -> list[str]:
        if self.format == "hub":
            return []
        files = [file.path for file in (*self.train_files, *self.eval_files)]
        return files or [path for path in (self.train, self.eval) if path is not None]


def checksum(path: str) -> str:
    """Return a file's sha256; that of a folder is over its files' paths and theirs."""
    if os.path.isdir(path):
        files = sorted(file for file in Path(path).rglob("*") if file.is_file())
        lines = [f"{file.relative_to(path)} {checksum(str(file))}\n" for file in files]
        return hashlib.sha256("".join(lines).encode()).hexdigest()
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
