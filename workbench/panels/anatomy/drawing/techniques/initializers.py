"""Starts: LoRA whose matrices begin from the weight itself or from data."""

from __future__ import annotations

from workbench.panels.anatomy.drawing.equations import Drawing, Equation
from workbench.panels.anatomy.drawing.expression import (
    FROZEN,
    START,
    Matrix,
    Pattern,
    product,
    subtract,
)
from workbench.panels.anatomy.drawing.layer import Layer
from workbench.panels.anatomy.drawing.techniques.common import (
    added,
    diagonal,
    directions,
    lora_a,
    lora_b,
    lora_scale,
    rank,
    residual,
    weight,
    whole,
    x,
)

_SAME = "At the start W_{res} x + (α/r) B A x is W x: nothing is lost."
_LARGEST = "singular values from the largest to the smallest"


def _with_residual(at: Layer, from_a: str, from_b: str, *where: Equation, notes=()) -> Drawing:
    a, b = lora_a(at, from_a), lora_b(at, from_b)
    left, equation = residual(at, a, b)
    return added(
        at,
        lora_scale(at, product(b, a, x(at))),
        where=(equation, *where),
        notes=(*notes, _SAME),
        base=left,
    )


def pissa(at: Layer) -> Drawing:
    """Draw PiSSA as in arXiv 2404.02948."""
    r = rank(at)
    svd = Equation(whole(at), directions(at.rows, at.cols, "first", r), _LARGEST)
    return _with_residual(
        at,
        "√Σ_r V_r^T",
        "U_r √Σ_r",
        svd,
        notes=(f"A and B start as the {r} principal directions of W (blue), divided by α/r.",),
    )


def mica(at: Layer) -> Drawing:
    """Draw MiCA as in arXiv 2604.01694."""
    r = rank(at)
    b = lora_b(at, "U, last r", state=FROZEN)
    svd = Equation(whole(at), directions(at.rows, at.cols, "last", r), _LARGEST)
    return added(
        at,
        lora_scale(at, product(b, lora_a(at, "0"), x(at))),
        where=(svd,),
        notes=(
            (
                f"B is frozen: it is the {r} left singular vectors of W with the smallest singular "
                "values (blue columns of U). Only A is trained."
            ),
        ),
    )


def olora(at: Layer) -> Drawing:
    """Draw OLoRA as in arXiv 2406.01775."""
    r, k = rank(at), min(at.rows, at.cols)
    qr = product(
        Matrix("Q", at.rows, k, START, Pattern("first", r)),
        Matrix("R", k, at.cols, START, Pattern("first rows", r)),
    )
    note = f"B starts as the first {r} columns of Q, which are orthonormal, A as the rows of R."
    return _with_residual(
        at, "R, first r", "Q, first r", Equation(whole(at), qr, "QR decomposition"), notes=(note,)
    )


def orthogonal(at: Layer) -> Drawing:
    """LoRA whose two matrices start orthogonal to each other."""
    return added(
        at,
        lora_scale(at, product(lora_b(at, "random"), lora_a(at, "random"), x(at))),
        notes=(
            (
                "A and B both start from random numbers, out of the odd and the even rows of one "
                "orthogonal matrix: B A is 0 at the start, and both learn from the first step on."
            ),
        ),
    )


def kasa(at: Layer) -> Drawing:
    """Draw KaSA as in arXiv 2412.06071."""
    r = rank(at)
    inner = product(lora_b(at), diagonal("ΔΣ", r, starts="random"), lora_a(at), x(at))
    svd = Equation(whole(at), directions(at.rows, at.cols, "last", r), _LARGEST)
    return added(
        at,
        lora_scale(at, inner),
        where=(svd,),
        notes=(
            (
                f"The {r} smallest singular directions (blue) are removed permanently; W_{{cut}} is what "
                "is left. B ΔΣ A learns new ones in their place, kept close to orthogonal by a term of "
                "the loss."
            ),
        ),
        base=weight(at, "W_{cut}"),
    )


def loftq(at: Layer) -> Drawing:
    """Draw LoftQ as in arXiv 2310.08659."""
    r, bits = rank(at), at.bits or 4
    q = Matrix("Q", at.rows, at.cols, FROZEN, bits=bits)
    error = whole(at, "E")
    svd = Equation(error, directions(at.rows, at.cols, "first", r), _LARGEST)
    return added(
        at,
        lora_scale(at, product(lora_b(at, "U_r √Σ_r"), lora_a(at, "√Σ_r V_r^T"), x(at))),
        where=(Equation(error, subtract(whole(at), q), "what quantization loses"), svd),
        notes=(
            (
                f"A and B start as the {r} largest directions (blue) of the error of storing W in "
                f"{bits} bits, so that training begins close to the full-precision base."
            ),
        ),
        base=q,
    )


def eva(at: Layer) -> Drawing:
    """Draw EVA as in arXiv 2410.07170."""
    r, n = rank(at), 4 * at.cols
    k = min(n, at.cols)
    inputs = Matrix("X", n, at.cols, START, size=f"inputs × {at.cols:,}")
    u = Matrix("U", n, k, START, size=f"inputs × {k:,}")
    right = product(u, *directions(n, at.cols, "first", r).factors[1:])
    return added(
        at,
        lora_scale(at, product(lora_b(at), lora_a(at, "V^T, first r"), x(at))),
        where=(Equation(inputs, right, "X: this layer's inputs for training rows"),),
        notes=(
            (
                f"A starts as the {r} directions (blue rows of V^T) in which this layer's inputs vary "
                "most. With rho above 1, layers whose inputs need more directions get a higher rank."
            ),
        ),
    )


def corda(at: Layer) -> Drawing:
    """Draw CorDA as in arXiv 2406.05223."""
    r, principal = rank(at), at.arg("corda_config.corda_method", "ipm") == "ipm"
    covariance = Matrix("C", at.cols, at.cols, START)
    seen = whole(at, "M")
    svd = directions(at.rows, at.cols, "first" if principal else "last", r)
    what = (
        "largest directions (blue) of W as it acts on inputs like the training rows'"
        if principal
        else "smallest directions (blue), so that what W knows of the given rows stays as it is"
    )
    return _with_residual(
        at,
        "√Σ_r V_r^T C^{-1}",
        "U_r √Σ_r",
        Equation(seen, product(whole(at), covariance), "C: covariance of this layer's inputs"),
        Equation(seen, svd, _LARGEST),
        notes=(f"A and B start as the {r} {what}.",),
    )


def lora_ga(at: Layer) -> Drawing:
    """Draw LoRA-GA as in arXiv 2407.05000."""
    r = rank(at)
    svd = Equation(
        whole(at, "G"),
        directions(at.rows, at.cols, "first", 2 * r),
        "G: the gradient of W on training rows",
    )
    return _with_residual(
        at,
        "r rows of V^T",
        "r columns of U",
        svd,
        notes=(
            (
                f"Of the first {2 * r} singular directions of G (blue) {r} become A and the other "
                f"{r} B: the first step changes B A almost as full fine-tuning would change W."
            ),
        ),
    )


DRAWINGS = {
    "pissa": pissa,
    "mica": mica,
    "olora": olora,
    "orthogonal": orthogonal,
    "kasa": kasa,
    "loftq": loftq,
    "eva": eva,
    "corda": corda,
    "lora_ga": lora_ga,
}
