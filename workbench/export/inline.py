"""Small functions where they are called, and signatures on one line."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from workbench.export.tidy import WIDTH


def inlined(text: str) -> str:
    """Put functions that are one call themselves, and are called once, where they are called.

    What is no longer called stays; see :func:`workbench.export.source.reachable`.

    Examples
    --------
    >>> print(inlined('''
    ... def size(batch):
    ...     return int(batch["mask"].sum())
    ...
    ... def main(rows):
    ...     print(size(rows))
    ... ''').split("def ")[2])
    main(rows):
        print(int(rows['mask'].sum()))
    <BLANKLINE>
    """
    while edit := next(_edits(text), None):
        start, end, new = edit
        raw = text.encode()
        text = (raw[:start] + new.encode() + raw[end:]).decode()
    return text


def _edits(text: str) -> Iterator[tuple[int, int, str]]:
    tree = ast.parse(text)
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    for function in functions:
        uses = [node for node in ast.walk(tree) if _is_name(node, function.name)]
        result = function.body[-1]
        if len(uses) != 1 or len(function.body) > 2 or not isinstance(result, ast.Return):
            continue
        if len(function.body) == 2 and ast.get_docstring(function) is None:
            continue
        for caller in functions:
            for node in ast.walk(caller):
                if isinstance(node, ast.Call) and node.func is uses[0]:
                    expression = _expression(function, node, caller)
                    if expression is not None:
                        yield *_span(text, node), expression


def _expression(function: ast.FunctionDef, node: ast.Call, caller: ast.FunctionDef) -> str | None:
    """Return what a call stands for; None where that is more than another call with other names."""
    value = function.body[-1].value  # type: ignore[attr-defined]  # it is a return
    names = [arg.arg for arg in function.args.args]
    plain = isinstance(value, ast.Call) and value.lineno == value.end_lineno
    if not plain or node.keywords or len(node.args) != len(names) or function.args.kwonlyargs:
        return None
    # Names must mean in the caller what they mean in the function.
    if any(isinstance(part, ast.Lambda | ast.comprehension) for part in ast.walk(value)):
        return None
    local = {part.arg for part in ast.walk(caller) if isinstance(part, ast.arg)}
    local |= {part.id for part in _names(caller) if not isinstance(part.ctx, ast.Load)}
    read = [part.id for part in _names(value)]
    if local & (set(read) - set(names)):
        return None
    arguments = dict(zip(names, node.args, strict=True))
    for name, argument in arguments.items():
        if read.count(name) > 1 and not isinstance(argument, ast.Name):
            return None
    return ast.unparse(_Replaced(arguments).visit(value))


class _Replaced(ast.NodeTransformer):
    """Puts arguments where parameters are read."""

    def __init__(self, arguments: dict[str, ast.expr]):
        self.arguments = arguments

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """Return what a name stands for."""
        return self.arguments.get(node.id, node)


def short_signatures(text: str) -> str:
    """Write a signature without the types of its parameters where it fits on a line only so.

    Examples
    --------
    >>> long = ", ".join(f"parameter_{i}: torch.Tensor" for i in range(4))
    >>> print(short_signatures(f"def train({long}) -> None:\\n    pass\\n").partition("\\n")[0])
    def train(parameter_0, parameter_1, parameter_2, parameter_3) -> None:
    """
    lines = text.splitlines(keepends=True)
    functions = [node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)]
    for function in reversed(functions):
        first, last = function.lineno - 1, function.body[0].lineno - 1
        if "#" in "".join(lines[first:last]) or len(_header(function)) <= WIDTH:
            continue
        for arg in (*function.args.args, *function.args.kwonlyargs):
            arg.annotation = None
        if len(_header(function)) <= WIDTH:
            lines[first:last] = [f"{_header(function)}\n"]
    return "".join(lines)


def _header(function: ast.FunctionDef) -> str:
    returns = f" -> {ast.unparse(function.returns)}" if function.returns else ""
    return f"def {function.name}({ast.unparse(function.args)}){returns}:"


def _names(tree: ast.AST) -> list[ast.Name]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.Name)]


def _is_name(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _span(text: str, node: Any) -> tuple[int, int]:
    """Return where a node begins and ends, in bytes."""
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line.encode()))
    return starts[node.lineno - 1] + node.col_offset, starts[
        node.end_lineno - 1
    ] + node.end_col_offset
