"""Prompts: learnt vectors stand where words or their keys and values would."""

from __future__ import annotations

from workbench.panels.anatomy.drawing.equations import Drawing, Equation
from workbench.panels.anatomy.drawing.expression import (
    COMPUTED,
    FLOW,
    FROZEN,
    TRAINED,
    Apply,
    Beside,
    Expression,
    Hadamard,
    Matrix,
    Pattern,
    Scale,
    add,
    product,
)
from workbench.panels.anatomy.drawing.layer import Layer, number

TEXT = 12  # tokens of the text that are drawn
_EACH = "Each column is one token."


def _text(width: int, name: str = "X", size: str = "the text's tokens") -> Matrix:
    return Matrix(name, width, TEXT, FLOW, Pattern("columns", TEXT), size=size)


def _virtual(name: str, width: int, count: int, state: str, **more) -> Matrix:
    size = more.pop("size", f"{count:,} tokens × {width:,}")
    return Matrix(name, width, count, state, Pattern("columns", count), size=size, **more)


def _in_front(at: Layer, prompt: Expression, *where: Equation, notes: tuple[str, ...]) -> Drawing:
    """H = base([P, X])."""
    width, count = prompt.rows, prompt.cols
    out = Matrix(
        "H", width, count + TEXT, FLOW, Pattern("columns", count + TEXT), size="hidden states"
    )
    base = Apply("base", Beside((prompt, _text(width))))
    return Drawing((Equation(out, base), *where), (*notes, f"The base is frozen. {_EACH}"))


def _shape(at: Layer, piece: str = "prompt_encoder.embedding") -> tuple[int, int]:
    """How many virtual tokens there are, and how wide each is."""
    count = int(number(at.arg("num_virtual_tokens"), 16))
    return at.size(piece, 0, count), at.size(piece, 1, at.base.width)


def prompt_tuning(at: Layer) -> Drawing:
    """Draw Prompt tuning as in arXiv 2104.08691."""
    count, width = _shape(at)
    words = at.arg("prompt_tuning_init", "RANDOM")
    starts = "random" if str(words).endswith("RANDOM") else "words"
    return _in_front(
        at,
        _virtual("P", width, count, TRAINED, starts=starts),
        notes=(f"{count} trained vectors stand in front of the embeddings of the text.",),
    )


def p_tuning(at: Layer) -> Drawing:
    """Draw P-tuning as in arXiv 2103.10385."""
    count, width = _shape(at)
    hidden = int(number(at.arg("encoder_hidden_size"), width))
    made = _virtual("P", width, count, COMPUTED)
    tokens = _virtual("E", width, count, TRAINED, starts="random")

    def layer(name: str, rows: int, cols: int) -> Matrix:
        size = f"{rows:,} × {cols:,}, bias {rows:,}"
        return Matrix(name, rows, cols, TRAINED, stored=rows * cols + rows, size=size)

    if str(at.arg("encoder_reparameterization_type", "MLP")).endswith("LSTM"):
        depth = int(number(at.arg("encoder_num_layers"), 2))
        gates = [width] + [2 * hidden] * (depth - 1)
        stored = sum(2 * (4 * hidden * (entry + hidden) + 8 * hidden) for entry in gates)
        lstm = Matrix(
            "LSTM", 2 * hidden, width, TRAINED, Pattern("module"), stored, size="in both directions"
        )
        first = layer("W_1", 2 * hidden, 2 * hidden)
        read = product(first, lstm, tokens)
        network = product(layer("W_2", width, 2 * hidden), Apply("ReLU", read))
        text = "an LSTM and two layers compute"
    else:
        low = Apply("ReLU", product(layer("W_1", hidden, width), tokens))
        second = Apply("ReLU", product(layer("W_2", hidden, hidden), low))
        network = product(layer("W_3", width, hidden), second)
        text = "three layers compute"
    return _in_front(
        at,
        made,
        Equation(made, network),
        notes=(f"The {count} virtual tokens are what {text} from trained vectors E.",),
    )


def multitask(at: Layer) -> Drawing:
    """Draw Multitask prompt tuning as in arXiv 2303.02861."""
    count, width = _shape(at)
    tasks = at.size("prompt_encoder.prefix_task_cols", 0, int(number(at.arg("num_tasks"), 1)))
    ranks = int(number(at.arg("num_ranks"), 1))
    shared = _virtual("P*", width, count, TRAINED, starts="random")
    made = _virtual("P", width, count, COMPUTED)
    rows = Matrix("v_t", width, ranks, TRAINED, copies=tasks, starts="random")
    cols = Matrix("u_t^T", ranks, count, TRAINED, copies=tasks, starts="random")
    return _in_front(
        at,
        made,
        Equation(made, Hadamard(shared, product(rows, cols))),
        notes=(
            f"P^* is shared by all tasks; each task multiplies it entry by entry with a matrix of "
            f"rank {ranks} of its own (here {tasks} task{'s' * (tasks != 1)}).".replace("P*", "P*"),
        ),
    )


def cpt(at: Layer) -> Drawing:
    """Draw Context-aware prompt tuning as in arXiv 2410.17222."""
    count, width = _shape(at)
    words = _virtual("C", width, count, FROZEN, starts="training rows")
    change = _virtual("Δ", width, count, TRAINED, starts="0")
    return _in_front(
        at,
        add(words, change),
        notes=(
            (
                f"The first {count} tokens of the training rows stand in front of the text. Only their "
                "change Δ is trained, and kept small for each token."
            ),
        ),
    )


def _of_each_layer(at: Layer, keys: Expression, values: Expression, *where, notes) -> Drawing:
    """Keys and values in front of those of the text."""
    when = f"in each of {at.base.layers} layers"
    count, width = keys.cols, keys.rows
    equations = []
    for name, front in (("K", keys), ("V", values)):
        pattern = Pattern("columns", count + TEXT)
        whole = Matrix(name, width, count + TEXT, FLOW, pattern, size="the attention's")
        own = _text(width, f"W_{name} X", "of the text")
        equations.append(Equation(whole, Beside((front, own)), when))
    return Drawing((*equations, *where), (*notes, _EACH))


def prefix(at: Layer) -> Drawing:
    """Draw Prefix tuning as in arXiv 2101.00190."""
    count, wide = _shape(at)
    layers = max(at.base.layers, 1)
    projected = bool(at.arg("prefix_projection"))
    last = at.size("prompt_encoder.transform.2", 0, 0)
    keys = (last if projected else wide if at.pieces else 0) // (2 * layers)
    keys = keys or at.base.keys or at.base.width
    state = COMPUTED if projected else TRAINED
    starts = "" if projected else "random"
    size = f"{count} tokens × {keys:,}"
    front = [
        _virtual(f"P_{n}", keys, count, state, copies=layers, starts=starts, size=size)
        for n in "KV"
    ]
    where = []
    if projected:
        width = wide if at.pieces else at.base.keys or at.base.width
        hidden = at.size(
            "prompt_encoder.transform.0", 0, int(number(at.arg("encoder_hidden_size"), width))
        )
        total = 2 * layers * keys
        tokens = _virtual("E", width, count, TRAINED, starts="random")

        def layer(name: str, rows: int, cols: int) -> Matrix:
            size = f"{rows:,} × {cols:,}, bias {rows:,}"
            return Matrix(name, rows, cols, TRAINED, stored=rows * cols + rows, size=size)

        made = _virtual("all P_K, P_V", total, count, COMPUTED)
        inner = Apply("tanh", product(layer("W_1", hidden, width), tokens))
        where.append(Equation(made, product(layer("W_2", total, hidden), inner)))
    return _of_each_layer(
        at,
        *front,
        *where,
        notes=(
            (
                f"Each layer's attention reads {count} trained keys and values in front of those of "
                "the text, which it computes itself."
            ),
        ),
    )


def cartridge(at: Layer) -> Drawing:
    """Draw Cartridge as in arXiv 2506.06266."""
    layers = max(at.base.layers, 1)
    count = int(number(at.arg("num_virtual_tokens"), 16))
    still = at.size(
        "prompt_encoder.frozen_embedding", 0, int(number(at.arg("num_frozen_tokens"), 1))
    )
    still = min(still, count)
    moves = at.size("prompt_encoder.trainable_embedding", 0, count - still)
    wide = at.size("prompt_encoder.trainable_embedding", 1, 0) // (2 * layers)
    wide = wide or at.base.keys or at.base.width
    front: list[Expression] = []
    for name in "KV":
        parts: list[Expression] = []
        if still:
            parts.append(
                _virtual(
                    f"F_{name}", wide, still, FROZEN, copies=layers, size=f"{still} × {wide:,}"
                )
            )
        if moves:
            text = f"{moves} tokens × {wide:,}"
            parts.append(
                _virtual(
                    f"P_{name}", wide, moves, TRAINED, copies=layers, starts="random", size=text
                )
            )
        front.append(Beside(tuple(parts)))
    return _of_each_layer(
        at,
        *front,
        notes=(
            (
                f"A cache of keys and values is trained itself, as if a long text had been read; the "
                f"first {still} stay{'s' * (still == 1)} fixed, as attention sinks."
            ),
        ),
    )


def adaption_prompt(at: Layer) -> Drawing:
    """Draw LLaMA-Adapter as in arXiv 2303.16199."""
    count = at.size("adaption_prompt", 1, int(number(at.arg("adapter_len"), 16)))
    d = at.size("adaption_prompt", 2, at.base.width)
    keys = at.base.keys or d
    tokens = _virtual("P", d, count, TRAINED, starts="random")
    gate = Matrix("g", 1, 1, TRAINED, starts="0")
    k, v = Matrix("K_P", keys, count, COMPUTED), Matrix("V_P", keys, count, COMPUTED)
    heads = (lambda one: one) if keys == d else (lambda one: Apply("repeat heads", one, (d, count)))
    a = Matrix("a", count, 1, COMPUTED)
    turned = Matrix("K_P^T", count, d, COMPUTED)
    own = Apply("attention", Matrix("x", d, 1, FLOW))
    out = Scale("g", product(Matrix("W_O", d, d, FROZEN), heads(v), a), factor=gate)
    return Drawing(
        (
            Equation(Matrix("h", d, 1, FLOW), add(own, out)),
            Equation(a, Apply("softmax", product(turned, Matrix("q", d, 1, FLOW)))),
            Equation(k, product(Matrix("W_K", keys, d, FROZEN), tokens)),
            Equation(v, product(Matrix("W_V", keys, d, FROZEN), tokens)),
        ),
        (
            (
                f"Each token's query q also attends to {count} trained vectors, through the layer's own W_K "
                "and W_V. The gate g starts at 0, so that training starts from the unchanged base."
            ),
        ),
    )


def nothing_trained(at: Layer) -> Drawing:
    """A prompt without training: the base reads a template, with or without examples."""
    width = at.base.width or 1
    many = int(number(at.arg("num_examples"), 0)) if "num_examples" in at.args else 0
    text = _text(width, "X", "the row")
    out = Matrix("H", width, TEXT, FLOW, Pattern("columns", TEXT), size="hidden states")
    items: tuple[Expression, ...] = (text,)
    if many:
        size = f"{many} examples"
        shown = 6 * min(many, 4)
        items = (Matrix("E", width, shown, FLOW, Pattern("columns", shown), size=size), text)
        out = Matrix(
            "H", width, shown + TEXT, FLOW, Pattern("columns", shown + TEXT), size="hidden states"
        )
    return Drawing(
        (Equation(out, Apply("base", Beside(items))),),
        ("Nothing is trained: the answer is the most likely one of the base.", _EACH),
    )


DRAWINGS = {
    "prompt_tuning": prompt_tuning,
    "p_tuning": p_tuning,
    "multitask_prompt_tuning": multitask,
    "cpt": cpt,
    "prefix_tuning": prefix,
    "cartridge": cartridge,
    "adaption_prompt": adaption_prompt,
    "zero_shot": nothing_trained,
    "few_shot": nothing_trained,
}
