"""What most drawings are made of: h = W x + …, and LoRA's two matrices."""

from __future__ import annotations

import re
from typing import Any

from workbench.panels.anatomy.drawing.equations import Drawing, Equation
from workbench.panels.anatomy.drawing.expression import (
    COMPUTED,
    DIAGONAL,
    FLOW,
    FROZEN,
    START,
    TRAINED,
    Apply,
    Expression,
    Matrix,
    Pattern,
    Product,
    Scale,
    Sum,
    product,
    subtract,
)
from workbench.panels.anatomy.drawing.layer import Layer, number


def weight(at: Layer, name: str = "W", state: str = FROZEN, **more: Any) -> Matrix:
    """The module's own weight."""
    return Matrix(name, at.rows, at.cols, state, bits=at.bits, **more)


def x(at: Layer) -> Matrix:
    """What flows into the module."""
    return Matrix("x", at.cols, 1, FLOW)


def h(at: Layer) -> Matrix:
    """What flows out of it."""
    return Matrix("h", at.rows, 1, FLOW)


def bias(at: Layer) -> list[Expression]:
    """The module's own bias, if it has one; some arguments let it be trained too."""
    return [Matrix("b", at.rows, 1, TRAINED if at.own[1] else FROZEN)] if at.bias else []


def added(
    at: Layer,
    *terms: Expression,
    where: tuple[Equation, ...] = (),
    notes: tuple[str, ...] = (),
    base: Matrix | None = None,
    when: str = "",
) -> Drawing:
    """Write h = W x + b + terms."""
    own = product(base or weight(at), x(at))
    first = Equation(h(at), Sum((own, *bias(at), *terms)), when)
    return Drawing((first, *where), notes)


def rank(at: Layer, piece: str = "lora_A", name: str = "r", default: int = 8) -> int:
    """The rank of this module, which a pattern may set apart."""
    return at.size(piece, 0, int(number(_of_pattern(at, "rank_pattern", at.arg(name)), default)))


def _of_pattern(at: Layer, pattern: str, usual: Any) -> Any:
    """Return what a pattern says of this module, as PEFT matches its keys; else the usual value."""
    by_name = at.arg(pattern) or {}
    matches = (v for key, v in by_name.items() if re.fullmatch(rf"(.*\.)?({key})", at.path))
    return next(matches, usual)


def lora_scale(at: Layer, inner: Expression) -> Scale:
    """LoRA's factor: lora_alpha / r, or by the root of r."""
    r, alpha = rank(at), number(_of_pattern(at, "alpha_pattern", at.arg("lora_alpha")), 8)
    if at.arg("use_rslora"):
        return Scale("α/√r", inner, alpha / max(r, 1) ** 0.5)
    return Scale("α/r", inner, alpha / max(r, 1))


def lora_a(at: Layer, starts: str = "random", **more: Any) -> Matrix:
    """LoRA's first matrix, which reads x."""
    return Matrix("A", rank(at), at.cols, more.pop("state", TRAINED), starts=starts, **more)


def lora_b(at: Layer, starts: str = "0", **more: Any) -> Matrix:
    """LoRA's second matrix, which gives h."""
    if at.arg("init_lora_weights") is False:  # for tests of PEFT itself
        starts = "random"
    return Matrix("B", at.rows, rank(at), more.pop("state", TRAINED), starts=starts, **more)


def diagonal(name: str, size: int, state: str = TRAINED, **more: Any) -> Matrix:
    """A vector as the diagonal of a matrix."""
    return Matrix(name, size, size, state, DIAGONAL, stored=size, **more)


def residual(at: Layer, a: Matrix, b: Matrix) -> tuple[Matrix, Equation]:
    """What is left of a weight once the start of B A is taken out of it."""
    left = weight(at, "W_{res}")
    start = product(Matrix("B_0", b.rows, b.cols, START), Matrix("A_0", a.rows, a.cols, START))
    return left, Equation(left, subtract(whole(at), lora_scale(at, start)), "set at the start")


def whole(at: Layer, name: str = "W") -> Matrix:
    """The weight as it was before anything was taken out of it."""
    return Matrix(name, at.rows, at.cols, START)


def directions(
    rows: int, cols: int, part: str, n: int, names: tuple[str, str, str] = ("U", "Σ", "V^T")
) -> Product:
    """A singular value decomposition in which the first or last n directions stand out."""
    k = min(rows, cols)
    return product(
        Matrix(names[0], rows, k, START, Pattern(part, n)),
        Matrix(names[1], k, k, START, Pattern(f"{part} diagonal", n), stored=k),
        Matrix(names[2], k, cols, START, Pattern(f"{part} rows", n)),
    )


def cayley(name: str, skew: Matrix) -> Equation:
    """A rotation made of a skew-symmetric matrix."""
    size = skew.rows
    return Equation(Matrix(name, size, size, COMPUTED, copies=skew.copies), Apply("Cayley", skew))


def skew(name: str, size: int, copies: int = 1) -> Matrix:
    """A trained skew-symmetric matrix: one triangle of it is stored."""
    count = size * (size - 1) // 2
    return Matrix(
        name, size, size, TRAINED, Pattern("skew"), stored=count, copies=copies, starts="0"
    )
