"""What is drawn, as data: equations between matrices whose sizes can be checked.

One tree gives the picture, the formula, the count of what is trained and the check of sizes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

FROZEN, TRAINED, COMPUTED, FLOW = "frozen", "trained", "computed", "flow"
START = "start"  # looked at once, before the first step


@dataclass(frozen=True)
class Pattern:
    """What a matrix looks like inside.

    Parameters
    ----------
    kind : str
        ``full``, ``diagonal``, ``blocks`` (n square-ish blocks on the diagonal), ``entries`` (n entries
        anywhere), ``rows`` (n rows anywhere), ``columns`` (drawn column by column), ``first`` and
        ``last`` (the first or last n columns stand out), ``first rows`` and ``last rows``,
        ``circulant`` (blocks of size n, each with equal diagonals), ``skew`` (the upper triangle with
        the lower its negative), ``identities`` (n identity matrices side by side), ``rotations``
        (pairs n / 2 apart, in groups of n), ``one per row``, ``identity``, ``grid`` (n × n tiles), ``module``.
    n : int
    """

    kind: str = "full"
    n: int = 0


FULL, DIAGONAL = Pattern(), Pattern("diagonal")


class Expression:
    """Something with rows and columns, made of other such things."""

    if TYPE_CHECKING:  # fields of a matrix, and of all others what follows from their parts

        @property
        def rows(self) -> int: ...

        @property
        def cols(self) -> int: ...

    @property
    def parts(self) -> tuple[Expression, ...]:
        """What it is made of."""
        return ()

    def mismatch(self) -> str:
        """Say which sizes do not meet; empty where all do."""
        return ""


@dataclass(frozen=True)
class Matrix(Expression):
    """A matrix, a vector (one column) or a number (one by one).

    Parameters
    ----------
    name : str
        As in the paper; ``_`` begins a subscript and ``^`` a superscript.
    rows, cols : int
    state : str
        ``FROZEN``, ``TRAINED``, ``COMPUTED`` from what is trained, ``FLOW`` (what flows through the model)
        or ``START`` (used once, to set what is trained before the first step).
    pattern : Pattern
    stored : int, optional
        How many numbers it has, where that is not rows × columns.
    copies : int
        How many of its kind there are.
    starts : str
        Its values before the first step.
    shared : str
        What shares it; then it counts once for all of them.
    bits : int
        Bits of each number, where they are few.
    size : str
        What is written below it in place of its size.
    """

    name: str
    rows: int
    cols: int
    state: str
    pattern: Pattern = FULL
    stored: int | None = None
    copies: int = 1
    starts: str = ""
    shared: str = ""
    bits: int = 0
    size: str = ""

    @property
    def numbers(self) -> int:
        """How many numbers it and its like have."""
        return (self.rows * self.cols if self.stored is None else self.stored) * self.copies


class OfOneSize(Expression):
    """An expression that is as large as its first part."""

    @property
    def rows(self) -> int:
        """Return how many rows it has."""
        return self.parts[0].rows

    @property
    def cols(self) -> int:
        """Return how many columns it has."""
        return self.parts[0].cols


@dataclass(frozen=True)
class Product(Expression):
    """A product of matrices, in order."""

    factors: tuple[Expression, ...]

    @property
    def rows(self) -> int:
        """Return how many rows it has."""
        return self.factors[0].rows

    @property
    def cols(self) -> int:
        """Return how many columns it has."""
        return self.factors[-1].cols

    @property
    def parts(self) -> tuple[Expression, ...]:
        return self.factors

    def mismatch(self) -> str:
        for left, right in zip(self.factors, self.factors[1:], strict=False):
            if left.cols != right.rows:
                return f"{left.cols} columns before {right.rows} rows"
        return ""


@dataclass(frozen=True)
class Sum(Expression):
    """A sum; ``minus`` holds the places of what is subtracted."""

    terms: tuple[Expression, ...]
    minus: tuple[int, ...] = ()

    @property
    def rows(self) -> int:
        """Return how many rows it has."""
        return self.terms[0].rows

    @property
    def cols(self) -> int:
        """Return how many columns it has."""
        return self.terms[0].cols

    @property
    def parts(self) -> tuple[Expression, ...]:
        return self.terms

    def mismatch(self) -> str:
        sizes = {(term.rows, term.cols) for term in self.terms}
        return f"a sum of the sizes {sorted(sizes)}" if len(sizes) > 1 else ""


@dataclass(frozen=True)
class Hadamard(OfOneSize):
    """A product of two matrices, entry by entry."""

    left: Expression
    right: Expression

    @property
    def parts(self) -> tuple[Expression, ...]:
        return (self.left, self.right)

    def mismatch(self) -> str:
        same = (self.left.rows, self.left.cols) == (self.right.rows, self.right.cols)
        return "" if same else "a product entry by entry of different sizes"


@dataclass(frozen=True)
class Kronecker(Expression):
    """A Kronecker product: a copy of the right matrix for each entry of the left one."""

    left: Expression
    right: Expression

    @property
    def rows(self) -> int:
        """Return how many rows it has."""
        return self.left.rows * self.right.rows

    @property
    def cols(self) -> int:
        """Return how many columns it has."""
        return self.left.cols * self.right.cols

    @property
    def parts(self) -> tuple[Expression, ...]:
        return (self.left, self.right)


@dataclass(frozen=True)
class Scale(Expression):
    """A number times something.

    ``value`` is the number where the settings say it; ``factor`` is the number itself where it is trained.
    """

    symbol: str
    inner: Expression
    value: float | None = None
    factor: Matrix | None = None

    @property
    def rows(self) -> int:
        """Return how many rows it has."""
        return self.inner.rows

    @property
    def cols(self) -> int:
        """Return how many columns it has."""
        return self.inner.cols

    @property
    def parts(self) -> tuple[Expression, ...]:
        return (self.inner,) if self.factor is None else (self.factor, self.inner)


@dataclass(frozen=True)
class Apply(Expression):
    """A function of something, with a size of its own where it changes the shape.

    Where ``reshapes`` is set, the function puts the same numbers into another shape.
    """

    name: str
    inner: Expression
    shape: tuple[int, int] | None = None
    reshapes: bool = False

    @property
    def rows(self) -> int:
        """Return how many rows it has."""
        return self.shape[0] if self.shape else self.inner.rows

    @property
    def cols(self) -> int:
        """Return how many columns it has."""
        return self.shape[1] if self.shape else self.inner.cols

    @property
    def parts(self) -> tuple[Expression, ...]:
        return (self.inner,)

    def mismatch(self) -> str:
        if self.reshapes and self.rows * self.cols != self.inner.rows * self.inner.cols:
            return f"{self.inner.rows} × {self.inner.cols} numbers in {self.rows} × {self.cols}"
        return ""


@dataclass(frozen=True)
class Repeat(OfOneSize):
    """A sum (``Σ``) or product (``∏``) over an index from 1 to n."""

    sign: str
    index: str
    n: int
    inner: Expression

    @property
    def parts(self) -> tuple[Expression, ...]:
        return (self.inner,)

    def mismatch(self) -> str:
        turned = self.sign == "∏" and self.rows != self.cols
        return "a product of matrices that are not square" if turned else ""


@dataclass(frozen=True)
class Beside(Expression):
    """Matrices side by side, or one above the other, as one matrix."""

    items: tuple[Expression, ...]
    stacked: bool = False

    @property
    def rows(self) -> int:
        """Return how many rows it has."""
        return sum(item.rows for item in self.items) if self.stacked else self.items[0].rows

    @property
    def cols(self) -> int:
        """Return how many columns it has."""
        return self.items[0].cols if self.stacked else sum(item.cols for item in self.items)

    @property
    def parts(self) -> tuple[Expression, ...]:
        return self.items

    def mismatch(self) -> str:
        edges = {item.cols if self.stacked else item.rows for item in self.items}
        return f"edges of {sorted(edges)} that do not meet" if len(edges) > 1 else ""


def walk(expression: Expression) -> Iterator[Expression]:
    """Go through an expression from its root down."""
    yield expression
    for part in expression.parts:
        yield from walk(part)


def times(shape: tuple[int, ...]) -> str:
    """Write the shape of a tensor.

    Examples
    --------
    >>> times((256, 8)), times((4096,)), times(())
    ('256 × 8', '4,096', '')
    """
    return " × ".join(f"{size:,}" for size in shape)


def product(*factors: Expression) -> Product:
    """Multiply; a product in a product is one product."""
    flat: list[Expression] = []
    for factor in factors:
        flat += factor.factors if isinstance(factor, Product) else [factor]
    return Product(tuple(flat))


def add(*terms: Expression) -> Sum:
    """Add terms of one size."""
    return Sum(terms)


def subtract(left: Expression, right: Expression) -> Sum:
    """Subtract one term from another."""
    return Sum((left, right), (1,))
