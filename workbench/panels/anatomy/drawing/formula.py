"""Formulas as text and as HTML, written from the tree that is drawn."""

from __future__ import annotations

import re

from workbench.display.html import esc
from workbench.panels.anatomy.drawing.equations import Drawing, Equation
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
)

# How strongly parts are bound: a part that is bound less than what is around it gets parentheses.
_SUM, _PRODUCT, _TIGHT = range(3)
_SCRIPT = re.compile(r"([_^])(?:\{([^}]*)\}|(\w)(?!\w))")


def formula(drawing: Drawing) -> list[str]:
    """Return a drawing's equations as plain text."""
    return [written(equation) for equation in drawing.equations]


def written(equation: Equation) -> str:
    """Write an equation as plain text.

    Examples
    --------
    >>> from workbench.panels.anatomy.drawing.expression import FROZEN, product
    >>> x, W = Matrix("x", 4, 1, FROZEN), Matrix("W_0", 2, 4, FROZEN)
    >>> written(Equation(Matrix("h", 2, 1, FROZEN), Scale("α/r", product(W, x), 2.0)))
    'h = α/r · W_0 x'
    """
    when = f"{equation.when}: " if equation.when else ""
    return f"{when}{equation.left.name} = {_write(equation.right, _SUM)}"


def _write(one: Expression, around: int) -> str:
    text, bound = _parts(one)
    return f"({text})" if bound < around else text


def _parts(one: Expression) -> tuple[str, int]:
    match one:
        case Matrix():
            return one.name, _TIGHT
        case Product():
            return " ".join(_write(factor, _TIGHT) for factor in one.factors), _PRODUCT
        case Sum():
            text = _write(one.terms[0], _PRODUCT)
            for place, term in enumerate(one.terms[1:], 1):
                sign = "−" if place in one.minus else "+"
                text += f" {sign} {_write(term, _PRODUCT)}"
            return text, _SUM
        case Hadamard() | Kronecker():
            sign = "⊙" if isinstance(one, Hadamard) else "⊗"
            return f"{_write(one.left, _TIGHT)} {sign} {_write(one.right, _TIGHT)}", _SUM
        case Scale():
            return f"{one.symbol} · {_write(one.inner, _PRODUCT)}", _PRODUCT
        case Apply():
            inner = _write(one.inner, _SUM)
            return f"{one.name}{inner if isinstance(one.inner, Beside) else f'({inner})'}", _TIGHT
        case Repeat():
            return f"{one.sign}_{{{one.index}=1…{one.n}}} {_write(one.inner, _PRODUCT)}", _PRODUCT
        case Beside():
            sign = "; " if one.stacked else ", "
            return f"[{sign.join(_write(item, _SUM) for item in one.items)}]", _TIGHT
    raise TypeError(type(one).__name__)


def scripts(name: str) -> list[tuple[str, str]]:
    """Split a name into ``(text, "" or "sub" or "sup")``.

    Examples
    --------
    >>> scripts("λ_d"), scripts("V_r^T"), scripts("q_proj")
    ([('λ', ''), ('d', 'sub')], [('V', ''), ('r', 'sub'), ('ᵀ', '')], [('q_proj', '')])
    """
    found, at = [], 0
    for script in _SCRIPT.finditer(name):
        if script.start() > at:
            found.append((name[at : script.start()], ""))
        text = script[2] if script[2] is not None else script[3]
        kind = "sub" if script[1] == "_" else "sup"
        found.append(("ᵀ", "") if (kind, text) == ("sup", "T") else (text, kind))
        at = script.end()
    if at < len(name):
        found.append((name[at:], ""))
    return found


def plain(text: str) -> str:
    """Write a name without its marks, for screen readers.

    Examples
    --------
    >>> plain("V_r^T"), plain("Σ_{i=1…4} B_i")
    ('V_rᵀ', 'Σ i=1…4 B_i')
    """
    text = re.sub(r"\^T\b", "ᵀ", text)
    return re.sub(r"[_^]\{([^}]*)\}", r" \1", text)


def as_html(text: str) -> str:
    """Write a name or a formula as HTML.

    Examples
    --------
    >>> as_html("λ_d"), as_html("<b>")
    ('λ<sub>d</sub>', '&lt;b&gt;')
    """
    return "".join(
        f"<{kind}>{esc(part)}</{kind}>" if kind else esc(part) for part, kind in scripts(text)
    )
