"""Low rank: the change of a weight is a product of thin matrices."""

from __future__ import annotations

from workbench.display.units import size
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
)
from workbench.panels.anatomy.drawing.layer import Layer, number
from workbench.panels.anatomy.drawing.techniques.common import (
    added,
    bias,
    diagonal,
    h,
    lora_a,
    lora_b,
    lora_scale,
    rank,
    weight,
    x,
)

_BEGINS = "B starts at 0, so training starts from the unchanged base."


def lora(at: Layer) -> Drawing:
    """Draw LoRA as in arXiv 2106.09685."""
    return added(at, lora_scale(at, product(lora_b(at), lora_a(at), x(at))), notes=(_BEGINS,))


def rslora(at: Layer) -> Drawing:
    """Draw rsLoRA as in arXiv 2312.03732."""
    note = "The factor falls with √r and not with r, so high ranks learn as fast as low ones."
    return added(at, lora_scale(at, product(lora_b(at), lora_a(at), x(at))), notes=(note, _BEGINS))


def qlora(at: Layer) -> Drawing:
    """Draw QLoRA as in arXiv 2305.14314."""
    note = (
        f"W is frozen in {at.bits} bits (hatched): its {at.rows * at.cols:,} numbers take "
        f"{size(at.rows * at.cols * at.bits / 8)} and not {size(at.rows * at.cols * 4)}, scales "
        "aside. It is converted to full precision whenever it is used; A and B are in full precision."
        if at.bits
        else "Choose a quantization: with full-precision weights this is plain LoRA."
    )
    return added(at, lora_scale(at, product(lora_b(at), lora_a(at), x(at))), notes=(note, _BEGINS))


def dora(at: Layer) -> Drawing:
    """Draw DoRA as in arXiv 2402.09353."""
    v = Matrix("V", at.rows, at.cols, COMPUTED)
    m = Matrix("m", at.rows, 1, TRAINED, starts="‖W‖ by rows")
    direction = product(Matrix("V̂", at.rows, at.cols, COMPUTED), x(at))
    terms = (Hadamard(m, direction), *bias(at))
    return Drawing(
        (
            Equation(h(at), terms[0] if len(terms) == 1 else Sum(terms)),
            Equation(Matrix("V̂", at.rows, at.cols, COMPUTED), Apply("rows of length 1", v)),
            Equation(v, add(weight(at), lora_scale(at, product(lora_b(at), lora_a(at))))),
        ),
        (
            (
                "m sets how long each row of the weight is, V̂ in which direction it points: the two "
                "are trained separately."
            ),
        ),
    )


def adalora(at: Layer) -> Drawing:
    """Draw AdaLoRA as in arXiv 2303.10512."""
    r = rank(at, "lora_A", "init_r", 12)
    p = Matrix("P", at.rows, r, TRAINED, starts="random")
    q = Matrix("Q", r, at.cols, TRAINED, starts="random")
    inner = product(p, diagonal("Λ", r, starts="0"), q, x(at))
    alpha = number(at.arg("lora_alpha"), 8)
    target = int(number(at.arg("target_r"), 8))
    return added(
        at,
        Scale("α/r", inner, alpha / max(r, 1)),
        notes=(
            (
                f"While it trains, the least important entries of Λ are set to 0, until layers have "
                f"{target} left on average: each of them switches off a column of P and a row of Q. "
                "r in the factor is the number that is left."
            ),
        ),
    )


def delora(at: Layer) -> Drawing:
    """Draw DeLoRA as in arXiv 2503.18225."""
    r = rank(at, "delora_A")
    b = Matrix("B", at.rows, r, TRAINED, starts="0")
    a = Matrix("A", r, at.cols, TRAINED, starts="random")
    start = int(number(at.arg("delora_lambda"), 15))
    strength = Matrix("λ", 1, 1, TRAINED, starts=f"{start}")
    xi = diagonal("Ξ", r, COMPUTED)
    norm = diagonal("‖W‖", at.cols, FROZEN)
    inner = Scale("λ", product(b, xi, a, norm, x(at)), factor=strength)
    return added(
        at,
        Scale("1/r", inner, 1 / max(r, 1)),
        notes=(
            (
                "Ξ divides by the lengths of B's columns and A's rows, so that only their directions "
                "count; λ alone sets the strength. ‖W‖ has the length of each column of W."
            ),
        ),
    )


def gralora(at: Layer) -> Drawing:
    """Draw GraLoRA as in arXiv 2505.20355."""
    r, k = int(number(at.arg("r"), 32)), int(number(at.arg("gralora_k"), 2))
    shape = at.pieces.get("gralora_A")
    if shape:
        k, r = shape[0], shape[2]
    hybrid = int(number(at.arg("hybrid_r"), 0))
    alpha = number(at.arg("alpha"), 64)
    a = Matrix("A", k * r, at.cols, TRAINED, Pattern("blocks", k), r * at.cols, starts="random")
    b = Matrix("B", at.rows, k * r, TRAINED, Pattern("blocks", k), r * at.rows, starts="0")
    swap = Matrix("Π", k * r, k * r, FROZEN, Pattern("one per row"), stored=0)
    terms = [product(b, swap, a, x(at))]
    if hybrid:
        wide = Matrix("A_h", hybrid, at.cols, TRAINED, starts="random")
        tall = Matrix("B_h", at.rows, hybrid, TRAINED, starts="0")
        terms.append(product(tall, wide, x(at)))
    symbol = "α/(r + r_h)" if hybrid else "α/r"
    scaled = [Scale(symbol, term, alpha / max(r + hybrid, 1)) for term in terms]
    return added(
        at,
        *scaled,
        notes=(
            (
                f"W is seen as a grid of {k} × {k} blocks. A has one part for each column of blocks, B "
                f"one for each row of blocks; Π distributes their {r} outputs so that each of the "
                f"{k * k} blocks gets a LoRA of its own with rank {r // max(k, 1)}."
            ),
        ),
    )


def glora(at: Layer) -> Drawing:
    """Draw GLoRA as in arXiv 2306.07967."""
    r, how = int(number(at.arg("r"), 8)), at.arg("config_A_B", "lora")
    w = weight(at)
    terms: list[Expression] = [w]
    if how == "lora":
        terms += [
            Hadamard(w, _path("A", at.rows, at.cols, r)),
            _path("B", at.rows, at.cols, r),
        ]
    elif how == "vector":
        ones = Matrix("1^T", 1, at.cols, FROZEN, stored=0)
        a, b = (Matrix(name, at.rows, 1, TRAINED, starts="0") for name in ("a", "c"))
        terms += [Hadamard(w, product(a, ones)), product(b, ones)]
    elif how == "constant":
        ones = Matrix("1", at.rows, at.cols, FROZEN, stored=0)
        a, b = (Matrix(name, 1, 1, TRAINED, starts="0") for name in ("a", "c"))
        terms += [Scale("a", w, factor=a), Scale("c", ones, factor=b)]
    whole = Sum(tuple(terms)) if len(terms) > 1 else w
    if not at.bias:
        equations = [Equation(h(at), product(whole, x(at)))]
    else:
        changed = Matrix("b'", at.rows, 1, COMPUTED)
        equations = [
            Equation(h(at), add(product(whole, x(at)), changed)),
            Equation(changed, _glora_bias(at, w, r)),
        ]
    return Drawing(
        tuple(equations),
        ("The frozen weight is scaled entry by entry and shifted by what is trained.",),
    )


def _glora_bias(at: Layer, w: Matrix, r: int) -> Expression:
    """b + b ⊙ D + E + W C."""
    b = Matrix("b", at.rows, 1, FROZEN)
    terms: list[Expression] = [b]
    if at.arg("config_D_E", "constant") == "vector":
        terms += [
            Hadamard(b, Matrix("D", at.rows, 1, TRAINED, starts="0")),
            Matrix("E", at.rows, 1, TRAINED, starts="0"),
        ]
    elif at.arg("config_D_E", "constant") == "constant":
        d, e = (Matrix(name, 1, 1, TRAINED, starts="0") for name in ("d", "e"))
        ones = Matrix("1", at.rows, 1, FROZEN, stored=0)
        terms += [Scale("d", b, factor=d), Scale("e", ones, factor=e)]
    if at.arg("config_C", "lora") == "lora":
        terms.append(product(w, _path("C", at.cols, 1, r)))
    elif at.arg("config_C", "lora") == "vector":
        terms.append(product(w, Matrix("C", at.cols, 1, TRAINED, starts="0")))
    return Sum(tuple(terms)) if len(terms) > 1 else b


def _path(name: str, rows: int, cols: int, r: int) -> Expression:
    down = Matrix(f"{name}_d", rows, r, TRAINED, starts="0")
    return product(down, Matrix(f"{name}_u", r, cols, TRAINED, starts="random"))


def bdlora(at: Layer) -> Drawing:
    """Draw BD-LoRA as in arXiv 2510.23346."""
    r, blocks = rank(at), int(number(at.arg("use_bdlora.nblocks"), 2))
    cut = at.arg("use_bdlora.target_modules_bd_a", ()) or ()
    of_a = any(str(name) in at.path for name in cut)
    if at.pieces:
        of_a = at.size("lora_A", 1, at.cols) != at.cols
    pattern = Pattern("blocks", blocks)
    a, b = lora_a(at), lora_b(at)
    if of_a:
        a = lora_a(at, pattern=pattern, stored=r * at.cols // blocks)
    else:
        b = lora_b(at, pattern=pattern, stored=r * at.rows // blocks)
    return added(
        at,
        lora_scale(at, product(b, a, x(at))),
        notes=(
            (
                f"{'A' if of_a else 'B'} has {blocks} blocks on its diagonal and zeros elsewhere: "
                f"each of {blocks} devices can hold one block and needs nothing of the others."
            ),
        ),
    )


def monteclora(at: Layer) -> Drawing:
    """Draw MonteCLoRA as in arXiv 2411.04358."""
    r, n = rank(at), int(number(at.arg("monteclora_config.num_samples"), 8))
    noisy = Matrix("Ã", r, at.cols, COMPUTED)
    mean = Matrix("Z̄", r, at.cols, COMPUTED)
    sigma = diagonal("σ", r, starts="random")
    mix = Matrix("π", 1, n, TRAINED, starts="random")
    samples = Matrix("Z", n, r * at.cols, FLOW, size=f"{n} samples")
    scaler = number(at.arg("monteclora_config.sample_scaler"), 1e-4)
    return added(
        at,
        lora_scale(at, product(lora_b(at), noisy, x(at))),
        where=(
            Equation(
                noisy, add(lora_a(at), Scale("ε", product(Apply("noise", sigma), mean), scaler))
            ),
            Equation(
                mean,
                Apply("mix", product(Apply("softmax", mix), samples), (r, at.cols), True),
                f"the mean of {n} random samples",
            ),
        ),
        notes=("The noise is there only while training; σ and π learn how much of it helps.",),
    )


def velora(at: Layer) -> Drawing:
    """Draw VeLoRA as in arXiv 2405.17991."""
    groups = int(number(at.arg("velora_config.num_groups"), 16))
    width = max(at.cols // max(groups, 1), 1)
    parts = Matrix("x", groups, width, FLOW, size=f"x in {groups} parts of {width}")
    return added(
        at,
        lora_scale(at, product(lora_b(at), lora_a(at), x(at))),
        where=(
            Equation(
                Matrix("x̂", groups, 1, COMPUTED),
                product(parts, Matrix("v", width, 1, FROZEN, starts="a mean of x")),
                "kept for the backward pass in place of x",
            ),
        ),
        notes=(
            (
                f"Forward this is LoRA. For the gradient of A only {groups} numbers of each x are kept "
                f"in place of {at.cols:,}."
            ),
        ),
    )


def alora(at: Layer) -> Drawing:
    """Draw Activated LoRA as in arXiv 2504.12397."""
    whole = added(
        at,
        lora_scale(at, product(lora_b(at), lora_a(at), x(at))),
        when="from the answer on",
    )
    before = Equation(h(at), added(at).equations[0].right, "in the prompt")
    return Drawing(
        (*whole.equations, before),
        ("The prompt is read as by the base, so that its cached keys and values serve both.",),
    )


DRAWINGS = {
    "lora": lora,
    "rslora": rslora,
    "dora": dora,
    "qlora": qlora,
    "adalora": adalora,
    "delora": delora,
    "gralora": gralora,
    "glora": glora,
    "bdlora": bdlora,
    "monteclora": monteclora,
    "velora": velora,
    "alora": alora,
}
