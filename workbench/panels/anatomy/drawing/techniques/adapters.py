"""Adapters: small networks of their own beside the base's layers."""

from __future__ import annotations

import math

from workbench.panels.anatomy.drawing.equations import Drawing, Equation
from workbench.panels.anatomy.drawing.expression import (
    COMPUTED,
    FLOW,
    FROZEN,
    TRAINED,
    Apply,
    Expression,
    Hadamard,
    Matrix,
    Pattern,
    Scale,
    Sum,
    add,
    product,
    subtract,
)
from workbench.panels.anatomy.drawing.layer import Layer, number
from workbench.panels.anatomy.drawing.techniques.common import added, bias, weight, x

_MODULE = Pattern("module")


def _bottleneck(at: Layer, entry: Matrix, exit_: int) -> Expression:
    """s · (W_up σ(W_down x + b_down) + b_up)."""
    width = at.size("bottleneck_down", 0, int(number(at.arg("bottleneck_dim"), 16)))
    down = Matrix("W_{down}", width, entry.rows, TRAINED, starts="random")
    up = Matrix("W_{up}", exit_, width, TRAINED, starts="0")
    low = Matrix("b_{down}", width, 1, TRAINED, starts="0")
    high = Matrix("b_{up}", exit_, 1, TRAINED, starts="0")
    function = {"relu": "ReLU", "gelu": "GELU", "silu": "SiLU"}.get(
        str(at.arg("non_linearity", "relu")), str(at.arg("non_linearity", "relu"))
    )
    inner = add(product(up, Apply(function, add(product(down, entry), low))), high)
    scaling = number(at.arg("scaling"), 1.0)
    return inner if scaling == 1 else Scale("s", inner, scaling)


def _after(at: Layer, where: str) -> Drawing:
    out = at.size("bottleneck_up", 0, at.rows)
    o = Matrix("o", out, 1, FLOW)
    if at.rows and at.cols:
        own: Expression = product(weight(at), x(at))
        own = add(own, *bias(at)) if at.bias else own
    else:
        own = Apply(at.name, Matrix("x", out, 1, FLOW))
    added_ = _bottleneck(at, o, out)
    terms = added_.terms if isinstance(added_, Sum) else (added_,)
    return Drawing(
        (Equation(Matrix("h", out, 1, FLOW), Sum((o, *terms))), Equation(o, own)),
        (
            (
                f"Down to a few features, a non-linearity, and up again, added to what {at.name} gives: "
                f"{where}. W_{{up}} starts at 0, so that training starts from the unchanged base."
            ),
        ),
    )


def houlsby(at: Layer) -> Drawing:
    """Draw Houlsby adapters as in arXiv 1902.00751."""
    return _after(at, "after the attention and after the feed-forward of each block")


def pfeiffer(at: Layer) -> Drawing:
    """Draw Pfeiffer adapters as in arXiv 2005.00247."""
    return _after(at, "after the feed-forward of each block")


def parallel(at: Layer) -> Drawing:
    """Draw Parallel adapters as in arXiv 2110.04366."""
    entry = at.size("bottleneck_down", 1, at.base.width or at.cols)
    out = at.size("bottleneck_up", 0, at.rows or entry)
    read = Matrix("x", entry, 1, FLOW)
    block = Matrix("FFN", out, entry, FROZEN, _MODULE, size="feed-forward")
    added_ = _bottleneck(at, read, out)
    terms = added_.terms if isinstance(added_, Sum) else (added_,)
    own = Apply("FFN", read) if out == entry else product(block, read)
    return Drawing(
        (Equation(Matrix("h", out, 1, FLOW), Sum((own, *terms))),),
        (
            (
                "The adapter reads what the whole frozen feed-forward (FFN) reads, and is added to what the "
                "feed-forward gives. W_{up} starts at 0, so that training starts from the unchanged base."
            ),
        ),
    )


def peanut(at: Layer) -> Drawing:
    """Draw PEANuT as in arXiv 2410.01870."""
    r = at.size("peanut_A", 0, int(number(at.arg("r"), 32)))
    depth = int(number(at.arg("depth"), 0))
    function = str(at.arg("act_fn", "relu"))
    a = Matrix("A", r, at.rows, TRAINED, starts="random")
    b = Matrix("B", at.rows, r, TRAINED, starts="0")
    first = Apply(function, product(a, weight(at)))
    scaling = number(at.arg("scaling"), 1.0)
    if not depth:
        change: Expression = product(b, first, x(at))
        where: tuple[Equation, ...] = ()
    else:
        m, into, out = (Matrix(name, r, at.cols, COMPUTED) for name in ("M_i", "M_{i−1}", "N_i"))
        last = Matrix("N", r, at.cols, COMPUTED)
        encoder = Matrix("E_i", r, r, TRAINED, copies=depth, starts="random")
        decoder = Matrix("D_i", r, r, TRAINED, copies=depth, starts="random")
        change = product(b, last, x(at))
        before = Matrix("N_{i−1}", r, at.cols, COMPUTED)
        where = (
            Equation(Matrix("M_0", r, at.cols, COMPUTED), first),
            Equation(m, Apply(function, product(encoder, into))),
            Equation(
                out,
                add(
                    Apply(function, product(decoder, before)),
                    Matrix("M_{d−i}", r, at.cols, COMPUTED),
                ),
                "N_0 = M_d, and N is the last",
            ),
        )
    return added(
        at,
        change if scaling == 1 else Scale("s", change, scaling),
        where=where,
        notes=("A small network reads the frozen weight itself and gives the weight's change.",),
    )


def shadow(at: Layer) -> Drawing:
    """Draw Shadow as in arXiv 2604.19254."""
    d = at.size("shadow_down", 1, at.base.width or at.cols)
    r = at.size("shadow_down", 0, int(number(at.arg("r"), 8)))
    inner = at.size("shadow_update_transform.0", 0, int(number(at.arg("update_hidden_size"), r)))
    backbone = sum(
        math.prod(shape)
        for name, shape in at.pieces.items()
        if "backbone" in name or "projection" in name
    )
    heads = [shape for name, shape in at.pieces.items() if name.startswith("shadow_head")]
    labels = [shape[0] for shape in heads if len(shape) == 2][-1:]
    hidden, state, entry = (Matrix(name, d, 1, FLOW) for name in ("h", "s", "h'"))
    out = Matrix("h_{out}", d, 1, FLOW)
    down = Matrix("W_{down}", r, d, TRAINED, starts="random")
    up = Matrix("W_{up}", d, r, TRAINED, starts="0")
    g, t = Matrix("g", d, 1, COMPUTED), Matrix("t", d, 1, COMPUTED)
    one = Matrix("1", d, 1, FROZEN, stored=0)
    alpha = number(at.arg("shadow_alpha"), 0.1)

    def network(name: str, first: str, second: str) -> Expression:
        low = Matrix(f"{name}_1", inner, d, TRAINED, starts="random")
        high = Matrix(f"{name}_2", d, inner, TRAINED, starts="random")
        inside = add(product(low, out), Matrix(first, inner, 1, TRAINED, starts="random"))
        return add(
            product(high, Apply("GELU", inside)), Matrix(second, d, 1, TRAINED, starts="random")
        )

    equations = [
        Equation(
            entry,
            add(hidden, Scale("α", product(up, down, subtract(hidden, state)), alpha)),
            "what enters the block",
        ),
        Equation(out, Apply("block", entry), "the frozen block"),
        Equation(
            Matrix("s_{next}", d, 1, FLOW), add(Hadamard(subtract(one, g), state), Hadamard(g, t))
        ),
        Equation(t, network("T", "a_1", "a_2")),
        Equation(g, Apply("sigmoid", network("G", "c_1", "c_2"))),
    ]
    small = Matrix(
        "shadow",
        d,
        d,
        TRAINED,
        _MODULE,
        stored=backbone or None,
        shared="one for the model",
        size="a small model",
    )
    if backbone:
        words = Matrix("x_0", d, 1, FLOW)
        equations.append(
            Equation(Matrix("s_0", d, 1, FLOW), product(small, words), "before the first block")
        )
    if labels:
        logits = Matrix("y", labels[0], 1, FLOW)
        score = Matrix(
            "head",
            labels[0],
            d,
            TRAINED,
            _MODULE,
            stored=sum(math.prod(shape) for shape in heads),
            shared="one for the model",
        )
        last = Matrix("s_{last}", d, 1, FLOW)
        equations.append(Equation(logits, product(score, last), "for the auxiliary loss"))
    return Drawing(
        tuple(equations),
        (
            (
                "A small trained model runs parallel to the base. Its state s corrects the hidden state that "
                "enters each block, and is updated from what leaves it."
            ),
        ),
    )


DRAWINGS = {
    "houlsby": houlsby,
    "pfeiffer": pfeiffer,
    "parallel_adapter": parallel,
    "peanut": peanut,
    "shadow": shadow,
}
