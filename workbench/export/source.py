"""Functions of this package as text, with what they need and no more.

The exported script carries the very functions that trained the run. They are read from the source
files as text, so nothing heavy is imported.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable
from importlib.resources import files
from typing import Any

# What isort and ruff allow for an import line unless they are told otherwise.
IMPORT_WIDTH = 88


def pick(module: str, *names: str) -> str:
    """Return functions of a module, and the helpers of the same module that they call.

    Parameters
    ----------
    module : str
        The module's name in this package, such as ``"training.loop"``.
    *names : str
        The functions that are wanted.

    Returns
    -------
    str
        Their source in the module's order, two blank lines apart.
    """
    text = _text(module)
    defined = {node.name: node for node in ast.parse(text).body if hasattr(node, "name")}
    wanted, queue = set(), list(names)
    while queue:
        name = queue.pop()
        wanted.add(name)
        queue.extend((_names(defined[name]) & defined.keys()) - wanted)
    return "\n\n\n".join(_source(text, defined[name]) for name in defined if name in wanted)


def whole(module: str) -> str:
    """Return everything in a module behind its imports."""
    text = _text(module)
    first = next(
        node
        for node in ast.parse(text).body
        if not isinstance(node, ast.Expr | ast.Import | ast.ImportFrom)
    )
    return "\n".join(text.splitlines()[first.lineno - 1 :])


def imports_of(module: str) -> str:
    """Return the import statements at the top of a module.

    What comes from this package is carried and not imported.
    """
    statements = (node for node in ast.parse(_text(module)).body if _is_import(node))
    return "\n".join(ast.unparse(statement) for statement in statements)


def imports(body: str, offered: Iterable[str]) -> str:
    """Return the import statements that a body needs, sorted as isort does.

    Parameters
    ----------
    body : str
        Python source.
    offered : iterable of str
        Import statements, one or more lines each, of which the body may use some.
    """
    used = _names(ast.parse(body))
    whole: set[str] = set()
    parts: dict[str, set[str]] = {}
    for statement in ast.parse("\n".join(offered)).body:
        if isinstance(statement, ast.ImportFrom):
            parts.setdefault(statement.module or "", set()).update(_bound(statement) & used)
        elif isinstance(statement, ast.Import):
            whole |= _bound(statement) & used
    groups = []
    for standard in (True, False):
        lines = [f"import {name}" for name in sorted(whole) if _is_standard(name) == standard]
        lines += [
            _from(name, sorted(parts[name], key=_isort_key))
            for name in sorted(parts, key=str.lower)
            if parts[name] and _is_standard(name) == standard
        ]
        groups.append("\n".join(lines))
    return "\n\n".join(group for group in groups if group)


def _source(text: str, node: Any) -> str:
    """Return a function's or a class's source with its decorators."""
    first = min(part.lineno for part in (node, *node.decorator_list))
    return "\n".join(text.splitlines()[first - 1 : node.end_lineno])


def _text(module: str) -> str:
    path = module.replace(".", "/") + ".py"
    return files("workbench").joinpath(path).read_text(encoding="utf-8")


def _names(tree: ast.AST) -> set[str]:
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def _bound(statement: ast.Import | ast.ImportFrom) -> set[str]:
    return {alias.name for alias in statement.names}


def _is_import(node: ast.AST) -> bool:
    if isinstance(node, ast.ImportFrom):
        return str(node.module).partition(".")[0] not in ("__future__", "workbench")
    return isinstance(node, ast.Import)


def _is_standard(name: str) -> bool:
    return name.partition(".")[0] in sys.stdlib_module_names


def _from(module: str, names: list[str]) -> str:
    line = f"from {module} import {', '.join(names)}"
    if len(line) <= IMPORT_WIDTH:
        return line
    return f"from {module} import (\n" + "".join(f"    {name},\n" for name in names) + ")"


def _isort_key(name: str) -> tuple[int, str]:
    """Constants, then classes, then functions."""
    kind = 0 if name.isupper() else 1 if name[0].isupper() else 2
    return kind, name
