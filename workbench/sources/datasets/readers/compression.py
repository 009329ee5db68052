"""Files that are compressed."""

from __future__ import annotations

import gzip
import importlib
import zlib
from pathlib import Path
from typing import Any

from workbench.errors import DataError


def decompress(content: bytes, compression: str | None, path: Path) -> bytes:
    """Return what a file holds."""
    if compression is None:
        return content
    if compression == "zstd":
        library = zstd(path)
        errors: tuple[type[Exception], ...] = (library.ZstdError, EOFError)
    else:
        library, errors = gzip, (EOFError, gzip.BadGzipFile, zlib.error)
    try:
        return library.decompress(content)
    except errors as error:
        raise DataError(
            f"{path} is not a whole {compression} file ({error}): write or download it again."
        ) from None


def head_of(path: Path, compression: str | None, count: int) -> bytes:
    """Return the first bytes that a file holds."""
    if compression is None:
        with open(path, "rb") as file:
            return file.read(count)
    library: Any = zstd(path) if compression == "zstd" else gzip
    try:
        with library.open(path, "rb") as file:
            return file.read(count)
    except (EOFError, zlib.error):
        return decompress(path.read_bytes(), compression, path)  # which says what is wrong


def zstd(path: Path) -> Any:
    """Return Python's module for Zstandard, which it has since 3.14."""
    try:
        return importlib.import_module("compression.zstd")
    except ImportError:
        raise DataError(
            f"{path} is compressed with zstd, which this Python cannot read (from 3.14 on it can): "
            "unpack it, or compress it with gzip."
        ) from None
