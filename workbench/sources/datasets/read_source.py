"""All rows of a source, and what was left out of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from workbench.display.wording import rows_in_words
from workbench.errors import DataError
from workbench.sources.datasets import hub
from workbench.sources.datasets.images import read_folder
from workbench.sources.datasets.readers import File, Row, read_file
from workbench.sources.datasets.source import Source


@dataclass
class Part:
    """The rows of one part of a source.

    Parameters
    ----------
    rows : list of dict
    files : tuple of File
        As they were read: with the lines that were left out.
    bad : set of int
        Numbers of rows that are no whole rows.
    """

    rows: list[Row]
    files: tuple[File, ...] = ()
    bad: set[int] = field(default_factory=set)

    @property
    def bad_lines(self) -> int:
        """How many lines of its files are no rows."""
        return sum(len(file.option("skip_lines", ())) for file in self.files)

    def check(self, check: Callable[[Sequence[Row]], None], skip: bool) -> None:
        """Check the rows; with ``skip`` those that are refused are left out, unless all would be."""
        whole = [row for number, row in enumerate(self.rows, start=1) if number not in self.bad]
        if not whole:
            raise DataError("All rows are bad: look at the data, or leave skip_bad_rows out.")
        try:
            check(whole)
        except DataError:
            if not skip:
                raise
            bad = {n for n, row in enumerate(self.rows, start=1) if _is_refused(row, check)}
            if len(bad | self.bad) == len(self.rows):
                raise
            self.bad |= bad
        self.rows = [row for n, row in enumerate(self.rows, start=1) if n not in self.bad]

    def note(self, where: str) -> str | None:
        """Say what was left out; None if nothing was."""
        count = len(self.bad) + self.bad_lines
        if not count:
            return None
        numbers = f" ({rows_in_words(sorted(self.bad))})" if self.bad else ""
        lines = f", {self.bad_lines:,} of them lines that are not JSON" if self.bad_lines else ""
        of = len(self.rows) + count
        are = "is" if count == 1 else "are"
        return f"{count:,} of the {of:,} rows of {where} {are} bad and left out{numbers}{lines}."


def _is_refused(row: Row, check: Callable[[Sequence[Row]], None]) -> bool:
    try:
        check([row])
    except DataError:
        return True
    return False


def read_parts(
    source: Source, checksums: dict[str, str] | None = None, skip_bad_rows: bool = False
) -> tuple[Part, Part | None]:
    """Read the training and the evaluation rows of a source.

    Parameters
    ----------
    source : Source
    checksums : dict, optional
        Gets the sha256 of each file that is read, by its path.
    skip_bad_rows : bool
        Leave out what is no row, instead of refusing it.
    """
    if source.format == "hub":
        wanted = [split for split in (source.train_split, source.eval) if split is not None]
        train, *rest = hub.rows(source.train, source.config, source.revision, wanted)
        return Part(train), Part(rest[0]) if rest else None
    if source.format == "imagefolder":
        held_out = None if source.eval is None else Part(read_folder(Path(source.eval)))
        return Part(read_folder(Path(source.train))), held_out
    train_part = _read(source.train_files, checksums, skip_bad_rows)
    if source.eval is None:
        return train_part, None
    return train_part, _read(source.eval_files, checksums, skip_bad_rows)


def read(
    source: Source, checksums: dict[str, str] | None = None
) -> tuple[list[Row], list[Row] | None]:
    """Read the training and the evaluation rows of a source.

    Parameters
    ----------
    source : Source
    checksums : dict, optional
        Gets the sha256 of each file that is read, by its path.

    Raises
    ------
    DataError
    """
    train, evaluation = read_parts(source, checksums)
    return train.rows, evaluation.rows if evaluation else None


def _read(files: Sequence[File], checksums: dict[str, str] | None, skip: bool) -> Part:
    part = Part([])
    for file in files:
        skips: list[int] | None = [] if skip else None
        rows = read_file(file, checksums, skips)
        if skips and file.format == "jsonl":
            options = (*file.options, ("skip_lines", tuple(skips)))
            file = dataclasses.replace(file, options=options)
        elif skips:
            part.bad |= {len(part.rows) + number for number in skips}
        part.rows += rows
        part.files += (file,)
    return part


def settled(source: Source, train: Part, evaluation: Part | None, nested: Sequence[str]) -> Source:
    """Return a source with what was found out when it was read."""
    files = evaluation.files if evaluation else ()
    return dataclasses.replace(
        source,
        train_files=train.files,
        eval_files=files,
        train_skips=tuple(sorted(train.bad)),
        eval_skips=tuple(sorted(evaluation.bad)) if evaluation else (),
        nested=tuple(nested),
    )


def unnest(rows: Sequence[Row], columns: Sequence[str]) -> list[Row]:
    """Put columns that lie within others beside them, such as "translation.en"."""
    return [
        {**row, **{column: _within(row, *column.split(".", 1)) for column in columns}}
        for row in rows
    ]


def _within(row: Row, outer: str, inner: str) -> object:
    value = row.get(outer)
    return value.get(inner) if isinstance(value, dict) else None
