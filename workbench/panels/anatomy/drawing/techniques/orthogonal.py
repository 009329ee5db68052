"""Orthogonal: weights or what they give are rotated, which keeps lengths and angles."""

from __future__ import annotations

from workbench.panels.anatomy.drawing.equations import Drawing, Equation
from workbench.panels.anatomy.drawing.expression import (
    COMPUTED,
    FROZEN,
    TRAINED,
    Apply,
    Beside,
    Expression,
    Matrix,
    Pattern,
    Repeat,
    Scale,
    add,
    product,
    subtract,
)
from workbench.panels.anatomy.drawing.layer import Layer, number
from workbench.panels.anatomy.drawing.techniques.common import (
    added,
    bias,
    cayley,
    diagonal,
    h,
    skew,
    weight,
    x,
)


def _of(at: Layer, *factors: Expression, where: tuple[Equation, ...], notes: tuple[str, ...]):
    whole = product(*factors)
    return Drawing((Equation(h(at), add(whole, *bias(at)) if at.bias else whole), *where), notes)


def oft(at: Layer) -> Drawing:
    """Draw OFT as in arXiv 2306.07280."""
    size, n = int(number(at.arg("oft_block_size"), 32)), int(number(at.arg("r"), 0))
    size = size or at.cols // max(n, 1)
    blocks = at.cols // max(size, 1)
    shared = bool(at.arg("block_share"))
    rotation = Matrix("R", at.cols, at.cols, COMPUTED, Pattern("blocks", blocks))
    q = skew("Q_i", size, 1 if shared else blocks)
    each = "is used for all of them" if shared else "has numbers of its own"
    return _of(
        at,
        weight(at),
        rotation,
        x(at),
        where=(cayley("R_i", q),),
        notes=(
            (
                f"R has {blocks} blocks of {size} × {size} on its diagonal, and each block {each}. "
                "A block is orthogonal: it rotates its features and keeps their length. Cayley makes "
                "it from a skew-symmetric Q, of which one triangle is trained."
            ),
        ),
    )


def boft(at: Layer) -> Drawing:
    """Draw BOFT as in arXiv 2311.06243."""
    shape = at.pieces.get("boft_R")
    size = int(number(at.arg("boft_block_size"), 4))
    size = size or at.cols // max(int(number(at.arg("boft_block_num"), 0)), 1)
    m, blocks, size = shape[:3] if shape else (1, at.cols // max(size, 1), size)
    scale = diagonal("s", at.rows, starts="1")
    q = Matrix(
        "Q_{i,j}", size, size, TRAINED, copies=m * blocks, starts="0", size=f"{size} × {size}"
    )
    names = [f"R_{{{i}}}" for i in range(m, 0, -1)]
    factors = [
        Matrix(name, at.cols, at.cols, COMPUTED, Pattern("blocks", blocks)) for name in names
    ]
    block = Matrix("R_{i,j}", size, size, COMPUTED, copies=m * blocks)
    more = (
        f"The {m} factors have their blocks over features that lie further and further apart (a "
        "butterfly), so that together every feature reaches every other."
        if m > 1
        else "Drawn with one factor: more of them need PEFT's CUDA extension."
    )
    return _of(
        at,
        scale,
        weight(at),
        *factors,
        x(at),
        where=(Equation(block, Apply("Cayley", Apply("skew part", q))),),
        notes=(
            (
                f"Each factor R_i has {blocks} orthogonal blocks of {size} × {size}. {more} s scales "
                "each output."
            ),
        ),
    )


def hra(at: Layer) -> Drawing:
    """Draw HRA as in arXiv 2405.17484."""
    r = at.size("hra_u", 1, int(number(at.arg("r"), 8)))
    eye = Matrix("I", at.cols, at.cols, FROZEN, Pattern("identity"), stored=0)
    rotation = Matrix("R", at.cols, at.cols, COMPUTED)
    if at.arg("apply_GS"):
        u = Matrix("U", at.cols, r, TRAINED, starts="random, pairs")
        basis, turned = Matrix("Û", at.cols, r, COMPUTED), Matrix("Û^T", r, at.cols, COMPUTED)
        where: tuple[Equation, ...] = (
            Equation(rotation, subtract(eye, Scale("2", product(basis, turned)))),
            Equation(basis, Apply("Gram-Schmidt", u)),
        )
    else:
        u = Matrix("u_i", at.cols, 1, TRAINED, copies=r, starts="random, pairs")
        one = Matrix("û_i", at.cols, 1, COMPUTED, copies=r)
        turned = Matrix("û_i^T", 1, at.cols, COMPUTED, copies=r)
        mirror = subtract(eye, Scale("2", product(one, turned)))
        where = (
            Equation(rotation, Repeat("∏", "i", r, mirror)),
            Equation(one, Apply("length 1", u)),
        )
    return _of(
        at,
        weight(at),
        rotation,
        x(at),
        where=where,
        notes=(
            (
                f"I − 2 û û^T is a Householder reflection: it mirrors x at the hyperplane that stands on "
                f"û. {r} of them in a row are an orthogonal matrix. They start in equal pairs, which "
                "undo each other."
            ),
        ),
    )


def psoft(at: Layer) -> Drawing:
    """Draw PSOFT as in arXiv 2505.11235."""
    r = int(number(at.arg("r"), 32))
    alpha = number(at.arg("psoft_alpha"), 32)
    eye = Matrix("I", r, r, FROZEN, Pattern("identity"), stored=0)
    turn = Matrix("T", r, r, COMPUTED)
    rotates = at.arg("psoft_orth", True)
    chain: list[Expression] = [
        Matrix("R", r, r, COMPUTED if rotates else TRAINED, starts="" if rotates else "I")
    ]
    if at.arg("psoft_mag_b", True):
        chain.insert(0, diagonal("β", r, starts="1"))
    if at.arg("psoft_mag_a", True):
        chain.append(diagonal("α'", r, starts="1"))
    where = [Equation(turn, product(*chain) if len(chain) > 1 else chain[0])]
    if rotates:
        where.append(cayley("R", skew("Q", r)))
    b = Matrix("B", at.rows, r, FROZEN, starts="U_r Σ_r of W")
    a = Matrix("A", r, at.cols, FROZEN, starts="V_r^T of W")
    return added(
        at,
        Scale("α/r", product(b, subtract(turn, eye), a, x(at)), alpha / max(r, 1)),
        where=tuple(where),
        notes=(
            (
                f"B A are the {r} principal directions of W, frozen and divided by α/r. T rotates (R) "
                "and scales (β, α') within them; the rest of W stays as it is."
            ),
        ),
    )


def road(at: Layer) -> Drawing:
    """Draw RoAd as in arXiv 2409.00119."""
    variant, group = at.arg("variant", "road_1"), int(number(at.arg("group_size"), 64))
    pairs = at.rows // 2
    per = {"road_1": 1, "road_2": 2, "road_4": 4}[variant]
    rotation = Matrix("R", at.rows, at.rows, COMPUTED, Pattern("rotations", group))
    theta = Matrix("θ_i", per, 1, TRAINED, copies=pairs, starts="0")
    alpha = Matrix("α_i", per, 1, TRAINED, copies=pairs, starts="1")
    block = Matrix("R_i", 2, 2, COMPUTED, copies=pairs)
    right = Apply("rotate and scale", Beside((theta, alpha)), (2, 2))
    texts = {
        1: "[α cos θ, −α sin θ; α sin θ, α cos θ]: one angle and one length for each pair",
        2: "[α_1 cos θ_1, −α_1 sin θ_1; α_2 sin θ_2, α_2 cos θ_2]: one of each for each output",
        4: "[α_1 cos θ_1, −α_2 sin θ_2; α_3 sin θ_3, α_4 cos θ_4]: one of each for each entry",
    }
    own = product(weight(at), x(at))
    when = f"{pairs:,} pairs of outputs, {group // 2} apart"
    return Drawing(
        (
            Equation(h(at), product(rotation, add(own, *bias(at)) if at.bias else own)),
            Equation(block, right, when),
        ),
        (f"R_i = {texts[per]}.",),
    )


DRAWINGS = {"oft": oft, "boft": boft, "hra": hra, "psoft": psoft, "road": road}
