"""Rows from files, as plain dicts, with nothing but the standard library.

What an exported script does is what happens here, less the care for bad files::

    json.load(open(path, encoding="utf-8-sig"))                                   # json
    [json.loads(line) for line in open(path, encoding="utf-8-sig") if line.strip()]  # jsonl
    list(csv.DictReader(open(path, encoding="utf-8-sig", newline="")))            # csv
    list(csv.DictReader(open(path, encoding="utf-8-sig", newline=""), delimiter="\\t"))  # tsv
    pyarrow.parquet.ParquetFile(path).read().to_pylist()                          # parquet

so that it reads the very same rows. Values stay as they are in the file: those of CSV and TSV are
strings. What those lines would read wrongly and in silence, such as a quote that never closes, is
refused here.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from workbench.errors import DataError, first_line

Row = dict[str, Any]

SUFFIXES = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".csv": "csv",
    ".tsv": "tsv",
    ".parquet": "parquet",
}

DELIMITERS = {"csv": ",", "tsv": "\t"}
DELIMITER_NAMES = {",": "comma", "\t": "tab", ";": "semicolon", "|": "bar"}

# The first bytes of files that are often taken for text, and what they are.
MAGIC = {
    b"PK\x03\x04": "an Excel workbook or a zip archive: export the sheet as CSV, or unpack it",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook: export the sheet as CSV",
    b"\x1f\x8b": "compressed with gzip: unpack it",
    b"PAR1": "a Parquet file: name it .parquet",
    b"\xff\xfe": "UTF-16 text: save it as UTF-8",
    b"\xfe\xff": "UTF-16 text: save it as UTF-8",
    b"%PDF": "a PDF document: export its text",
    b"\x89PNG": "an image: give a folder that contains a folder of images for each label",
    b"\xff\xd8\xff": "an image: give a folder that contains a folder of images for each label",
}
_BEGINS_JSON = re.compile(rb'(\xef\xbb\xbf)?\s*(\[\s*)?\{\s*"')


def format_of(path: Path) -> str:
    """Tell a file's format from its name, or say which are read.

    Examples
    --------
    >>> format_of(Path("rows.JSONL"))
    'jsonl'
    """
    try:
        return SUFFIXES[path.suffix.lower()]
    except KeyError:
        raise DataError(
            f"{path.name!r} must end in {', '.join(SUFFIXES)} so that its format is clear: save "
            "the rows as one of these, or pass them as a DataFrame."
        ) from None


def read_file(path: Path, format: str, checksums: dict[str, str] | None = None) -> list[Row]:
    """Read all rows of a file.

    Parameters
    ----------
    path : Path
    format : str
        One of the values of :data:`SUFFIXES`.
    checksums : dict, optional
        Gets the sha256 of what was read, by the file's path.

    Returns
    -------
    list of dict
        At least one.
    """
    with _in_words(path):
        content = path.read_bytes()
        _refuse_other_formats(path, format, content[:512])
        if checksums is not None:
            checksums[str(path)] = hashlib.sha256(content).hexdigest()
        rows = _READERS[format](path, content)
    if not rows:
        raise DataError(f"{path} has no rows: fill it, or pick another file.")
    return rows


def _text(content: bytes, newline: str | None = None) -> io.TextIOWrapper:
    """Return a file's content as ``open`` gives it."""
    return io.TextIOWrapper(io.BytesIO(content), encoding="utf-8-sig", newline=newline)


def _read_jsonl(path: Path, content: bytes) -> list[Row]:
    rows = []
    with _text(content) as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line.rstrip("\n"))
            except (ValueError, RecursionError) as error:
                raise DataError(
                    f"Line {number} of {path} is not JSON ({_json_reason(error)}): in a .jsonl file each line is "
                    'one whole object, such as {"text": "..."}.'
                ) from None
            if not isinstance(row, dict):
                raise DataError(
                    f"Line {number} of {path} must be a JSON object, such as "
                    f'{{"text": "..."}}, but is {_json_type(row)}.'
                )
            rows.append(row)
    return rows


def _read_json(path: Path, content: bytes) -> list[Row]:
    with _text(content) as file:
        text = file.read()
    try:
        rows = json.loads(text)
    except (ValueError, RecursionError) as error:
        if _is_json_lines(text):
            raise DataError(
                f"{path} holds one JSON object per line, not one list: name it "
                f"{path.with_suffix('.jsonl').name}."
            ) from None
        raise DataError(f"{path} is not JSON ({_json_reason(error)}): fix it there.") from None
    if not isinstance(rows, list):
        raise DataError(
            f'{path} must be a list of objects, such as [{{"text": "..."}}], but is {_json_type(rows)}.'
        )
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, dict):
            raise DataError(
                f"{path} must be a list of objects, such as "
                f'[{{"text": "..."}}], but item {number} is {_json_type(row)}.'
            )
    return rows


def _json_reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        line = f"line {error.lineno}, " if "\n" in error.doc.rstrip() else ""
        return f"{error.msg} at {line}column {error.colno}"
    return "nested too deep" if isinstance(error, RecursionError) else str(error)


def _is_json_lines(text: str) -> bool:
    lines = [line for line in text.splitlines() if line.strip()][:2]
    try:
        return len(lines) == 2 and all(isinstance(json.loads(line), dict) for line in lines)
    except ValueError:
        return False


def _read_separated(path: Path, content: bytes, format: str) -> list[Row]:
    delimiter = DELIMITERS[format]
    with _text(content, newline="") as file:
        # strict only adds errors: where it raises none, the rows are those of a plain DictReader.
        reader = csv.DictReader(_without_nul(file, path), delimiter=delimiter, strict=True)
        try:
            header = list(reader.fieldnames or ())
            _check_header(header, path, format)
            rows = []
            for row in reader:
                num_fields = len(header) + len(row.get(None, ()))
                num_fields -= sum(value is None for value in row.values())
                if num_fields != len(header):
                    raise DataError(
                        f"Line {reader.line_num} of {path} has {_fields(num_fields)}, but the header has "
                        f"{len(header)}: put a text that holds {DELIMITER_NAMES[delimiter]}s or line "
                        "breaks between double quotes."
                    )
                rows.append(row)
        except csv.Error as error:
            raise DataError(_stray_quote(error, reader.line_num + 1, path, delimiter)) from None
    if not rows:
        raise DataError(f"{path} has a header but no rows below it: add rows.")
    return rows


def _check_header(header: list[str], path: Path, format: str) -> None:
    if not any(name.strip() for name in header):
        raise DataError(f"The first line of {path} is blank, but must name the columns: add them.")
    for other, name in DELIMITER_NAMES.items():
        if len(header) == 1 and other in header[0] and other != DELIMITERS[format]:
            twin = next((f for f, delimiter in DELIMITERS.items() if delimiter == other), None)
            remedy = (
                f"name it {path.with_suffix('.' + twin).name}"
                if twin
                else f"save it with {DELIMITER_NAMES[DELIMITERS[format]]}s, or pass "
                f"pandas.read_csv(path, sep={other!r}) as the data"
            )
            raise DataError(f"{path} looks {name}-separated: {remedy}.")
    twice = sorted({name for name in header if name and header.count(name) > 1})
    if twice:
        raise DataError(
            f"The header of {path} names the column {twice[0]!r} twice: rename one of them (and if "
            "the first line is a row, put a line with the columns' names above it)."
        )


def _without_nul(lines: Iterable[str], path: Path) -> Iterator[str]:
    for number, line in enumerate(lines, start=1):
        if "\0" in line:
            raise DataError(
                f"{path} contains a NUL byte in line {number}, so it is not a text file: export "
                "the rows as UTF-8 text again."
            )
        yield line


def _stray_quote(error: csv.Error, line: int, path: Path, delimiter: str) -> str:
    if "field limit" in str(error):
        return (
            f"A field of {path} in the row that begins in line {line} is longer than "
            f"{csv.field_size_limit():,} characters: close its quotes, or if the text is that "
            "long, save the rows as JSONL."
        )
    return (
        f"The double quotes of {path} do not pair up in the row that begins in line {line} "
        f'({error}): double each quote inside a quoted field (""), or if the file does not use quotes, '
        f"pass pandas.read_csv(path, sep={delimiter!r}, quoting=3) as the data."
    )


def _read_parquet(path: Path, content: bytes) -> list[Row]:
    import pyarrow
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(pyarrow.BufferReader(content)) as file:
            return file.read().to_pylist()
    except pyarrow.ArrowException as error:
        reason = first_line(error).rstrip(".")
        raise DataError(
            f"{path} is not a whole Parquet file ({reason}): write or download it again."
        ) from None


_READERS: dict[str, Callable[[Path, bytes], list[Row]]] = {
    "jsonl": _read_jsonl,
    "json": _read_json,
    "csv": partial(_read_separated, format="csv"),
    "tsv": partial(_read_separated, format="tsv"),
    "parquet": _read_parquet,
}


@contextmanager
def _in_words(path: Path) -> Iterator[None]:
    """Turn what the system says about a file into a sentence."""
    try:
        yield
    except UnicodeDecodeError:
        raise DataError(_not_utf8(path)) from None
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


def _refuse_other_formats(path: Path, format: str, start: bytes) -> None:
    if not start:
        raise DataError(f"{path} is empty: fill it, or pick another file.")
    if format == "parquet":
        return
    signatures = dict(MAGIC)
    if start.lstrip().lower().startswith((b"<!doctype html", b"<html")):
        # A site that wants a login answers with a page, which download tools keep under the file's name.
        signatures[start] = "a web page: download the file itself"
    elif format in DELIMITERS and _BEGINS_JSON.match(start):
        signatures[start] = "JSON: name it .jsonl if it holds an object in each line, else .json"
    for signature, content in signatures.items():
        if start.startswith(signature):
            raise DataError(f"{path} is not a {format.upper()} file but {content}.")


def _not_utf8(path: Path) -> str:
    """Say where the first byte is that is not UTF-8; no UTF-8 character holds a line feed."""
    offset = 0
    with open(path, "rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                return (
                    f"{path} is not UTF-8: byte {offset + error.start} (in line {number}) is "
                    f"0x{line[error.start]:02x}, so save it as UTF-8."
                )
            offset += len(line)
    return f"{path} is not UTF-8: save it as UTF-8."


def _json_type(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean"}
    return "null" if value is None else names.get(type(value), "a number")


def _fields(count: int) -> str:
    return "1 field" if count == 1 else f"{count} fields"
