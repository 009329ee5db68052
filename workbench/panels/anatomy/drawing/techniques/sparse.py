"""Sparse and scaling: a few entries of a weight, or one number for each feature."""

from __future__ import annotations

import re

from workbench.panels.anatomy.drawing.equations import Drawing, Equation
from workbench.panels.anatomy.drawing.expression import (
    TRAINED,
    Expression,
    Hadamard,
    Matrix,
    Pattern,
    Scale,
    add,
    product,
)
from workbench.panels.anatomy.drawing.layer import Layer, number
from workbench.panels.anatomy.drawing.techniques.common import added, bias, h, weight, x


def _entries(at: Layer, n: int, note: str, *more) -> Drawing:
    s = Matrix("S", at.rows, at.cols, TRAINED, Pattern("entries", n), stored=n, starts="0")
    share = f"{n:,} of {at.rows * at.cols:,} entries"
    first = product(add(weight(at), s), x(at))
    terms = (*bias(at), *more)
    return Drawing(
        (Equation(h(at), add(first, *terms) if terms else first),), (f"S has {share}, {note}",)
    )


def shira(at: Layer) -> Drawing:
    """Draw SHiRA as in arXiv 2406.13175."""
    r = int(number(at.arg("r"), 32))
    n = at.size("shira_weight", 0, r * (at.rows + at.cols))
    return _entries(at, n, "at fixed random places; as many numbers as a LoRA of that rank.")


def supertuning(at: Layer) -> Drawing:
    """Draw Super-Tuning as PEFT computes it."""
    n = int(at.rows * at.cols * (1 - number(at.arg("sparsity"), 0.97)))
    n = at.size("supertuning_values", 0, n)
    which = "largest" if at.arg("select_top", True) else "smallest"
    r = at.arg("r")
    more = []
    if r:
        b = Matrix("B", at.rows, r, TRAINED, starts="0")
        a = Matrix("A", r, at.cols, TRAINED, starts="random")
        more = [Scale("α/r", product(b, a, x(at)), number(at.arg("lora_alpha"), 8) / r)]
    return _entries(at, n, f"where the entries of W are {which}.", *more)


def ia3(at: Layer) -> Drawing:
    """Draw IA³ as in arXiv 2205.05638."""
    names = at.arg("feedforward_modules", ()) or ()
    if isinstance(names, str):
        feeds = re.fullmatch(names, at.path) is not None
    else:
        feeds = any(at.path.endswith(name) for name in names)
    if at.pieces:
        feeds = at.size("ia3_l", 0, at.rows) == 1 and at.rows != 1
    size = at.cols if feeds else at.rows
    scale = Matrix("l", size, 1, TRAINED, starts="1")
    whole: Expression
    if feeds:
        whole = product(weight(at), Hadamard(scale, x(at)))
        note = "The feed-forward's inner activations are scaled, one factor for each feature."
    else:
        inner = product(weight(at), x(at))
        whole = Hadamard(scale, add(inner, *bias(at)) if at.bias else inner)
        note = (
            "Keys, values and the feed-forward's inner activations are scaled feature by feature."
        )
    terms = bias(at) if feeds else []
    return Drawing((Equation(h(at), add(whole, *terms) if terms else whole),), (note,))


def beft(at: Layer) -> Drawing:
    """Draw BEFT as in arXiv 2509.15974."""
    trained = Matrix("b_v", at.rows, 1, TRAINED, starts="0")
    return added(at, trained, notes=("One number is added to each feature of the values.",))


DRAWINGS = {"shira": shira, "supertuning": supertuning, "ia3": ia3, "beft": beft}
