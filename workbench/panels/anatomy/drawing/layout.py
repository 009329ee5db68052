"""Equations laid out in a row of small pictures that wraps where a panel is narrow."""

from __future__ import annotations

from dataclasses import dataclass, replace

from workbench.panels.anatomy.drawing import boxes
from workbench.panels.anatomy.drawing.boxes import INK, NAME, QUIET, SMALL, width_of
from workbench.panels.anatomy.drawing.equations import Equation
from workbench.panels.anatomy.drawing.expression import (
    Apply,
    Beside,
    Expression,
    Hadamard,
    Kronecker,
    Matrix,
    Product,
    Repeat,
    Scale,
    Sum,
    walk,
)
from workbench.panels.anatomy.drawing.formula import as_html

GAP = 7  # px between two pieces
CLOSING = (")", "]", ",")


@dataclass(frozen=True)
class Token:
    """One piece of an equation: a matrix, or a sign with what is written below it.

    Parameters
    ----------
    what : Matrix or str
        A sign is a word, or one of the parentheses ``(``, ``)``, ``[`` and ``]``.
    below : str
        Written small below a sign.
    joins : bool
        Whether it stays on the line of the token after it.
    breaks : bool
        Whether a line may begin here rather than elsewhere.
    """

    what: Matrix | str
    below: str = ""
    joins: bool = False
    breaks: bool = False


def tokens(one: Expression) -> list[Token]:
    """Write an expression as a row of tokens."""
    match one:
        case Matrix():
            return [Token(one)]
        case Product():
            found: list[Token] = []
            for place, factor in enumerate(one.factors):
                if place:
                    found.append(Token("·", joins=True))
                found += _enclosed(factor)
            return found
        case Sum():
            found = _enclosed(one.terms[0], Product, Scale, Repeat, Hadamard)
            for place, term in enumerate(one.terms[1:], 1):
                sign = "−" if place in one.minus else "+"
                found.append(Token(sign, joins=True, breaks=True))
                found += _enclosed(term, Product, Scale, Repeat)
            return found
        case Hadamard() | Kronecker():
            sign = "⊙" if isinstance(one, Hadamard) else "⊗"
            return [*_enclosed(one.left), Token(sign, joins=True), *_enclosed(one.right)]
        case Scale():
            value = "" if one.value is None else f"= {one.value:.4g}"
            number = Token(one.symbol, value) if one.factor is None else Token(one.factor)
            return [replace(number, joins=True), *_enclosed(one.inner, Product, Scale)]
        case Repeat():
            repeated = Token(one.sign, f"{one.index} = 1…{one.n:,}", joins=True)
            return [repeated, *_enclosed(one.inner, Product, Scale)]
        case Apply():
            inside = tokens(one.inner) if isinstance(one.inner, Beside) else _bracketed(one.inner)
            return [Token(one.name, joins=True), *inside]
        case Beside():
            found = []
            for place, item in enumerate(one.items):
                found += [Token("above" if one.stacked else ",")] if place else []
                found += tokens(item)
            return [Token("[", joins=True), *found, Token("]")]
    raise TypeError(type(one).__name__)


def _enclosed(one: Expression, *bare: type) -> list[Token]:
    if isinstance(one, (Matrix, Apply, Beside, *bare)):
        return tokens(one)
    return _bracketed(one)


def _bracketed(one: Expression) -> list[Token]:
    return [Token("(", joins=True), *tokens(one), Token(")")]


def longest_of(equation: Equation) -> int:
    """Return the length that is drawn in full: of what flows through, else of the largest matrix."""
    leaves = [equation.left, *(one for one in walk(equation.right) if isinstance(one, Matrix))]
    inner = [leaf for leaf in leaves if leaf.pattern.kind != "one per row"]
    sides = sorted(max(leaf.rows, leaf.cols) for leaf in inner)
    # A side more than four times as long as all others is cut, and not the others shrunk.
    return sides[-2] if len(sides) > 1 and sides[-1] > 4 * sides[-2] else sides[-1]


def draw(equation: Equation, longest: int) -> str:
    """Draw an equation as HTML: pieces of SVG of one height, which wrap where a line ends."""
    row = [Token(equation.left, joins=True), Token("=", joins=True), *tokens(equation.right)]
    sizes = [boxes.room(token.what, longest) for token in row if isinstance(token.what, Matrix)]
    above = max([up for _, up, _ in sizes] + [20])
    below = max([down for _, _, down in sizes] + [24])
    inner = max(boxes.sides(t.what, longest)[1].px for t in row if isinstance(t.what, Matrix))
    groups: list[list[str]] = [[]]
    chunk: list[str] = []
    for token in _hugging(row):
        if token.breaks and (chunk or groups[-1]):
            groups.append([])
        drawn = _svg(token, above, below, inner, longest)
        if token.what in CLOSING and chunk:  # they begin no line
            drawn = f"<span class='wd-pair'>{chunk.pop()}{drawn}</span>"
        chunk.append(drawn)
        if not token.joins:
            groups[-1].append(f"<span class='wd-chunk'>{''.join(chunk)}</span>")
            chunk = []
    spans = "".join(f"<span class='wd-group'>{''.join(group)}</span>" for group in groups if group)
    when = f"<span class='wd-when'>{as_html(equation.when)}:</span>" if equation.when else ""
    return f"{when}<span class='wd-equation'>{spans}</span>"


def _hugging(row: list[Token]) -> list[Token]:
    """Keep what closes on the line of what it closes, and commas on the line of what they follow."""
    kept = list(row)
    for place, token in enumerate(row[1:], 1):
        if token.what in CLOSING:
            kept[place - 1] = replace(kept[place - 1], joins=True)
    return kept


def _svg(token: Token, above: float, below: float, inner: float, longest: int) -> str:
    what = token.what
    if isinstance(what, Matrix):
        width = boxes.room(what, longest)[0]
        drawn = boxes.draw(what, width / 2, above, longest)
    elif what in ("(", ")", "[", "]"):
        width, half = 8, inner / 2 + 2
        drawn = _bracket(what, above - half, above + half)
    else:
        large = NAME if len(what) < 3 or "_" in what or "/" in what else 12
        width = max(width_of(what, large), width_of(token.below)) + 2
        drawn = boxes.label(width / 2, above + 5, what, large, INK)
        if token.below:
            drawn += boxes.label(width / 2, above + 20, token.below, SMALL, QUIET)
    height = above + below
    return (
        f"<svg aria-hidden='true' width='{width:.0f}' height='{height:.0f}' "
        f"viewBox='0 0 {width:.0f} {height:.0f}'>{drawn}</svg>"
    )


def _bracket(sign: str, top: float, foot: float) -> str:
    if sign in "[]":
        x, edge = (2, 6) if sign == "[" else (6, 2)
        path = f"M{edge} {top:.1f} H{x} V{foot:.1f} H{edge}"
    else:
        x, edge = (1, 6) if sign == "(" else (7, 2)
        path = f"M{edge} {top:.1f} Q{x - (1 if sign == '(' else -1)} {(top + foot) / 2:.1f} {edge} {foot:.1f}"
    return f"<path d='{path}' style='fill:none;stroke:{INK};stroke-width:1.2'/>"
