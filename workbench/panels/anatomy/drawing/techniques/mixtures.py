"""Mixtures: several low-rank changes, and a learnt choice among them."""

from __future__ import annotations

from collections.abc import Mapping, Sized

from workbench.panels.anatomy.drawing.equations import Drawing, Equation
from workbench.panels.anatomy.drawing.expression import (
    COMPUTED,
    FLOW,
    FROZEN,
    TRAINED,
    Apply,
    Matrix,
    Pattern,
    Repeat,
    Scale,
    add,
    product,
)
from workbench.panels.anatomy.drawing.layer import Layer, number
from workbench.panels.anatomy.drawing.techniques.common import added, x


def lily(at: Layer) -> Drawing:
    """Draw Lily as in arXiv 2407.09946."""
    r = at.size("lily_router", 1, int(number(at.arg("r"), 32)))
    n = at.size("lily_router", 0, int(number(at.arg("num_B"), 2)))
    stride = int(number(at.arg("stride_A"), 1))
    # Modules that one of the targets names share their B, where their weights have one shape.
    named = at.arg("target_modules", ())
    listed = () if isinstance(named, str) else named
    endings = [name for name in listed if f".{at.path}".endswith(f".{name}")]
    target = max(endings, key=len, default=at.name)
    a = Matrix(
        "A",
        r,
        at.cols,
        TRAINED,
        starts="random",
        shared=f"by {stride} layers" if stride > 1 else "",
    )
    mean = Matrix("B̄", at.rows, r, COMPUTED)
    p = Matrix("p", n, 1, COMPUTED)
    each = Matrix(
        "B_e",
        at.rows,
        r,
        TRAINED,
        copies=n,
        starts="0",
        shared=f"by all {target}, {at.rows:,} × {at.cols:,}",
    )
    router = Matrix("R", n, r, TRAINED, starts="random")
    a_again = Matrix("A", r, at.cols, TRAINED, starts=a.starts, shared=a.shared)
    return added(
        at,
        Scale("s", product(mean, a, x(at)), number(at.arg("scaling"), 1.0)),
        where=(
            Equation(mean, Repeat("Σ", "e", n, Scale("p_e", each))),
            Equation(p, Apply("softmax", product(router, a_again, x(at))), "mean over the tokens"),
        ),
        notes=(
            (
                f"The router R looks at A x and mixes {n} matrices B_e, which the {target} of all "
                "layers share."
            ),
        ),
    )


def poly(at: Layer) -> Drawing:
    """Draw Polytropon as in arXiv 2202.13914."""
    shape = at.pieces.get("poly_lora_A")
    splits, n, r = (
        (shape[0], shape[1], shape[3])
        if shape
        else (
            int(number(at.arg("n_splits"), 1)),
            int(number(at.arg("n_skills"), 4)),
            int(number(at.arg("r"), 8)),
        )
    )
    tasks = int(number(at.arg("n_tasks"), 1))
    a, b = Matrix("Ā", r, at.cols, COMPUTED), Matrix("B̄", at.rows, r, COMPUTED)
    pattern = Pattern("grid", splits) if splits > 1 else Pattern()
    each_a = Matrix("A_s", r, at.cols, TRAINED, pattern, copies=n, starts="random")
    each_b = Matrix("B_s", at.rows, r, TRAINED, pattern, copies=n, starts="0")
    z = Matrix("z", tasks, splits * n, TRAINED, starts="random")
    share = Matrix("w", tasks, splits * n, COMPUTED)
    split = f" Each of {splits} parts of the features has weights of its own." if splits > 1 else ""
    return added(
        at,
        Scale("1/r", product(b, a, x(at)), 1 / max(r, 1)),
        where=(
            Equation(a, Repeat("Σ", "s", n, Scale("w_s", each_a))),
            Equation(b, Repeat("Σ", "s", n, Scale("w_s", each_b))),
            Equation(share, Apply("sigmoid, sum 1", z)),
        ),
        notes=(
            (
                f"{n} skills are mixed by the trained weights of the task (here {tasks})."
                f"{split} While training the weights are drawn at random around z."
            ),
        ),
    )


def xlora(at: Layer) -> Drawing:
    """Draw X-LoRA as in arXiv 2402.07148."""
    adapters = at.arg("adapters")
    names = list(adapters) if isinstance(adapters, Mapping) else []
    n = len(names) or 2
    shape = at.pieces.get("lora_A") or at.pieces.get(f"lora_A.{names[0]}" if names else "")
    r = shape[0] if shape else int(number(at.arg("r"), 8))
    width = int(number(at.arg("hidden_size"), at.base.width or at.cols))
    s = Matrix("s", n, 1, COMPUTED)
    b = Matrix("B_i", at.rows, r, FROZEN, copies=n, starts="trained before")
    a = Matrix("A_i", r, at.cols, FROZEN, copies=n, starts="trained before")
    classifier = Matrix("C", n, width, TRAINED, starts="random", shared="shared by all layers")
    offset = Matrix("c", n, 1, TRAINED, starts="random", shared="shared by all layers")
    hidden = Matrix("h_{last}", width, 1, FLOW)
    depth = int(number(at.arg("xlora_depth"), 1))
    notes = [
        (
            f"The {n} LoRAs were trained before and stay frozen. A small classifier reads the base's "
            "last hidden state, token by token, and says how much each of them counts."
        )
    ]
    if depth > 1:
        notes.append(f"The classifier has {depth} layers; the last one is drawn.")
    if isinstance(adapters, Sized) and not names or adapters is None:
        notes.append("Drawn with two adapters of rank 8, as none are given yet.")
    return added(
        at,
        Repeat("Σ", "i", n, Scale("s_i α/r", product(b, a, x(at)))),
        where=(Equation(s, Apply("softmax", add(product(classifier, hidden), offset))),),
        notes=tuple(notes),
    )


DRAWINGS = {"lily": lily, "poly": poly, "xlora": xlora}
