"""What a file holds, told by its content; its name decides only between things that look alike."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from workbench.errors import DataError
from workbench.sources.datasets.readers import arrow, formats, separated, texts
from workbench.sources.datasets.readers.compression import decompress, head_of
from workbench.sources.datasets.readers.file import UTF8, File, in_words, plain_encoding
from workbench.sources.datasets.readers.json_files import BEGINS_JSON, shape_of

HEAD = 1 << 17  # bytes that are looked at


def sniff(path: Path, encoding: str | None = None) -> File:
    """Tell how a file of rows is to be read.

    Parameters
    ----------
    path : Path
    encoding : str, optional
        That of its text; None for UTF-8.

    Raises
    ------
    DataError
        It holds no rows that can be read.
    """
    plain = plain_encoding(encoding)
    with in_words(path, plain):
        status = path.stat()
        state = status.st_size, status.st_mtime_ns, status.st_ctime_ns
        return _sniff(path, plain, state)


@functools.lru_cache(maxsize=256)
def _sniff(path: Path, encoding: str | None, state: tuple[int, int, int]) -> File:
    del state  # of which the answer is
    head = head_of(path, None, HEAD)
    if not head:
        raise DataError(f"{path} is empty: fill it, or pick another file.")
    compression = _starting(formats.COMPRESSIONS, head)
    if compression is not None:
        head = head_of(path, compression, HEAD)
    format, options = _format_of(path, head, encoding, compression)
    given = {"compression": compression, "encoding": encoding if format not in _BINARY else None}
    options |= {name: value for name, value in given.items() if value is not None}
    return File(str(path), format, tuple(options.items()))


_BINARY = set(formats.BINARY.values())


def _format_of(
    path: Path, head: bytes, encoding: str | None, compression: str | None
) -> tuple[str, dict[str, Any]]:
    named = formats.format_by_name(path)
    binary = _starting(formats.BINARY, head)
    if binary is not None or named in _BINARY:
        if compression is not None:
            raise DataError(
                f"{path} is a compressed {binary} file, which is compressed within: unpack it."
            )
        return _binary(path, binary or str(named))
    _refuse_others(path, head, named, encoding)
    complete = len(head) < HEAD
    try:
        text = head.decode(encoding or UTF8)
    except UnicodeDecodeError as error:
        if complete or error.start < len(head) - 4:
            raise
        text, complete = head[: error.start].decode(encoding or UTF8), False

    def whole() -> str:
        return decompress(path.read_bytes(), compression, path).decode(encoding or UTF8)

    if named in ("json", "jsonl") or BEGINS_JSON.match(text):
        return shape_of(text, whole, path, named)
    delimiter = formats.DELIMITERS.get(formats.inner_suffix(path), ",")
    dialect = separated.dialect_of(text, complete, delimiter)
    if named == "csv" or (named is None and separated.is_separated(text, complete, dialect)):
        return "csv", dialect
    if named == "text":
        return "text", {"sample_by": texts.sample_by(whole())}
    raise formats.unknown_format(path)


def _binary(path: Path, format: str) -> tuple[str, dict[str, Any]]:
    classes = arrow.class_names(path, format)
    return format, {"class_names": arrow.frozen(classes)} if classes else {}


def _refuse_others(path: Path, head: bytes, named: str | None, encoding: str | None) -> None:
    what = _starting(formats.OTHERS, head)
    if encoding is None and head.startswith(formats.UTF16):
        what = "UTF-16 text: save it as UTF-8, or set encoding to 'utf-16'"
    if head.lstrip().lower().startswith((b"<!doctype html", b"<html")):
        # A site that wants a login answers with a page, which download tools keep under the file's name.
        what = "a web page: download the file itself"
    if what is not None:
        kind = f"a {formats.inner_suffix(path)[1:].upper()} file" if named else "a file of rows"
        raise DataError(f"{path} is not {kind} but {what}.")


def _starting(signatures: dict[bytes, str], head: bytes) -> str | None:
    return next((what for start, what in signatures.items() if head.startswith(start)), None)
