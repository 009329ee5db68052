"""Files whose fields are separated by commas, semicolons, tabs or bars."""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Iterable, Iterator
from typing import Any

from workbench.errors import DataError
from workbench.sources.datasets.readers.file import File, Row, as_text
from workbench.sources.datasets.readers.header import is_header

DELIMITER_NAMES = {",": "comma", "\t": "tab", ";": "semicolon", "|": "bar"}
# A first line for spreadsheets that names the delimiter.
SEP_LINE = re.compile(r"sep=(.)\r?\n?$", re.IGNORECASE)
# Other ways of writing fields, beside plain ones: a blank after each delimiter, quotes after backslashes.
VARIANTS: tuple[dict[str, Any], ...] = (
    {},
    {"skipinitialspace": True},
    {"escapechar": "\\"},
    {"skipinitialspace": True, "escapechar": "\\"},
)
MOST = 0.8  # of the rows have as many fields as the header, where some rows are bad


def dialect_of(text: str, complete: bool, delimiter: str) -> dict[str, Any]:
    """Tell how fields are written: the arguments of a reader that differ from its defaults.

    The plain way is taken wherever it gives whole rows.

    Parameters
    ----------
    text : str
        The beginning of a file.
    complete : bool
        Whether that is all of it.
    delimiter : str
        The one that its name says.
    """
    options: dict[str, Any] = {}
    first, _, rest = text.partition("\n")
    if (line := SEP_LINE.match(first)) is not None:
        text, delimiter, options["skip"] = rest, line[1], 1
    tries = [
        {"delimiter": other, **variant}
        for other in dict.fromkeys((delimiter, *DELIMITER_NAMES))
        for variant in VARIANTS
        if "escapechar" not in variant or '\\"' in text
    ]
    parsed = [(tried, list(_parse(text, complete, tried))) for tried in tries]
    dialect, rows = _best(parsed)
    options |= {key: value for key, value in dialect.items() if (key, value) != ("delimiter", ",")}
    if len(rows) > 1 and not is_header(rows[0], rows[1:]):
        options["header"] = False
    return options


def is_separated(text: str, complete: bool, options: dict[str, Any]) -> bool:
    """Tell whether a text is a table: two columns or more, and rows with a field for each."""
    dialect = {"delimiter": ",", **options}
    skip, header = dialect.pop("skip", 0), dialect.pop("header", True)
    text = "".join(itertools.islice(io.StringIO(text, newline=""), skip, None))
    rows = list(_parse(text, complete, dialect))
    return header and len(rows) > 1 and _share(rows) == 1


def _best(parsed: list[tuple[dict[str, Any], list[list[str]]]]) -> tuple[dict, list[list[str]]]:
    plain = parsed[0]
    single = all(len(row) == 1 for row in plain[1])
    if single and plain[1] and not any(other in plain[1][0][0] for other in DELIMITER_NAMES):
        return plain
    best = next((entry for entry in parsed if _share(entry[1]) == 1), None)
    best = best or max(parsed, key=lambda entry: _share(entry[1]))
    if _share(best[1]) < MOST:
        return plain
    # Blanks after the delimiters are the file's habit, and no part of names and texts.
    skipping = {**best[0], "skipinitialspace": True}
    other = next((entry for entry in parsed if entry[0] == skipping), best)
    if _share(other[1]) >= _share(best[1]) and _blanks(other[1]) < _blanks(best[1]):
        return other
    return best


def _parse(text: str, complete: bool, dialect: dict[str, Any]) -> Iterator[list[str]]:
    """Go through whole rows; an empty one stands for what cannot be parsed."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, **dialect)
    last = None
    try:
        for row in reader:
            if last:
                yield last
            last = row
    except csv.Error as error:
        if complete or "unexpected end" not in str(error):
            yield []
        return
    if complete and last:
        yield last


def _share(rows: list[list[str]]) -> float:
    """Return the share of rows with a field for each of two columns or more."""
    if not rows or len(rows[0]) < 2 or [] in rows:
        return 0
    return sum(len(row) == len(rows[0]) for row in rows) / len(rows)


def _blanks(rows: list[list[str]]) -> int:
    """Count names after a blank, and fields whose quotes stand after a blank."""
    names = sum(name.startswith(" ") for name in rows[0])
    return names + sum(
        field.lstrip(" ") != field and field.lstrip()[:1] == '"' for row in rows for field in row
    )


def read_csv(file: File, content: bytes, skips: list[int] | None = None) -> list[Row]:
    """Read rows below a header; rows with other fields are refused, or numbered in ``skips``."""
    options = dict(file.options)
    encoding, skip = options.pop("encoding", None), options.pop("skip", 0)
    options.pop("compression", None)
    has_header, delimiter = options.pop("header", True), options.pop("delimiter", ",")
    with as_text(content, encoding, newline="") as lines:
        for _ in range(skip):
            next(lines, None)
        # strict only adds errors: where it raises none, the rows are those of a plain reader.
        reader = csv.reader(lines, delimiter=delimiter, strict=True, **options)
        fields: list[tuple[list[str], int]] = []
        line = skip
        try:
            for row in reader:
                line = reader.line_num + skip
                fields.append((row, line))
        except csv.Error as error:
            raise DataError(_stray_quote(error, line + 1, file.path, delimiter)) from None
    fields = [(row, line) for row, line in fields if row]
    names = _header(fields, file, delimiter) if has_header else _numbered(fields)
    rows = []
    for number, (row, line) in enumerate(fields[has_header:], start=1):
        if len(row) != len(names):
            if skips is None:
                raise DataError(_other_length(row, line, names, file, delimiter))
            skips.append(number)
        rows.append(dict(zip(names, row, strict=False)))
    if fields and not rows:
        raise DataError(f"{file.path} has a header but no rows below it: add rows.")
    return rows


def _numbered(fields: list[tuple[list[str], int]]) -> list[str]:
    return [f"column_{number}" for number in range(1, len(fields[0][0]) + 1)]


def _header(fields: Iterable[tuple[list[str], int]], file: File, delimiter: str) -> list[str]:
    first, _ = next(iter(fields), ([], 0))
    names = [name.strip() for name in first]
    if not any(names):
        raise DataError(
            f"The first line of {file.path} is blank, but must name the columns: add them."
        )
    if any("\0" in name for name in names):
        raise DataError(
            f"{file.path} contains a NUL byte in its first line, so it is not a text file: export the rows "
            "as UTF-8 text again."
        )
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise DataError(
            f"The header of {file.path} names the column {twice[0]!r} twice: rename one of them (and if "
            "the first line is a row, put a line with the columns' names above it)."
        )
    return names


def _other_length(row: list[str], line: int, names: list[str], file: File, delimiter: str) -> str:
    count = "1 field" if len(row) == 1 else f"{len(row)} fields"
    return (
        f"Line {line} of {file.path} has {count}, but the header has {len(names)}: put a text that holds "
        f"{DELIMITER_NAMES.get(delimiter, repr(delimiter))}s or line breaks between double quotes, or set "
        "skip_bad_rows."
    )


def _stray_quote(error: csv.Error, line: int, path: str, delimiter: str) -> str:
    if "field limit" in str(error) or "field larger" in str(error):
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
