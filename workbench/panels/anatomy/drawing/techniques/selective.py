"""Selective: some of the base's own parameters are trained, and nothing is added."""

from __future__ import annotations

from workbench.panels.anatomy.drawing.equations import Drawing, Equation
from workbench.panels.anatomy.drawing.expression import (
    FLOW,
    FROZEN,
    TRAINED,
    Hadamard,
    Matrix,
    Pattern,
    Product,
    add,
    product,
)
from workbench.panels.anatomy.drawing.layer import Layer, number
from workbench.panels.anatomy.drawing.techniques.common import h, weight, x


def own(at: Layer) -> Drawing:
    """A module of the base as it is, with what of it is trained."""
    total, trained = at.own
    if at.kind == "Embedding":
        return _embedding(at, Matrix("E", at.rows, at.cols, TRAINED if trained else FROZEN))
    if not at.rows and total:
        state = TRAINED if trained else FROZEN
        numbers = Matrix("θ", total, 1, state, size=f"{total:,} numbers")
        return Drawing((Equation(Matrix("p", total, 1, FLOW, size="used as they are"), numbers),))
    if not at.cols:
        return norm(at)
    size = at.rows * at.cols
    state = TRAINED if trained >= size else FROZEN
    whole = product(weight(at, state=state), x(at))
    if not at.bias:
        return Drawing((Equation(h(at), whole),))
    of_bias = TRAINED if trained in (total, total - size) and trained else FROZEN
    b = Matrix("b", at.rows, 1, of_bias)
    return Drawing((Equation(h(at), add(whole, b)),))


def _embedding(at: Layer, table: Matrix) -> Drawing:
    pick = Matrix("t", 1, at.rows, FLOW, size="1 at the token")
    return Drawing((Equation(Matrix("h^T", 1, at.cols, FLOW), product(pick, table)),))


def norm(at: Layer) -> Drawing:
    """A normalization layer: a factor for each feature, and perhaps a bias."""
    total, trained = at.own
    injected = [name for name in at.pieces if name.startswith("ln_tuning")]
    state = TRAINED if trained or injected else FROZEN
    size = at.rows or 1
    both = len(injected) > 1 or total >= 2 * size
    only_bias = both and not injected and 0 < trained < total
    gamma = Matrix("γ", size, 1, FROZEN if only_bias else state, starts="of the base")
    scaled = Hadamard(gamma, Matrix("x̂", size, 1, FLOW, size=f"{size:,}, normalized"))
    beta = Matrix("β", size, 1, state, starts="of the base")
    return Drawing((Equation(Matrix("h", size, 1, FLOW), add(scaled, beta) if both else scaled),))


def ln_tuning(at: Layer) -> Drawing:
    """Draw LayerNorm tuning as in arXiv 2312.11420."""
    if at.pieces or not at.kind or "Norm" in at.kind:
        drawing = norm(at)
        return Drawing(
            drawing.equations, ("Each normalization layer is copied, and the copy trained.",)
        )
    return own(at)


def trainable_tokens(at: Layer) -> Drawing:
    """Trainable tokens: some rows of the embeddings."""
    listed = at.arg("token_indices")
    injected = [shape[0] for name, shape in at.pieces.items() if "trainable_tokens" in name]
    n = injected[0] if injected else len(listed) if isinstance(listed, (list, tuple)) else 64
    table = Matrix("E", at.rows, at.cols, TRAINED, Pattern("rows", n), stored=n * at.cols)
    return Drawing(
        _embedding(at, table).equations,
        (
            (
                f"Each row of E is one token of the vocabulary. {n} of {at.rows:,} rows are trained "
                "(orange), all others are frozen."
            ),
        ),
    )


def head_only(at: Layer) -> Drawing:
    """Draw the new head alone."""
    return Drawing(
        (*own(at).equations,), ("The base is frozen: only the new head on top of it is trained.",)
    )


def bitfit(at: Layer) -> Drawing:
    """Draw BitFit as in arXiv 2106.10199."""
    return Drawing((*own(at).equations,), ("Of each layer only its bias is trained.",))


def last_layers(at: Layer) -> Drawing:
    """The last blocks of the base."""
    if at.path:
        return own(at)
    n, d = at.base.layers, at.base.width or 1
    last = min(int(number(at.arg("num_layers"), 1)), n)

    def block(index: int) -> Matrix:
        trained = index > n - last
        size = "a block" if trained else f"{at.base.block:,} numbers"
        return Matrix(
            f"B_{{{index}}}",
            d,
            d,
            TRAINED if trained else FROZEN,
            Pattern("module"),
            at.base.block or None,
            size=size,
        )

    shown = [block(index) for index in range(n, 0, -1)]
    if n > 6:
        first = max(n - last, 1)
        still = Matrix(
            "B_{1…" + str(first) + "}", d, d, FROZEN, Pattern("module"), size=f"{first} blocks"
        )
        top = [block(index) for index in range(n, max(n - last, n - 4), -1)]
        shown = [*top, still]
    factors = (*shown, Matrix("x", d, 1, FLOW))
    return Drawing(
        (Equation(Matrix("h", d, 1, FLOW), Product(factors)),),
        (
            (
                f"{'The last block' if last == 1 else f'The last {last} blocks'} of {n} "
                f"{'is' if last == 1 else 'are'} trained, attention and feed-forward; all below "
                "are frozen."
            ),
        ),
    )


def embeddings_only(at: Layer) -> Drawing:
    """The embeddings of the vocabulary."""
    return Drawing((*own(at).equations,), ("Each row of E is one token of the vocabulary.",))


def full(at: Layer) -> Drawing:
    """Draw full fine-tuning of a module."""
    note = "All parameters of the model are trained; this is one of its modules."
    return Drawing((*own(at).equations,), (note,))


DRAWINGS = {
    "head_only": head_only,
    "bitfit": bitfit,
    "ln_tuning": ln_tuning,
    "trainable_tokens": trainable_tokens,
    "last_layers": last_layers,
    "embeddings_only": embeddings_only,
    "full": full,
}
