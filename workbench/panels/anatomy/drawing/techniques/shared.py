"""Shared: layers share matrices or vectors, and learn little of their own."""

from __future__ import annotations

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
    Repeat,
    Scale,
    add,
    product,
)
from workbench.panels.anatomy.drawing.layer import Layer, number
from workbench.panels.anatomy.drawing.techniques.common import added, diagonal, x

_ALL = "shared by all layers"


def vera(at: Layer) -> Drawing:
    """Draw VeRA as in arXiv 2310.11454."""
    r = at.size("vera_lambda_d", 0, int(number(at.arg("r"), 256)))
    start = number(at.arg("d_initial"), 0.1)
    inner = product(
        diagonal("Λ_b", at.rows, starts="0"),
        Matrix("B", at.rows, r, FROZEN, starts="random", shared=_ALL),
        diagonal("Λ_d", r, starts=f"{start:g}"),
        Matrix("A", r, at.cols, FROZEN, starts="random", shared=_ALL),
        x(at),
    )
    return added(
        at,
        inner,
        notes=(
            (
                "A and B are drawn at random once, frozen, and the same in all layers. A layer trains "
                f"only the diagonals: λ_d with {r:,} and λ_b with {at.rows:,} numbers."
            ),
        ),
    )


def pvera(at: Layer) -> Drawing:
    """Draw PVeRA as in arXiv 2512.07703."""
    r = int(number(at.arg("r"), 256))
    double = at.size("pvera_lambda_d", 0, 2 * r)
    r = double // 2
    start = number(at.arg("d_initial"), 0.1)
    z, mu, spread = (Matrix(name, r, 1, COMPUTED) for name in ("z", "μ", "log σ^2"))
    noise = Matrix("ε", r, 1, FLOW, starts="random")
    return added(
        at,
        product(
            diagonal("Λ_b", at.rows, starts="0"),
            Matrix("B", at.rows, r, FROZEN, starts="random", shared=_ALL),
            z,
        ),
        where=(
            Equation(
                Matrix("μ, log σ^2", double, 1, COMPUTED),
                product(
                    diagonal("Λ_d", double, starts=f"{start:g}"),
                    Matrix("A", double, at.cols, FROZEN, starts="random", shared=_ALL),
                    x(at),
                ),
            ),
            Equation(z, add(mu, Hadamard(Apply("exp ½", spread), noise)), "while training"),
        ),
        notes=("Afterwards z is μ, without noise. A and B are frozen and the same in all layers.",),
    )


def randlora(at: Layer) -> Drawing:
    """Draw RandLoRA as in arXiv 2502.00987."""
    small, large = sorted((at.rows, at.cols))
    r = at.size("randlora_lambda", 0, int(number(at.arg("r"), 32)))
    n = at.size("randlora_lambda", 1, -(-small // max(r, 1)))
    tall = at.rows >= at.cols
    b = Matrix(
        "B_i" if tall else "B_i^T",
        *((large, r) if tall else (r, large)),
        FROZEN,
        copies=n,
        shared=_ALL,
    )
    a = Matrix("A" if tall else "A^T", *((r, small) if tall else (small, r)), FROZEN, shared=_ALL)
    lam = diagonal("Λ_i", r, copies=n, starts="0")
    gamma = diagonal("Γ_i", small, copies=n, starts="1/longest")
    chain = (b, lam, a, gamma) if tall else (gamma, a, lam, b)
    alpha = number(at.arg("randlora_alpha"), 640)
    return added(
        at,
        Scale("α/r", Repeat("Σ", "i", n, product(*chain, x(at))), alpha / max(r, 1)),
        notes=(
            (
                f"The {n} products of rank {r} add up to a change of full rank. A and all B_i are "
                "random, frozen and shared by all layers; a layer trains the diagonals."
            ),
        ),
    )


def vblora(at: Layer) -> Drawing:
    """Draw VB-LoRA as in arXiv 2405.15179."""
    logits = at.pieces.get("vblora_logits_A")
    r = logits[0] if logits else int(number(at.arg("r"), 4))
    count = logits[2] if logits else int(number(at.arg("num_vectors"), 256))
    long = at.cols // logits[1] if logits else int(number(at.arg("vector_length"), 256))
    k = int(number(at.arg("topk"), 2))
    bank = Matrix("V", count, long, TRAINED, shared=_ALL, starts="random")

    def mixed(name: str, rows: int, cols: int) -> Equation:
        parts = rows * cols // max(long, 1)
        weights = Matrix(f"L_{name}", parts, count, TRAINED, starts="random")
        mix = Apply(f"softmax of top {k}", weights)
        matrix = Matrix(name, rows, cols, COMPUTED)
        return Equation(matrix, Apply("reshape", product(mix, bank), (rows, cols), True))

    a, b = mixed("A", r, at.cols), mixed("B", at.rows, r)
    return added(
        at,
        product(b.left, a.left, x(at)),
        where=(a, b),
        notes=(
            (
                f"A and B are put together from parts of {long} numbers. Each part is a mixture of {k} "
                f"of the {count} vectors in one bank V, which all layers share."
            ),
        ),
    )


def unilora(at: Layer) -> Drawing:
    """Draw Uni-LoRA as in arXiv 2506.00799."""
    r = int(number(at.arg("r"), 4))
    d = at.size("unilora_theta_d", 0, int(number(at.arg("theta_d_length"), 256)))
    theta = Matrix("θ_d", d, 1, TRAINED, starts="random", shared=_ALL)

    def filled(name: str, rows: int, cols: int) -> Equation:
        places = Matrix(
            f"P_{name}", rows * cols, d, FROZEN, Pattern("one per row"), stored=2 * rows * cols
        )
        filled = Apply("reshape", product(places, theta), (rows, cols), True)
        return Equation(Matrix(name, rows, cols, COMPUTED), filled)

    a, b = filled("A", r, at.cols), filled("B", at.rows, r)
    return added(
        at,
        product(b.left, a.left, x(at)),
        where=(a, b),
        notes=(
            (
                f"All that is trained in the whole model are the {d:,} numbers of θ_d. A row of P picks "
                "one of them, chosen at random once, and divides it by the root of how often it is "
                "picked."
            ),
        ),
    )


def tinylora(at: Layer) -> Drawing:
    """Draw TinyLoRA as in arXiv 2602.04118."""
    r, u = int(number(at.arg("r"), 2)), int(number(at.arg("u"), 64))
    r = min(r, at.rows, at.cols)
    tied = number(at.arg("weight_tying"), 0.0)
    v = Matrix("v", u, 1, TRAINED, starts="0", shared="shared by layers" if tied else "")
    directions = Matrix("P", r * r, u, FROZEN, starts="random")
    starts = f"W's first {r}"
    middle = Matrix("R", r, r, COMPUTED)
    inner: Expression = product(
        Matrix("U √Σ", at.rows, r, FROZEN, starts=starts),
        middle,
        Matrix("√Σ V^T", r, at.cols, FROZEN, starts=starts),
        x(at),
    )
    return added(
        at,
        inner,
        where=(Equation(middle, Apply("reshape", product(directions, v), (r, r), True)),),
        notes=(
            (
                f"W's {r} principal directions are mixed by R, which is a sum of {u} fixed random "
                f"matrices of {r} × {r}, weighted by v: {u} numbers are all that is trained here."
            ),
        ),
    )


DRAWINGS = {
    "vera": vera,
    "pvera": pvera,
    "randlora": randlora,
    "vblora": vblora,
    "unilora": unilora,
    "tinylora": tinylora,
}
