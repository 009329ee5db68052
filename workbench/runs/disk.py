"""Files of a run as they are written: whole or not at all, with the disk's refusals in words."""

from __future__ import annotations

import contextlib
import errno
import json
import math
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from workbench.errors import StoreError


def write_whole(path: Path, text: str) -> None:
    """Write a file so that it is there whole or not at all."""
    half = path.with_name(f".{path.name}-unfinished")
    try:
        half.write_text(text, encoding="utf-8")
        os.replace(half, path)
    except BaseException:
        half.unlink(missing_ok=True)
        raise


def to_json(value: Any, indent: int | None = None) -> str:
    """Return a value as strict JSON; what JSON has no form for, such as nan or a path, becomes text."""
    return json.dumps(_plain(value), indent=indent, ensure_ascii=False, allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return str(value)


@contextlib.contextmanager
def disk_errors(path: str | os.PathLike) -> Iterator[None]:
    """Raise what the disk refuses as a StoreError, in a sentence.

    Parameters
    ----------
    path : path
        The file or folder that is written, for the sentence.
    """
    try:
        yield
    except Exception as error:
        number = _refusal(error)
        if isinstance(error, StoreError) or number is None:
            raise
        reason = {
            errno.ENOSPC: "the disk is full: free some space, or give another folder",
            errno.EDQUOT: "your disk quota is used up: free some space, or give another folder",
            errno.EACCES: "you may not write there: give another folder",
            errno.EROFS: "it cannot be written to: give another folder",
        }.get(number, os.strerror(number) if number else str(error))
        raise StoreError(
            f"The run could not be saved in {os.fspath(path)!r}, because {reason}."
        ) from error


def _refusal(error: Exception) -> int | None:
    """Return the errno of what the disk refused, 0 if it has none; None if it was not the disk."""
    if isinstance(error, OSError):
        return error.errno or 0
    # Libraries written in Rust, safetensors among them, have errors of their own for it.
    match = re.search(r"\(os error (\d+)\)", str(error))
    return int(match[1]) if match else None
