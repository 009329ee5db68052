"""Structured: the change of a weight has full rank, but is made of few numbers."""

from __future__ import annotations

from workbench.panels.anatomy.drawing.equations import Drawing, Equation
from workbench.panels.anatomy.drawing.expression import (
    COMPUTED,
    FROZEN,
    TRAINED,
    Apply,
    Expression,
    Hadamard,
    Kronecker,
    Matrix,
    Pattern,
    Scale,
    add,
    product,
    subtract,
)
from workbench.panels.anatomy.drawing.layer import Layer, number
from workbench.panels.anatomy.drawing.techniques.common import (
    added,
    bias,
    diagonal,
    h,
    weight,
    x,
)


def _pair(name: str, rows: int, cols: int, r: int, first: str, second: str):
    b = Matrix(f"B_{name}", rows, r, TRAINED, starts=first)
    return product(b, Matrix(f"A_{name}", r, cols, TRAINED, starts=second))


def loha(at: Layer) -> Drawing:
    """Draw LoHa as in arXiv 2108.06098."""
    r = at.size("hada_w1_b", 0, int(number(at.arg("r"), 8)))
    both = Hadamard(
        _pair("1", at.rows, at.cols, r, "random", "random"),
        _pair("2", at.rows, at.cols, r, "random", "0"),
    )
    return added(
        at,
        Scale("α/r", product(both, x(at)), number(at.arg("alpha"), 8) / max(r, 1)),
        notes=(
            (
                f"⊙ multiplies entry by entry: two matrices of rank {r} give one of a rank up to "
                f"{r * r}."
            ),
        ),
    )


def factors(number: int, near: int = -1) -> tuple[int, int]:
    """Split a number into two factors as PEFT's LoKr does: near its root, or one near ``near``.

    Examples
    --------
    >>> factors(256), factors(448), factors(127), factors(128, 4)
    ((16, 16), (16, 28), (1, 127), (4, 32))
    """
    if near > 0 and number % near == 0:
        return near, number // near
    limit = number if near == -1 else near
    small, large = 1, number
    while small < large:
        candidate = small + 1
        while number % candidate:
            candidate += 1
        if candidate + number // candidate > small + large or candidate > limit:
            break
        small, large = candidate, number // candidate
    return min(small, large), max(small, large)


def lokr(at: Layer) -> Drawing:
    """Draw LoKr as in arXiv 2309.14859."""
    r, near = int(number(at.arg("r"), 8)), int(number(at.arg("decompose_factor"), -1))
    (tall, high), (wide, broad) = factors(at.rows, near), factors(at.cols, near)
    left: Expression = Matrix("C", tall, wide, TRAINED, starts="0")
    if at.arg("decompose_both") and r < max(tall, wide) / 2:
        left = _pair("C", tall, wide, r, "0", "random")
    right: Expression = Matrix("D", high, broad, TRAINED, starts="random")
    if r < max(high, broad) / 2:
        right = _pair("D", high, broad, r, "random", "random")
    return added(
        at,
        Scale(
            "α/r", product(Kronecker(left, right), x(at)), number(at.arg("alpha"), 8) / max(r, 1)
        ),
        notes=(
            (
                f"⊗ puts a copy of the right matrix in place of each of the {tall} × {wide} entries of "
                f"the left one, times that entry: {tall} · {high} = {at.rows:,} rows, {wide} · {broad} "
                f"= {at.cols:,} columns."
            ),
        ),
    )


def hira(at: Layer) -> Drawing:
    """Draw HiRA as PEFT computes it."""
    r = at.size("hira_A", 0, int(number(at.arg("r"), 32)))
    b = Matrix("B", at.rows, r, TRAINED, starts="0")
    a = Matrix("A", r, at.cols, TRAINED, starts="random")
    return added(
        at,
        product(Hadamard(weight(at), product(b, a)), x(at)),
        notes=(
            (
                "⊙ multiplies entry by entry: B A says by what share each entry of W grows or "
                "shrinks, and the change has as high a rank as W allows."
            ),
        ),
    )


def miss(at: Layer) -> Drawing:
    """Draw MiSS as in arXiv 2409.15371."""
    r, how = at.size("miss_block", 0, int(number(at.arg("r"), 64))), at.arg("init_weights")
    if how == "bat":
        return _bat(at, int(number(at.arg("r"), 64)))
    fold = Matrix("S", r, at.cols, FROZEN, Pattern("identities", -(-at.cols // r)), stored=0)
    tall = Matrix("D^T", at.rows, r, TRAINED, starts="0")
    terms = product(tall, fold, x(at))
    if how == "mini":
        small = int(number(at.arg("mini_r"), 1))
        copy = Matrix(
            "T", at.rows, small, FROZEN, Pattern("identities", at.rows // small), stored=0
        )
        terms = product(copy, Matrix("D^T", small, r, TRAINED, starts="0"), fold, x(at))
    return added(
        at,
        terms,
        notes=(
            (
                f"S adds up the {-(-at.cols // r)} parts of x, each of {r} features, so that all "
                "parts of the weight share the one matrix D."
            ),
        ),
    )


def _bat(at: Layer, r: int) -> Drawing:
    """MiSS in its variant Bat: each block of a weight is changed by the weight's own numbers."""
    block = Matrix("W_{ij}", r, r, FROZEN, copies=(at.rows // r) * (at.cols // r))
    small = Matrix("B_i", r, r, TRAINED, copies=at.rows // r, starts="0")
    return Drawing(
        (
            Equation(h(at), add(product(weight(at, "W'", COMPUTED), x(at)), *bias(at)))
            if at.bias
            else Equation(h(at), product(weight(at, "W'", COMPUTED), x(at))),
            Equation(Matrix("W'_{ij}", r, r, COMPUTED), add(block, product(block, small), small)),
        ),
        (f"W is cut into blocks of {r} × {r}; those of one row of blocks share a matrix.",),
    )


def deft(at: Layer) -> Drawing:
    """Draw DEFT as PEFT computes it."""
    r = at.size("deft_P", 1, int(number(at.arg("r"), 8)))
    p = Matrix("P", at.rows, r, TRAINED, starts="random")
    qr = at.arg("decomposition_method", "relu") == "qr"
    basis = Matrix("Q", at.rows, r, COMPUTED) if qr else p
    read = Matrix("Q^T" if qr else "relu(P)^T", r, at.rows, COMPUTED)
    taken = product(read, weight(at))
    where = (Equation(basis, Apply("orthonormal columns", p)),) if qr else ()
    if at.arg("para"):
        out = product(basis, taken, x(at))
        first = Equation(h(at), subtract(product(weight(at), x(at)), out))
        return Drawing((first, *where), ("The subspace that P spans is taken out of W.",))
    alpha = at.arg("alpha")
    new = Matrix("R", r, at.cols, TRAINED, starts=f"{'Q' if qr else 'relu(P)'}^T W")
    put = Scale("α/r", new, alpha / r) if alpha else new
    return added(
        at,
        product(basis, subtract(put, taken), x(at)),
        where=where,
        notes=(
            (
                "The subspace that P spans is taken out of W, and R puts something new in its place. "
                "R starts as what is taken out."
            ),
        ),
    )


def adamss(at: Layer) -> Drawing:
    """Draw AdaMSS as PEFT computes it."""
    names = [name for name in at.pieces if name.startswith("adamss_A")]
    groups = len(names) or int(number(at.arg("num_subspaces"), 5))
    ranks = sum(at.pieces[name][0] for name in names)
    ranks = ranks or groups * int(number(at.arg("subspace_rank"), 1))
    r = min(int(number(at.arg("r"), 100)), at.rows, at.cols + at.bias)
    r = at.size(names[0], 1, r) if names else r
    stored = sum(
        rows * cols for name, (rows, cols) in at.pieces.items() if name.startswith("adamss_B")
    ) or at.rows * ranks // max(groups, 1)
    wide = at.cols + at.bias
    entry = Matrix("x̃", wide, 1, COMPUTED, size=f"{wide:,}: x and 1") if at.bias else x(at)
    b = Matrix("B", at.rows, ranks, TRAINED, Pattern("blocks", groups), stored, starts="0")
    a = Matrix("A", ranks, r, TRAINED, starts="orthonormal")
    v = Matrix("V^T", r, wide, FROZEN, starts="of W")
    return added(
        at,
        product(b, a, v, entry),
        notes=(
            (
                f"V^T holds the {r} main directions of W's inputs. W's rows are sorted into {groups} "
                "groups that lie alike among them; each group (a block of B) learns a change of its "
                "own with a tiny rank."
            ),
        ),
    )


def osf(at: Layer) -> Drawing:
    """Draw OSF as in arXiv 2504.07097."""
    k = min(at.rows, at.cols)
    kept = number(at.arg("effective_rank"), 0.5)
    high = int(k * kept) if isinstance(kept, float) and kept < 1 else int(kept)
    low = at.size("osf_svd_params.S_low", 0, k - high)
    high = k - low

    def part(name: str, size: int, state: str) -> tuple[Matrix, ...]:
        starts = "of W"
        return (
            Matrix(f"U_{{{name}}}", at.rows, size, state, starts=starts),
            diagonal(f"Σ_{{{name}}}", size, state, starts=starts),
            Matrix(f"V_{{{name}}}^T", size, at.cols, state, starts=starts),
        )

    frozen = product(*part("high", high, FROZEN), x(at))
    trained = product(*part("low", low, TRAINED), x(at))
    return Drawing(
        (Equation(h(at), add(frozen, trained, *bias(at))),),
        (
            (
                f"W = U Σ V^T is split: the {high} directions with the largest singular values stay, "
                f"the other {low} are trained. Their gradients are kept orthogonal to the frozen ones."
            ),
        ),
    )


def frod(at: Layer) -> Drawing:
    """Draw FRoD as in arXiv 2512.23485."""
    n = at.size("frod_lambda_s_values", 0, 0)
    n = n or int(at.cols * at.cols * number(at.arg("sparse_rate"), 0.02))
    u = Matrix("U", at.rows, at.cols, FROZEN, starts="W V^{-T} Λ^{-1}")
    v = Matrix("V^T", at.cols, at.cols, FROZEN, shared="shared by layers")
    s = Matrix("S", at.cols, at.cols, TRAINED, Pattern("entries", n), stored=n, starts="0")
    lengths = diagonal("Λ", at.cols, starts="from W")
    whole = product(u, add(lengths, s), v, x(at))
    return Drawing(
        (Equation(h(at), add(whole, *bias(at)) if at.bias else whole),),
        (
            (
                "At the start U Λ V^T is W. V is shared by all layers of one kind; Λ stretches its "
                "directions, the few entries of S turn them into one another."
            ),
        ),
    )


DRAWINGS = {
    "loha": loha,
    "lokr": lokr,
    "hira": hira,
    "miss": miss,
    "deft": deft,
    "adamss": adamss,
    "osf": osf,
    "frod": frod,
}
