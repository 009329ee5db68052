"""Equations between expressions, and a drawing: all that a technique does to a module."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from workbench.panels.anatomy.drawing.expression import TRAINED, Expression, Matrix, walk


@dataclass(frozen=True)
class Equation:
    """What a matrix is equal to; ``when`` says when it holds."""

    left: Matrix
    right: Expression
    when: str = ""


@dataclass(frozen=True)
class Drawing:
    """Equations that say together what a technique does, and sentences that no equation says."""

    equations: tuple[Equation, ...]
    notes: tuple[str, ...] = ()

    def leaves(self) -> Iterator[Matrix]:
        """Return each matrix once, in the order in which they are drawn."""
        seen = set()
        for equation in self.equations:
            for one in (equation.left, *walk(equation.right)):
                if isinstance(one, Matrix) and one.name not in seen:
                    seen.add(one.name)
                    yield one

    def trained(self) -> list[Matrix]:
        """Return the matrices that are trained."""
        return [leaf for leaf in self.leaves() if leaf.state == TRAINED]

    def mismatches(self) -> list[str]:
        """Say everywhere where sizes do not meet."""
        found = []
        for equation in self.equations:
            left, right = equation.left, equation.right
            found += [why for one in walk(right) if (why := one.mismatch())]
            if (left.rows, left.cols) != (right.rows, right.cols):
                found.append(
                    f"{left.name} is {left.rows} × {left.cols}, "
                    f"but what it equals {right.rows} × {right.cols}"
                )
        return found
