"""Optimizers: LoRA as it is, whose two matrices are stepped in another way."""

from __future__ import annotations

from workbench.panels.anatomy.drawing.equations import Drawing, Equation
from workbench.panels.anatomy.drawing.expression import (
    COMPUTED,
    FROZEN,
    Apply,
    Matrix,
    Pattern,
    Scale,
    add,
    product,
)
from workbench.panels.anatomy.drawing.layer import Layer, number
from workbench.panels.anatomy.drawing.techniques.common import (
    added,
    lora_a,
    lora_b,
    lora_scale,
    rank,
    x,
)


def lora_plus(at: Layer) -> Drawing:
    """Draw LoRA+ as in arXiv 2402.12354."""
    ratio = number(at.arg("loraplus_lr_ratio"), 16)
    a = lora_a(at, "random", size=f"{rank(at)} × {at.cols:,} · rate η")
    b = lora_b(at, "0", size=f"{at.rows:,} × {rank(at)} · rate {ratio:g} η")
    return added(
        at,
        lora_scale(at, product(b, a, x(at))),
        notes=(f"A learns with the learning rate η, B with {ratio:g} times as much.",),
    )


def lora_fa(at: Layer) -> Drawing:
    """Draw LoRA-FA as in arXiv 2308.03303."""
    a = lora_a(at, "random", state=FROZEN)
    return added(
        at,
        lora_scale(at, product(lora_b(at), a, x(at))),
        notes=(
            (
                f"A stays as it was drawn at random. For the gradient of B only the {rank(at)} numbers "
                f"A x are kept, not the {at.cols:,} of x."
            ),
        ),
    )


def riemannian(at: Layer) -> Drawing:
    """Draw Riemannian LoRA as in arXiv 2402.02347."""
    r = rank(at)
    eye = Matrix("I", r, r, FROZEN, Pattern("identity"), stored=0)
    damping = number(at.arg("reg"), 1e-2)
    b = Matrix("B", at.rows, r, COMPUTED)
    turned = Matrix("B^T", r, at.rows, COMPUTED)
    step = Equation(
        Matrix("step of A", r, at.cols, COMPUTED),
        product(
            Apply("inverse", add(product(turned, b), Scale("δ", eye, damping))),
            Matrix("∇A", r, at.cols, COMPUTED),
        ),
    )
    return added(
        at,
        lora_scale(at, product(lora_b(at), lora_a(at), x(at))),
        where=(step,),
        notes=(
            (
                "The gradient of B is preconditioned in the same way, with A A^T: the update of B A does "
                "not depend on how its scale is split between A and B."
            ),
        ),
    )


DRAWINGS = {"lora_plus": lora_plus, "lora_fa": lora_fa, "riemannian": riemannian}
