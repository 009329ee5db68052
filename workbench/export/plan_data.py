"""What a plan says of its data: where rows are, and how each file is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from workbench.errors import Problem
from workbench.sources.datasets.readers.read import FORMATS

# How earlier versions named the formats of files, and what they are read with now.
_EARLIER: dict[str, tuple[str, dict[str, Any]]] = {
    **{name: (name, {}) for name in ("jsonl", "json", "csv", "parquet")},
    "tsv": ("csv", {"delimiter": "\t"}),
}
_OPTIONS = {
    *("encoding", "compression", "skip_lines", "key", "delimiter", "skipinitialspace"),
    *("escapechar", "skip", "header", "sample_by", "class_names"),
}


def read_data(facts: Mapping[str, Any]) -> Mapping[str, Any]:
    """Read what a plan says of its data; that of an earlier version has one file for each part."""
    if facts.get("format") not in _EARLIER:
        return facts
    format, options = _EARLIER[facts["format"]]
    parts = {
        f"{part}_files": [{"path": facts[part], "format": format, "options": options}]
        for part in ("train", "eval")
        if facts.get(part) is not None
    }
    return {**facts, "format": "files", **parts}


def data_problems(data: Mapping[str, Any]) -> Iterator[Problem]:
    """Go through what no version of the workbench writes of formats and files."""
    formats = ("files", "hub", "imagefolder", *_EARLIER)
    if data.get("format") not in formats:
        yield Problem("data's format", f"one of {', '.join(formats)}", data.get("format"))
    for file in (*data.get("train_files", ()), *data.get("eval_files", ())):
        if not isinstance(file, Mapping) or file.get("format") not in FORMATS:
            yield Problem("data's files", f"files of formats {', '.join(FORMATS)}", file)
        elif not isinstance(file.get("options"), Mapping) or not set(file["options"]) <= _OPTIONS:
            yield Problem("data's files", f"files with options {', '.join(sorted(_OPTIONS))}", file)


@dataclass(frozen=True, kw_only=True)
class Data:
    """Where rows are from; see :class:`workbench.sources.datasets.source.Source`."""

    format: str
    train: str
    eval: str | None = None
    train_split: str | None = None
    config: str | None = None
    revision: str | None = None
    train_files: list = field(default_factory=list)
    eval_files: list = field(default_factory=list)
    train_skips: list = field(default_factory=list)
    eval_skips: list = field(default_factory=list)
    nested: list = field(default_factory=list)

    def files(self, part: str) -> list[dict]:
        """Return the files of the "train" or the "eval" rows; there are none on the hub."""
        return self.train_files if part == "train" else self.eval_files

    @property
    def is_folder(self) -> bool:
        """Whether the rows are in a folder that is read as a whole."""
        folders = ("saved", "textfolder")
        return self.format == "imagefolder" or any(f["format"] in folders for f in self.train_files)
