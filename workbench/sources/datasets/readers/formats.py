"""Formats by the names of files, and by their first bytes."""

from __future__ import annotations

from pathlib import Path

from workbench.errors import DataError

SUFFIXES = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".csv": "csv",
    ".tsv": "csv",
    ".parquet": "parquet",
    ".arrow": "arrow",
    ".txt": "text",
    ".md": "text",
}
COMPRESSED = {".gz": "gzip", ".zst": "zstd"}
DELIMITERS = {".tsv": "\t"}  # by a file's ending; of all others it is a comma

# Files that have rows, by their first bytes.
BINARY = {b"PAR1": "parquet", b"ARROW1": "arrow", b"\xff\xff\xff\xff": "arrow"}
COMPRESSIONS = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
# Those that are often taken for such, and what they are.
OTHERS = {
    b"PK\x03\x04": "an Excel workbook or a zip archive: export the sheet as CSV, or unpack it and "
    "name a file in it",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook: export the sheet as CSV",
    b"BZh": "compressed with bzip2: unpack it, or compress it with gzip",
    b"\xfd7zXZ": "compressed with xz: unpack it, or compress it with gzip",
    b"%PDF": "a PDF document: export its text",
    b"\x89PNG": "an image: give a folder that contains a folder of images for each label",
    b"\xff\xd8\xff": "an image: give a folder that contains a folder of images for each label",
}
UTF16 = (b"\xff\xfe", b"\xfe\xff")


def inner_suffix(path: Path) -> str:
    """Return the ending that says what is in a file, with that of a compression left out.

    Examples
    --------
    >>> inner_suffix(Path("rows.JSONL.gz"))
    '.jsonl'
    """
    suffix = path.suffix.lower()
    return Path(path.stem).suffix.lower() if suffix in COMPRESSED else suffix


def format_by_name(path: Path) -> str | None:
    """Tell a file's format from its name alone; None where the name says nothing.

    Examples
    --------
    >>> format_by_name(Path("rows.JSONL")), format_by_name(Path("rows"))
    ('jsonl', None)
    """
    return SUFFIXES.get(inner_suffix(path))


def stem_of(path: Path) -> str:
    """Return a file's name without its endings, in small letters.

    Examples
    --------
    >>> stem_of(Path("Train.jsonl.gz"))
    'train'
    """
    stem = path.stem.lower()
    return Path(stem).stem if path.suffix.lower() in COMPRESSED else stem


def unknown_format(path: Path) -> DataError:
    """Say that neither name nor content tell a file's format."""
    return DataError(
        f"{path.name!r} must end in {', '.join(SUFFIXES)} (or one of these and {', '.join(COMPRESSED)}) so that "
        "its format is clear: save the rows as one of these, or pass them as a DataFrame."
    )
