"""A script's functions with what is known of their arguments worked in.

A function of the workbench serves every recipe, and a script only one. So where all calls of a
function give a parameter the same plain value, the tests that this decides are decided, and what can
no longer be reached goes. Texts, flags and the script's own constants then stand where the parameter
was read; numbers keep the parameter's name, which says what they are. A parameter that nothing reads
any more goes, with its argument and its entry in the docstring. Comments stay, as the text itself is
edited.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from workbench.export.inline import inlined, short_signatures, without_raises

_UNKNOWN = object()
_COMPARES = {
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Gt: operator.gt,
    ast.Lt: operator.lt,
}
Edit = tuple[int, int, str]


def for_script(text: str) -> str:
    """Return a definition without what a script has no use for: pauses, and words for mypy.

    Examples
    --------
    >>> print(for_script('''
    ... def evaluate(batches) -> Generator[None, None, dict]:
    ...     for batch in batches:
    ...         score(batch)  # type: ignore[arg-type]
    ...         yield
    ...     return {}
    ... ''').strip())
    def evaluate(batches) -> dict:
        for batch in batches:
            score(batch)
        return {}
    """
    text = re.sub(r"  # type: ignore.*", "", text)
    pauses = "-> Generator[None, None, dict]:"
    return (
        re.sub(r"(?m)^ +yield\n", "", text.replace(pauses, "-> dict:")) if pauses in text else text
    )


def specialise(text: str, facts: Mapping[str, Mapping[str, Any]] | None = None) -> str:
    """Return a script's text with everything decided that is known beforehand.

    Parameters
    ----------
    text : str
        Python source.
    facts : mapping, optional
        What else is known: for each function the values of expressions, as ``ast.unparse`` has them.

    Examples
    --------
    >>> print(specialise('''
    ... def power(x, n, note=None):
    ...     if note is not None:
    ...         print(note)
    ...     return x if n == 1 else x**n
    ...
    ... print(power(3, 2))
    ... ''').strip())
    def power(x, n):
        return x**n
    <BLANKLINE>
    print(power(3, 2))
    """
    while edits := _next_edits(_Text(text), facts or {}):
        raw = text.encode()
        for start, end, new in sorted(edits, reverse=True):
            raw = raw[:start] + new.encode() + raw[end:]
        text = raw.decode()
    return short_signatures(inlined(without_raises(text)))


class _Text:
    """A text with its tree; places in it are counted in bytes, as the tree counts them."""

    def __init__(self, text: str):
        self.raw = text.encode()
        self.tree = ast.parse(text)
        self.lines = text.splitlines(keepends=True)
        self.starts = [0]
        for line in self.lines:
            self.starts.append(self.starts[-1] + len(line.encode()))
        self.functions = [node for node in self.tree.body if isinstance(node, ast.FunctionDef)]
        self.names = {node.name for node in self.functions}

    def span(self, node: Any) -> tuple[int, int]:
        start = self.starts[node.lineno - 1] + node.col_offset
        return start, self.starts[node.end_lineno - 1] + node.end_col_offset

    def source(self, node: Any) -> str:
        start, end = self.span(node)
        return self.raw[start:end].decode()

    def rows(self, first: int, last: int, new: str) -> Edit:
        """Put something in the place of whole lines, counted from 0; ``last`` stays."""
        return self.starts[first], self.starts[last], new


def _next_edits(text: _Text, facts: Mapping[str, Mapping[str, Any]]) -> list[Edit]:
    for function in text.functions:
        calls = _calls(text.tree, function.name)
        constants = _constants(function, calls, text.names) if calls else {}
        facts_here = facts.get(function.name, {})
        for node in ast.walk(function):
            if edit := _decision(text, node, constants, facts_here):
                return [edit]
            for block in _blocks(node):
                for at, statement in enumerate(block[:-1]):
                    if isinstance(statement, ast.Return | ast.Raise):
                        first, last = statement.end_lineno or 0, block[-1].end_lineno
                        return [text.rows(first, last, "")]
        for name, value in constants.items():
            reads = [node for node in _names(function, name) if isinstance(node.ctx, ast.Load)]
            if not reads:
                return _without(text, function, calls, name)
            if isinstance(value, bool | str | _Global | None) and _replaceable(
                function, name, value
            ):
                edits = [(*text.span(node), repr(value)) for node in reads]
                return [*edits, *_renamed(text, function, name, value)]
    return []


def _decision(
    text: _Text,
    node: ast.AST,
    constants: Mapping[str, Any],
    facts: Mapping[str, Any],
) -> Edit | None:
    """Take the arm of a test that is decided, or what is open out of one that is decided in part."""
    if not isinstance(node, ast.If | ast.IfExp):
        return None
    value = _value(node.test, constants, facts)
    if value is not _UNKNOWN:
        if isinstance(node, ast.If):
            return _decided(text, node, bool(value))
        return (*text.span(node), text.source(node.body if value else node.orelse))
    if isinstance(node.test, ast.BoolOp):
        parts = node.test.values
        unknown = [part for part in parts if _value(part, constants, facts) is _UNKNOWN]
        if len(unknown) < len(parts):
            operator_ = " and " if isinstance(node.test.op, ast.And) else " or "
            sources = [
                f"({text.source(part)})" if isinstance(part, ast.BoolOp) else text.source(part)
                for part in unknown
            ]
            return (*text.span(node.test), operator_.join(sources))
    return None


def _calls(tree: ast.Module, name: str) -> list[ast.Call]:
    """Return all calls of a function; none where it is used in another way too."""
    calls = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name
    ]
    plain = not any(
        isinstance(part, ast.Starred) or (isinstance(part, ast.keyword) and part.arg is None)
        for node in calls
        for part in (*node.args, *node.keywords)
    )
    return calls if plain and len(calls) == len(list(_names(tree, name))) else []


def _all_names(tree: ast.AST) -> Iterator[ast.Name]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Name))


def _names(tree: ast.AST, name: str) -> Iterator[ast.Name]:
    return (node for node in _all_names(tree) if node.id == name)


def _constants(
    function: ast.FunctionDef, calls: list[ast.Call], functions: set[str]
) -> dict[str, Any]:
    """Return the parameters that have the same plain value in each call."""
    constants = {}
    for name, default in _defaults(function.args).items():
        values = [_plain(_argument(function, node, name) or default, functions) for node in calls]
        first = values[0]
        same = all(type(value) is type(first) and value == first for value in values)
        written = any(not isinstance(node.ctx, ast.Load) for node in _names(function, name))
        if same and first is not _UNKNOWN and not written:
            constants[name] = first
    return constants


def _defaults(args: ast.arguments) -> dict[str, ast.expr | None]:
    names = [arg.arg for arg in (*args.posonlyargs, *args.args)]
    padding = [None] * (len(names) - len(args.defaults))
    named = zip([arg.arg for arg in args.kwonlyargs], args.kw_defaults, strict=True)
    return {**dict(zip(names, [*padding, *args.defaults], strict=True)), **dict(named)}


def _argument(function: ast.FunctionDef, node: ast.Call, name: str) -> ast.expr | None:
    positions = [arg.arg for arg in (*function.args.posonlyargs, *function.args.args)]
    if name in positions[: len(node.args)]:
        return node.args[positions.index(name)]
    return next((part.value for part in node.keywords if part.arg == name), None)


class _Something:
    """A value of which nothing is known but that it is there."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Something)

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True)
class _Global:
    """A constant of the script, or one of its functions; it is not None."""

    name: str

    def __repr__(self) -> str:
        return self.name


def _replaceable(function: ast.FunctionDef, name: str, value: Any) -> bool:
    """Tell whether a value can stand wherever a parameter is read."""
    bound = [node.arg for node in ast.walk(function) if isinstance(node, ast.arg)]
    bound += [node.id for node in _all_names(function) if not isinstance(node.ctx, ast.Load)]
    # In formatted strings a tree's places are not those of the text.
    formatted = [node for node in ast.walk(function) if isinstance(node, ast.JoinedStr)]
    in_strings = any(node.id == name for part in formatted for node in _all_names(part))
    shadowed = isinstance(value, _Global) and value.name in bound
    return bound.count(name) == 1 and not in_strings and not shadowed


def _plain(node: ast.expr | None, functions: set[str]) -> Any:
    if isinstance(node, ast.Lambda):
        return _Something()
    if isinstance(node, ast.Name) and (node.id.isupper() or node.id in functions):
        return _Global(node.id)
    return node.value if isinstance(node, ast.Constant) else _UNKNOWN


def _value(node: ast.expr, constants: Mapping[str, Any], facts: Mapping[str, Any]) -> Any:
    """Return what an expression is, where that is known."""
    written = ast.unparse(node)
    if written in facts:
        return facts[written]
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Name):
        value = constants.get(node.id, _UNKNOWN)
        return _UNKNOWN if isinstance(value, _Global) else value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        value = _value(node.operand, constants, facts)
        return value if value is _UNKNOWN else not value
    if isinstance(node, ast.BoolOp):
        values = [_value(part, constants, facts) for part in node.values]
        decisive = isinstance(node.op, ast.Or)
        if any(value is not _UNKNOWN and bool(value) == decisive for value in values):
            return decisive
        return _UNKNOWN if any(value is _UNKNOWN for value in values) else not decisive
    if isinstance(node, ast.Compare) and type(node.ops[0]) in _COMPARES and len(node.ops) == 1:
        left = constants.get(node.left.id) if isinstance(node.left, ast.Name) else None
        if isinstance(left, _Global) and ast.unparse(node.comparators[0]) == "None":
            return isinstance(node.ops[0], ast.IsNot | ast.NotEq)
        sides = [_value(part, constants, facts) for part in (node.left, node.comparators[0])]
        if all(side is not _UNKNOWN for side in sides):
            return _COMPARES[type(node.ops[0])](*sides)
    return _UNKNOWN


def _decided(text: _Text, node: Any, value: bool) -> Edit:
    """Keep one arm of an ``if`` or ``elif``."""
    lines, indent = text.lines, " " * node.col_offset
    is_elif = lines[node.lineno - 1].lstrip().startswith("elif ")
    body = node.test.end_lineno
    while not lines[body - 1].partition("#")[0].rstrip().endswith(":"):
        body += 1
    if value:
        arm = lines[body : node.body[-1].end_lineno]
    elif not node.orelse:
        arm = []
    else:
        other = node.body[-1].end_lineno
        while not lines[other].startswith((f"{indent}else:", f"{indent}elif ")):
            other += 1
        arm = lines[other + 1 : node.end_lineno]
        if lines[other].lstrip().startswith("elif "):
            word = "elif " if is_elif else "if "
            first = lines[other].replace("elif ", word, 1)
            return text.rows(node.lineno - 1, node.end_lineno, "".join([first, *arm]))
    if is_elif and arm:
        arm = [f"{indent}else:\n", *arm]
    elif arm:
        arm = [line[4:] if line.strip() else line for line in arm]
    return text.rows(node.lineno - 1, node.end_lineno, "".join(arm))


def _blocks(node: ast.AST) -> Iterator[list[Any]]:
    for name in ("body", "orelse", "finalbody"):
        block = getattr(node, name, None)
        if isinstance(block, list):
            yield block


def _without(
    text: _Text, function: ast.FunctionDef, calls: list[ast.Call], name: str
) -> list[Edit]:
    """Take a parameter out of its function and out of each call."""
    edits = []
    for node in calls:
        argument = _argument(function, node, name)
        if argument is not None:
            node.args = [part for part in node.args if part is not argument]
            node.keywords = [part for part in node.keywords if part.value is not argument]
            edits.append((*text.span(node), ast.unparse(node)))
    edits.append(_without_entry(text, function, name))
    args = function.args
    defaults = _defaults(args)
    args.args = [arg for arg in args.args if arg.arg != name]
    args.kwonlyargs = [arg for arg in args.kwonlyargs if arg.arg != name]
    args.defaults = [value for arg in args.args if (value := defaults[arg.arg]) is not None]
    args.kw_defaults = [defaults[arg.arg] for arg in args.kwonlyargs]
    returns = f" -> {ast.unparse(function.returns)}" if function.returns else ""
    header = f"def {function.name}({ast.unparse(args)}){returns}:\n"
    edits.append(text.rows(function.lineno - 1, function.body[0].lineno - 1, header))
    return edits


def _renamed(text: _Text, function: ast.FunctionDef, name: str, value: Any) -> list[Edit]:
    """Call a parameter in a docstring what stands in its place."""
    if not isinstance(value, _Global) or ast.get_docstring(function) is None:
        return []
    docstring = function.body[0]
    return [(*text.span(docstring), text.source(docstring).replace(f"``{name}``", f"``{value}``"))]


def _without_entry(text: _Text, function: ast.FunctionDef, name: str) -> Edit:
    """Take a parameter out of a docstring in numpydoc's form."""
    docstring = function.body[0]
    source = text.source(docstring)
    if ast.get_docstring(function) is not None:
        source = re.sub(rf"(?m)^    {name} : .*\n(?:        .*\n)*", "", source)
        source = re.sub(
            r"\n    Parameters\n    -+\n(?=\n|    \"\"\"|    [A-Z]\w+\n    -)", "", source
        )
    return (*text.span(docstring), source)
