"""Plain texts as rows with a column ``text``."""

from __future__ import annotations

import re
from pathlib import Path

from workbench.sources.datasets.readers.file import File, Row, as_text

SUFFIXES = (".txt", ".md")
BLANK_LINES = re.compile(r"\n\s*\n")


def sample_by(text: str) -> str:
    """Tell what one text of a file is, in the words of ``datasets``: a paragraph, or else a line."""
    return "paragraph" if BLANK_LINES.search(text.strip()) else "line"


def read_text(file: File, content: bytes) -> list[Row]:
    """Read a text from each paragraph, or from each line."""
    with as_text(content, file.option("encoding")) as opened:
        whole = opened.read()
    paragraphs = file.option("sample_by") == "paragraph"
    parts = BLANK_LINES.split(whole) if paragraphs else whole.split("\n")
    return [{"text": part.strip("\n")} for part in parts if part.strip()]


def texts_in(folder: Path) -> list[Path]:
    """List the texts of a folder and its folders in their order, without hidden files and read-mes."""
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in SUFFIXES
        and path.stem.lower() not in ("readme", "license")
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    ]
