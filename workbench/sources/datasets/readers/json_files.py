"""JSON in each of the shapes in which programs write rows."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from workbench.display.wording import quoted
from workbench.errors import DataError
from workbench.sources.datasets.readers.file import File, Row, as_text

BEGINS_JSON = re.compile(r'\s*(\[\s*)?\{\s*"')
BLANKS = re.compile(r"\s*")
# Lists of objects within one row: the turns of a conversation.
TURNS = {"role", "from"}

Shape = tuple[str, dict[str, Any]]


def shape_of(text: str, whole: Callable[[], str], path: Path, by_name: str | None) -> Shape:
    """Tell in which shape rows are written as JSON: a format and its options.

    Parameters
    ----------
    text : str
        The beginning of the file.
    whole : callable
        Returns all of it; it is asked only where the beginning does not decide.
    path : Path
    by_name : str or None
        The format that the file's name says.
    """
    if not text.lstrip().startswith("{"):
        return ("json", {}) if text.lstrip().startswith("[") else (by_name or "json", {})
    line, ended, rest = text.lstrip().partition("\n")
    if ended and rest.strip() and _is_object(line):
        return "jsonl", {}
    content = whole().strip()
    try:
        value, end = json.JSONDecoder().raw_decode(content)
    except (ValueError, RecursionError):
        return by_name if by_name in ("json", "jsonl") else "jsonl", {}
    if content[end:].strip():
        return "json_objects", {}
    return _shape_of_object(value, path, by_name)


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _shape_of_object(value: Row, path: Path, by_name: str | None) -> Shape:
    """Tell what one object is that is all of a file."""
    tables = [key for key, inner in value.items() if _is_table(inner)]
    if len(tables) == 1:
        return "json", {"key": tables[0]}
    if len(tables) > 1:
        raise DataError(
            f"{path} has more than one list of objects ({quoted(tables)}): save the one to learn from as a "
            "file of its own."
        )
    values = list(value.values())
    if value and all(isinstance(inner, dict) and inner for inner in values):
        by_number = all(key.isdigit() for inner in values for key in inner)
        return ("json_columns" if by_number else "json_values"), {}
    if any(isinstance(inner, str | int | float) or _is_turns(inner) for inner in values):
        return "json_objects", {}
    if value and by_name == "jsonl":
        return "json_objects", {}  # a single line is a row, such as words and their tags
    if value and all(isinstance(inner, list) and inner for inner in values):
        return "json_columns", {}
    raise DataError(
        f'{path} must be a list of objects, such as [{{"text": "..."}}], or an object with such a list, '
        f"but is an object with {quoted(value) if value else 'nothing in it'}: save the rows as such a list."
    )


def _is_table(value: Any) -> bool:
    objects = isinstance(value, list) and value and all(isinstance(row, dict) for row in value)
    return bool(objects) and not _is_turns(value)


def _is_turns(value: Any) -> bool:
    return isinstance(value, list) and any(
        isinstance(turn, dict) and TURNS & set(turn) for turn in value
    )


def read_jsonl(file: File, content: bytes, skips: list[int] | None = None) -> list[Row]:
    """Read one object from each line; lines that are none are refused, or listed in ``skips``."""
    path, rows = file.path, []
    with as_text(content, file.option("encoding")) as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                rows.append(_object_in(line, number, path))
            except DataError:
                if skips is None:
                    raise
                skips.append(number)
    return rows


def _object_in(line: str, number: int, path: str) -> Row:
    try:
        row = json.loads(line.rstrip("\n"))
    except (ValueError, RecursionError) as error:
        raise DataError(
            f"Line {number} of {path} is not JSON ({_reason(error)}): in a .jsonl file each line is one "
            'whole object, such as {"text": "..."}.'
        ) from None
    if isinstance(row, dict):
        return row
    raise DataError(
        f'Line {number} of {path} must be a JSON object, such as {{"text": "..."}}, but is {_type(row)}.'
    )


def read_json(file: File, content: bytes) -> list[Row]:
    """Read a list of objects, which may be the value of one key of an object."""
    value, key = _loads(file, content), file.option("key")
    place = f"{key!r} of {file.path}" if key else file.path
    if key is not None:
        value = value[key] if isinstance(value, dict) else value
    return _objects(value, place)


def read_json_objects(file: File, content: bytes) -> list[Row]:
    """Read objects that follow each other, on as many lines as each takes."""
    text = _text(file, content)
    decoder, rows = json.JSONDecoder(), []
    position = _after_blanks(text, 0)
    while position < len(text):
        try:
            row, position = decoder.raw_decode(text, position)
        except (ValueError, RecursionError) as error:
            raise _not_json(file, error) from None
        rows.append(row)
        position = _after_blanks(text, position)
    return _objects(rows, file.path)


def read_json_columns(file: File, content: bytes) -> list[Row]:
    """Read a column for each key, as a list or as pandas writes it, by the rows' numbers."""
    columns = _loads(file, content)
    lengths = {name: len(values) for name, values in columns.items()}
    indexes = {tuple(values) for values in columns.values() if isinstance(values, dict)}
    if len(set(lengths.values())) > 1 or len(indexes) > 1:
        words = ", ".join(f"{name!r} has {count}" for name, count in lengths.items())
        raise DataError(
            f"The columns of {file.path} must have a value for each row, but {words}: save the rows as a "
            "list of objects."
        )
    lists = [list(v.values()) if isinstance(v, dict) else v for v in columns.values()]
    return [dict(zip(columns, values, strict=True)) for values in zip(*lists, strict=True)]


def read_json_values(file: File, content: bytes) -> list[Row]:
    """Read objects that are the values of one, whose keys name them."""
    return _objects(list(_loads(file, content).values()), file.path)


def _after_blanks(text: str, position: int) -> int:
    blanks = BLANKS.match(text, position)
    return blanks.end() if blanks else position


def _text(file: File, content: bytes) -> str:
    with as_text(content, file.option("encoding")) as opened:
        return opened.read()


def _loads(file: File, content: bytes) -> Any:
    text = _text(file, content)
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _not_json(file, error) from None


def _objects(value: Any, place: str) -> list[Row]:
    shape = f'{place} must be a list of objects, such as [{{"text": "..."}}], but'
    if not isinstance(value, list):
        raise DataError(f"{shape} is {_type(value)}.")
    for number, row in enumerate(value, start=1):
        if not isinstance(row, dict):
            raise DataError(f"{shape} item {number} is {_type(row)}.")
    return value


def _not_json(file: File, error: Exception) -> DataError:
    return DataError(f"{file.path} is not JSON ({_reason(error)}): fix it there.")


def _reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        line = f"line {error.lineno}, " if "\n" in error.doc.rstrip() else ""
        return f"{error.msg} at {line}column {error.colno}"
    return "nested too deep" if isinstance(error, RecursionError) else str(error)


def _type(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean"}
    return "null" if value is None else names.get(type(value), "a number")
