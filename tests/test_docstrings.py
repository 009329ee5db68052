"""Everything public says what it is in a sentence, and what `import workbench` offers, in full."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType

import pytest

import workbench as wb

ROOT = Path(wb.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))

# What a function of the package raises on purpose, by the functions that it is made of.
RAISES = {
    "adapt": {"RecipeError"},
    "compare": {"RecipeError", "StoreError"},
    "compatibility_table": {"RecipeError", "ModelError"},
    "compatible": {"RecipeError", "ModelError"},
    "export": {"RecipeError", "StoreError", "TrainingError"},
    "forecast": {"RecipeError", "ModelError"},
    "load_run": {"StoreError"},
    "look": {"ModelError", "RecipeError"},
    "load_runs": {"StoreError"},
    "race": {"RecipeError"},
    "train": {"RecipeError", "TrainingError"},
    "train_module": {"RecipeError", "TrainingError"},
}


def public(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    """Go through a module, its public classes and functions, and their public methods.

    A method without a docstring of its own is left out where a base class of the module has one.
    """
    yield "the module", tree
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    for node in tree.body:
        if not isinstance(node, ast.ClassDef | ast.FunctionDef) or node.name.startswith("_"):
            continue
        yield node.name, node
        if not isinstance(node, ast.ClassDef):
            continue
        bases = list(ancestors(node, classes))
        inherited = {
            name for base in bases for name, method in methods(base) if is_described(method)
        }
        for name, method in methods(node):
            if is_described(method) or name not in inherited:
                yield f"{node.name}.{name}", method


def ancestors(node: ast.ClassDef, classes: dict[str, ast.ClassDef]) -> Iterator[ast.ClassDef]:
    """Go through what a class is derived from in its file, however far up."""
    for name in map(ast.unparse, node.bases):
        if name in classes:
            yield classes[name]
            yield from ancestors(classes[name], classes)


def methods(node: ast.ClassDef) -> Iterator[tuple[str, ast.FunctionDef]]:
    """Go through the public methods and properties of a class, without setters."""
    for part in node.body:
        if isinstance(part, ast.FunctionDef) and not part.name.startswith("_"):
            marks = {ast.unparse(mark).rpartition(".")[2] for mark in part.decorator_list}
            if "setter" not in marks:
                yield part.name, part


def is_described(node: ast.AST) -> bool:
    """Tell whether a function or class has a docstring."""
    return ast.get_docstring(node) is not None


def first_sentence(text: str) -> str:
    """Return the first paragraph of a docstring in one line."""
    return " ".join(text.strip().split("\n\n")[0].split())


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_everything_public_says_what_it_is(path):
    silent = [
        (name, text)
        for name, node in public(ast.parse(path.read_text(encoding="utf-8")))
        if not says_something(text := ast.get_docstring(node) or "")
    ]
    assert silent == []


def says_something(text: str) -> bool:
    """Tell whether a docstring begins with a sentence of at least four words."""
    sentence = first_sentence(text)
    return len(sentence.split()) >= 4 and sentence.endswith((".", ":"))


def sections(text: str) -> dict[str, str]:
    """Split a docstring by its underlined headings."""
    parts = re.split(r"^(\w+)\n-{3,}\n", inspect.cleandoc(text), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def entries(section: str) -> set[str]:
    """Return what is described in a section, such as the names of parameters."""
    heads = re.findall(r"^(\S.*?)(?: :.*)?$", section, flags=re.MULTILINE)
    return {name.strip().lstrip("*") for head in heads for name in head.split(",")}


FUNCTIONS = sorted(name for name in wb.__all__ if isinstance(getattr(wb, name), FunctionType))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_functions_of_the_package_are_described_in_full(name):
    function = getattr(wb, name)
    signature, told = inspect.signature(function), sections(function.__doc__)
    assert set(signature.parameters) <= entries(told.get("Parameters", ""))
    assert bool(told.get("Returns") or told.get("Yields")) == (
        signature.return_annotation not in (None, "None")
    )
    assert RAISES[name] <= entries(told.get("Raises", ""))


def test_the_errors_of_the_package_are_those_that_are_described():
    assert set(RAISES) == set(FUNCTIONS)
    errors = vars(importlib.import_module("workbench.errors"))
    assert set.union(*RAISES.values()) <= set(errors)


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: wb.load_run("nowhere"), "StoreError"),
        (lambda: wb.load_runs("nowhere"), "StoreError"),
        (lambda: wb.compare("nowhere"), "StoreError"),
        (lambda: wb.export(3, "x.py"), "RecipeError"),
        (lambda: wb.race(wb.Recipe(), n=3), "RecipeError"),
        (lambda: wb.train(wb.Recipe(technique="lorra"), "runs"), "RecipeError"),
    ],
)
def test_what_is_said_to_be_raised_is_raised(call, error):
    with pytest.raises(wb.WorkbenchError) as caught:
        call()
    assert type(caught.value).__name__ == error
