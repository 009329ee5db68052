"""A file of rows: where it is and how it is read."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.errors import DataError

Row = dict[str, Any]
# Without a byte order mark it is plain UTF-8.
UTF8 = "utf-8-sig"


@dataclass(frozen=True)
class File:
    """A file, or a folder of a format of its own, and all that a script needs to read it.

    Parameters
    ----------
    path : str
        Absolute.
    format : str
        What the function ``read_…`` of :mod:`workbench.export.rows` is called.
    options : tuple of (str, object)
        Its arguments, where they differ from its defaults; plain data.
    """

    path: str
    format: str
    options: tuple[tuple[str, Any], ...] = ()

    def option(self, name: str, default: Any = None) -> Any:
        """Return one of the arguments."""
        return dict(self.options).get(name, default)

    def to_dict(self) -> dict[str, Any]:
        """Return the file as plain data."""
        options = dict(self.options)
        if "class_names" in options:
            options["class_names"] = {name: list(names) for name, names in options["class_names"]}
        return {"path": self.path, "format": self.format, "options": options}


def plain_encoding(name: str | None) -> str | None:
    """Return an encoding's name as scripts have it; None for UTF-8, which is the default.

    Raises
    ------
    DataError
        Python knows none of this name.
    """
    if name is None:
        return None
    try:
        codec = codecs.lookup(name)
    except LookupError:
        raise DataError(
            f"encoding must be one of Python's encodings, such as 'cp1252', 'latin-1' or 'utf-16', "
            f"but is {name!r}: choose one of these, or leave it out for UTF-8."
        ) from None
    return None if codec.name in ("utf-8", UTF8) else codec.name


def as_text(content: bytes, encoding: str | None, newline: str | None = None) -> io.TextIOWrapper:
    """Return a file's content as ``open`` gives it."""
    return io.TextIOWrapper(io.BytesIO(content), encoding=encoding or UTF8, newline=newline)


@contextmanager
def in_words(path: Path, encoding: str | None = None) -> Iterator[None]:
    """Turn what the system says about a file into a sentence."""
    try:
        yield
    except UnicodeError:
        raise DataError(_not_decoded(path, encoding)) from None
    except FileNotFoundError:
        raise DataError(f"There is no file {path}: check the path.") from None
    except IsADirectoryError:
        raise DataError(f"{path} is a folder, not a file: name a file in it.") from None
    except PermissionError:
        raise DataError(
            f"You have no permission to read {path} (permission denied): ask for read access to it."
        ) from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from error


def _not_decoded(path: Path, encoding: str | None) -> str:
    """Say where the first byte is that is not UTF-8; no UTF-8 character holds a line feed."""
    if encoding is not None:
        return (
            f"{path} is not in the encoding {encoding!r}: set encoding to the one in which it was "
            "saved, or leave it out for UTF-8."
        )
    offset = 0
    with open(path, "rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                return (
                    f"{path} is not UTF-8: byte {offset + error.start} (in line {number}) is "
                    f"0x{line[error.start]:02x}, so save it as UTF-8, or set encoding to that of the "
                    "file, such as 'cp1252'."
                )
            offset += len(line)
    return f"{path} is not UTF-8: save it as UTF-8, or set encoding to that of the file."
