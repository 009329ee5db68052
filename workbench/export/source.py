"""The functions that a script calls, as text, with what those call in their turn.

The exported script carries the very functions that trained the run. There is one rule: a name that
comes from this package is carried, and a name from elsewhere is imported. So what is carried follows
from what is called. Functions are read from the source files as text, so nothing heavy is imported.
"""

from __future__ import annotations

import ast
import builtins
import functools
import symtable
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.resources import files

PACKAGE = __name__.partition(".")[0]


@dataclass(frozen=True)
class Module:
    """What a module of this package defines and imports.

    Parameters
    ----------
    defined : dict of str to str
        The text of each of its functions, classes and constants.
    imported : dict of str to str
        The module that each name is from; empty where the name is a module itself.
    starred : list of str
        The modules whose every name is imported.
    """

    defined: dict[str, str] = field(default_factory=dict)
    imported: dict[str, str] = field(default_factory=dict)
    starred: list[str] = field(default_factory=list)

    def find(self, name: str) -> tuple[str, str] | None:
        """Return where an imported name is from, and that name; None if it is not imported."""
        if name in self.imported:
            return self.imported[name], name
        homes = [home for home in self.starred if name in read(home).defined]
        return (homes[0], name) if homes else None


@functools.cache
def read(module: str) -> Module:
    """Read a module of this package."""
    path = module.removeprefix(f"{PACKAGE}.").replace(".", "/") + ".py"
    text = files(PACKAGE).joinpath(path).read_text(encoding="utf-8")
    contents = Module()
    for node in ast.parse(text).body:
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if alias.name == "*":
                    contents.starred.append(str(node.module))
                else:
                    contents.imported[alias.name] = str(node.module)
        elif isinstance(node, ast.Import):
            contents.imported.update({alias.name.partition(".")[0]: "" for alias in node.names})
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            contents.defined[node.name] = source_of(text, node)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = [name.id for part in targets for name in _names(part)]
            contents.defined.update(dict.fromkeys(names, source_of(text, node)))
    return contents


def carry(text: str, module: str) -> tuple[list[str], list[str]]:
    """Return what a text calls of this package, and the import statements that all of it needs.

    Each function is followed by those that it calls, in the order in which it calls them; what must
    be there for something to be defined, such as a class's base, stands before it.

    Parameters
    ----------
    text : str
        Python source.
    module : str
        The module of this package whose imports say where the text's names are from.
    """
    linked = _Linked()
    for name in free_names(text):
        linked.link(module, name)
    return list(linked.definitions.values()), sorted(linked.imports)


class _Linked:
    def __init__(self) -> None:
        self.definitions: dict[str, str] = {}
        self.imports: set[str] = set()
        self._homes: dict[str, str] = {}

    def link(self, module: str, name: str) -> None:
        """Carry or import what a name means in a module; what means nothing there is the text's own."""
        text = read(module).defined.get(name)
        if text is not None:
            self._carry(module, name, text)
        elif (origin := read(module).find(name)) is not None:
            home, name = origin
            if home.partition(".")[0] == PACKAGE:
                self.link(home, name)
            else:
                self.imports.add(f"from {home} import {name}" if home else f"import {name}")

    def _carry(self, module: str, name: str, text: str) -> None:
        if name in self._homes:
            if self._homes[name] != module:
                raise ValueError(f"{name} is defined in {self._homes[name]} and in {module}")
            return
        self._homes[name] = module
        for other in early_names(text):
            self.link(module, other)
        self.definitions[name] = text
        for other in free_names(text):
            self.link(module, other)


def free_names(text: str) -> list[str]:
    """Return the global names that a text reads, in their order.

    Examples
    --------
    >>> free_names("def area(r: float = ONE): return pi * r**2")
    ['ONE', 'pi']
    """
    return _in_order(text, set(_read(symtable.symtable(text, "script", "exec"), early=False)))


def early_names(text: str) -> list[str]:
    """Return the global names without which a text cannot be defined.

    Examples
    --------
    >>> early_names("def area(r: float = ONE): return pi * r**2")
    ['ONE']
    """
    return _in_order(text, set(_read(symtable.symtable(text, "script", "exec"), early=True)))


def _read(table: symtable.SymbolTable, early: bool) -> Iterator[str]:
    top = table.get_type() == "module"
    for symbol in table.get_symbols():
        outside = not symbol.is_assigned() if top else symbol.is_global()
        if symbol.is_referenced() and outside:
            yield symbol.get_name()
    for child in table.get_children():
        if not (early and isinstance(child, symtable.Function)):
            yield from _read(child, early)


def _in_order(text: str, names: set[str]) -> list[str]:
    nodes = sorted(_names(ast.parse(text)), key=lambda node: (node.lineno, node.col_offset))
    ordered = dict.fromkeys(node.id for node in nodes if node.id in names)
    return [name for name in ordered if not hasattr(builtins, name)]


def _names(tree: ast.AST) -> list[ast.Name]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.Name)]


def source_of(text: str, node: ast.stmt) -> str:
    """Return a statement's source with its decorators."""
    first = min(part.lineno for part in (node, *getattr(node, "decorator_list", ())))
    return "\n".join(text.splitlines()[first - 1 : node.end_lineno])


def reachable(text: str, start: str) -> str:
    """Return a text without the functions and classes that nothing reachable from one of them uses."""
    nodes = [node for node in ast.parse(text).body if hasattr(node, "name")]
    defined = {node.name: source_of(text, node) for node in nodes}
    needed, queue = set(), [start]
    while queue:
        name = queue.pop()
        if name in defined and name not in needed:
            needed.add(name)
            queue += free_names(defined[name])
    for name in defined.keys() - needed:
        text = text.replace(defined[name] + "\n", "", 1)
    return text
