"""Small functions where they are called, and signatures on one line."""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from workbench.export.tidy import WIDTH

Edit = tuple[int, int, str]
# A step of ``main`` that is longer than so many lines stays a function of its own.
LONGEST = 6
_SCOPES = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.Lambda, ast.FunctionDef)


def inlined(text: str) -> str:
    """Put small functions that are called once where they are called.

    These are functions that are one expression; and of ``main`` short steps, and functions inside it
    that only call another one. What is no longer called stays; see
    :func:`workbench.export.source.reachable`.

    Examples
    --------
    >>> print(inlined('''
    ... def size(batch):
    ...     return int(batch["mask"].sum())
    ...
    ... def freeze(model):
    ...     "Train nothing."
    ...     model.requires_grad_(False)
    ...
    ... def main(rows, net):
    ...     freeze(net)
    ...     print(size(rows))
    ... ''').split("def ")[-1].strip())
    main(rows, net):
        # Train nothing.
        net.requires_grad_(False)
        print(int(rows['mask'].sum()))
    """
    while edit := next(_edits(text), None):
        start, end, new = edit
        raw = text.encode()
        text = (raw[:start] + new.encode() + raw[end:]).decode()
    return text


def _edits(text: str) -> Iterator[Edit]:
    tree = ast.parse(text)
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    for function in functions:
        uses = [node for node in _names(tree) if node.id == function.name]
        if len(uses) != 1 or function.args.kwonlyargs:
            continue
        for caller in functions:
            for node in ast.walk(caller):
                if isinstance(node, ast.Call) and node.func is uses[0]:
                    arguments = _arguments(function, node)
                    if arguments is not None and caller is not function:
                        yield from _as_expression(text, function, node, arguments, caller)
                        if caller.name == "main":
                            yield from _as_block(text, function, node, arguments, caller)


def _arguments(function: ast.FunctionDef, node: ast.Call) -> dict[str, ast.expr] | None:
    names = [arg.arg for arg in function.args.args]
    if node.keywords or len(node.args) != len(names):
        return None
    return dict(zip(names, node.args, strict=True))


def _as_expression(
    text: str,
    function: ast.FunctionDef,
    node: ast.Call,
    arguments: Mapping[str, ast.expr],
    caller: ast.FunctionDef,
) -> Iterator[Edit]:
    """Put a function's only expression in the place of its call."""
    *before, result = function.body
    if before and (len(before) > 1 or ast.get_docstring(function) is None):
        return
    value = result.value if isinstance(result, ast.Return) else None
    one_line = isinstance(value, ast.Call) and value.lineno == value.end_lineno
    if value is None or not (one_line or isinstance(value, ast.ListComp)):
        return
    bound = {part.id for part in _names(value) if not isinstance(part.ctx, ast.Load)}
    bound |= {part.arg for part in ast.walk(value) if isinstance(part, ast.arg)}
    read = [part.id for part in _names(value) if part.id not in bound]
    if _own_names(caller, stored=True) & (set(read) - set(arguments)):
        return
    for name, argument in arguments.items():
        if read.count(name) > 1 and not isinstance(argument, ast.Name):
            return
        if bound & {part.id for part in _names(argument)}:
            return
    yield *_span(text, node), ast.unparse(_Replaced(arguments).visit(value))


def _as_block(
    text: str,
    function: ast.FunctionDef,
    node: ast.Call,
    arguments: Mapping[str, ast.expr],
    main: ast.FunctionDef,
) -> Iterator[Edit]:
    """Put a function's lines in the place of a statement of ``main``, or of a function inside it."""
    kinds = {type(part) for part in ast.walk(function)}
    if {ast.Yield, ast.JoinedStr, ast.Lambda} & kinds or len(_own_functions(function)) > 1:
        return
    if not all(isinstance(argument, ast.Name | ast.Attribute) for argument in arguments.values()):
        return
    local = _own_names(function, stored=True) | set(arguments)
    if (_own_names(function) - local) & _own_names(main, stored=True):
        return  # a global name means something else in main
    read = {part.id for argument in arguments.values() for part in _names(argument)}
    if (local - set(arguments)) & read:
        return
    for statement in main.body:
        if isinstance(statement, ast.Expr) and statement.value is node:
            if ast.Return not in kinds and not (local - set(arguments)) & _own_names(main):
                yield from _as_step(text, function, statement, arguments)
        elif isinstance(statement, ast.FunctionDef) and len(statement.body) == 1:
            (only,) = statement.body
            if isinstance(only, ast.Return) and only.value is node:
                lines = _substituted(text, function.body, arguments)
                yield _lines_edit(text, only, textwrap.indent(lines, " " * only.col_offset))


def _as_step(
    text: str, function: ast.FunctionDef, statement: ast.Expr, arguments: Mapping[str, ast.expr]
) -> Iterator[Edit]:
    body = function.body[1:]
    comment = ast.get_docstring(function)
    if comment is None or "\n" in comment or not body:
        return
    if (body[-1].end_lineno or 0) - body[0].lineno < LONGEST:
        lines = f"# {comment}\n{_substituted(text, body, arguments)}"
        yield _lines_edit(text, statement, textwrap.indent(lines, " " * statement.col_offset))


def _substituted(text: str, body: list[ast.stmt], arguments: Mapping[str, ast.expr]) -> str:
    """Return the lines of statements with arguments where parameters are read."""
    raw, (start, end) = text.encode(), (_line_start(text, body[0]), _span(text, body[-1])[1])
    reads = [node for part in body for node in _names(part) if node.id in arguments]
    for node in sorted(reads, key=lambda node: (node.lineno, node.col_offset), reverse=True):
        first, last = _span(text, node)
        new = ast.unparse(arguments[node.id]).encode()
        raw, end = raw[:first] + new + raw[last:], end + len(new) - (last - first)
    return textwrap.dedent(raw[start:end].decode())


class _Replaced(ast.NodeTransformer):
    """Puts arguments where parameters are read."""

    def __init__(self, arguments: Mapping[str, ast.expr]):
        self.arguments = arguments

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """Return what a name stands for."""
        return self.arguments.get(node.id, node)


def short_signatures(text: str) -> str:
    r"""Write a signature without the types of its parameters where it fits on a line only so.

    Examples
    --------
    >>> long = ", ".join(f"parameter_{i}: torch.Tensor" for i in range(4))
    >>> print(short_signatures(f"def train({long}) -> None:\n    pass\n").partition("\n")[0])
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


def without_raises(text: str) -> str:
    """Take the errors out of the docstrings of functions that raise none."""
    lines = text.splitlines(keepends=True)
    functions = [node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)]
    for function in reversed(functions):
        if ast.get_docstring(function) and ast.Raise not in map(type, ast.walk(function)):
            first, last = function.body[0].lineno - 1, function.body[0].end_lineno
            docstring = "".join(lines[first:last])
            section = r"\n    Raises\n    -+\n(?:    .*\n)*?(?=    \"\"\"|\n)"
            lines[first:last] = [re.sub(section, "", docstring)]
    return "".join(lines)


def _header(function: ast.FunctionDef) -> str:
    returns = f" -> {ast.unparse(function.returns)}" if function.returns else ""
    return f"def {function.name}({ast.unparse(function.args)}){returns}:"


def _names(tree: ast.AST) -> list[ast.Name]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.Name)]


def _own_functions(function: ast.FunctionDef) -> list[ast.AST]:
    return [node for node in ast.walk(function) if isinstance(node, ast.FunctionDef)]


def _own_names(function: ast.FunctionDef, stored: bool = False) -> set[str]:
    """Return the names in a function's own scope, or only those that it assigns."""
    names = {node.arg for node in function.args.args}
    queue: list[ast.AST] = list(function.body)
    while queue:
        node = queue.pop()
        if isinstance(node, ast.FunctionDef):
            names.add(node.name)
        if isinstance(node, ast.Name) and not (stored and isinstance(node.ctx, ast.Load)):
            names.add(node.id)
        if not isinstance(node, _SCOPES):
            queue += ast.iter_child_nodes(node)
    return names


def _starts(text: str) -> list[int]:
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line.encode()))
    return starts


def _line_start(text: str, node: ast.stmt) -> int:
    return _starts(text)[node.lineno - 1]


def _span(text: str, node: Any) -> tuple[int, int]:
    """Return where a node begins and ends, in bytes."""
    starts = _starts(text)
    return starts[node.lineno - 1] + node.col_offset, starts[
        node.end_lineno - 1
    ] + node.end_col_offset


def _lines_edit(text: str, node: ast.stmt, new: str) -> Edit:
    return _line_start(text, node), _span(text, node)[1], new
