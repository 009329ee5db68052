"""What a person reads is in the words of the field, which can be searched for."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import workbench

ROOT = Path(workbench.__file__).parent
PROJECT = ROOT.parent
FILES = sorted(ROOT.rglob("*.py"))

# Words that a reader who does not know the code would not understand at once, and what to write.
WORDS = {
    r"parted by": "separated by",
    r"told": "named, shown or distinguished",
    r"whoever|nobody": "say who or what it is",
    r"beside": "in addition to, next to or parallel to",
    r"learnt": "learned or trained",
    r"foretold|foretells?": "forecast",
    r"fewer bits": "quantized",
    r"fits": "works with, or there is enough memory",
    r"kin": "similar",
    r"mend": "correct",
    r"hindmost|anew|likeliest": "say it in plain words",
    r"turns by|shared out": "all runs get the same number of steps",
    r"quantis\w+|tokenis\w+|normalis\w+": "with z, as the names of the libraries",
}
BANNED = {re.compile(rf"\b({word})\b", re.IGNORECASE): instead for word, instead in WORDS.items()}


def sentences(tree: ast.Module) -> Iterator[str]:
    """Go through the texts of a module: strings of several words, without the expressions in them.

    Docstrings are for those who read the code, and regular expressions for no reader.
    """
    bodies = [getattr(node, "body", None) for node in ast.walk(tree)]
    docstrings = {
        id(body[0].value)
        for body in bodies
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or id(node) in docstrings:
            continue
        if isinstance(node.value, str) and " " in node.value.strip():
            yield node.value


def banned(text: str) -> list[str]:
    """Say which words should be others, and which.

    Examples
    --------
    >>> banned("Values are parted by commas."), banned("Values are separated by commas.")
    (["'parted by': write separated by"], [])
    """
    return [
        f"{match.group()!r}: write {instead}"
        for pattern, instead in BANNED.items()
        for match in pattern.finditer(text)
    ]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_the_workbench_says_is_in_the_words_of_the_field(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert {text: banned(text) for text in sentences(tree) if banned(text)} == {}


@pytest.mark.parametrize("name", ["01_quickstart", "02_race"])
def test_the_notebooks_are_in_the_words_of_the_field(name):
    book = json.loads((PROJECT / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8"))
    for cell in book["cells"]:
        if cell["cell_type"] == "markdown":
            assert banned("".join(cell["source"])) == []


def test_the_readme_is_in_the_words_of_the_field():
    assert banned((PROJECT / "README.md").read_text(encoding="utf-8")) == []
