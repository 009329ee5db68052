"""A module to draw, found in the headers of a base's weight files: no heavy library, no weight is read."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from workbench.errors import WorkbenchError
from workbench.panels.anatomy.drawing.layer import Base, Layer
from workbench.panels.anatomy.drawing.sites import arguments, bits_of
from workbench.recipe import Recipe
from workbench.registry.techniques import find
from workbench.sources.models.describe import ModelFacts
from workbench.sources.models.weights import EMBEDDINGS, tensors, weight_files

# Modules that show well what a technique does, by the names that families of models have for them.
QUERIES = ("q_proj", "query", "c_attn", "qkv_proj", "query_key_value", "q_lin", "Wqkv", "q")
KEYS = ("k_proj", "key", "k_lin", "k", "c_attn", "qkv_proj", "query_key_value")
VALUES = ("v_proj", "value", "v_lin", "v", "c_attn", "qkv_proj", "query_key_value")
OUTPUTS = ("o_proj", "out_proj", "attention.output.dense", "attn.c_proj", "out_lin", "o", "Wo")
ENDS = ("down_proj", "fc2", "mlp.c_proj", "layer.0.output.dense", "lin2", "wo", "dense_4h_to_h")
_NAMED = {
    "ia3": KEYS,
    "beft": VALUES,
    "houlsby": OUTPUTS,
    "pfeiffer": ENDS,
    "parallel_adapter": ENDS,
}
_MODEL_WIDE = ("prompt", "prompting")
_TABLES = ("trainable_tokens", "embeddings_only")
# Their weights are stored as features in × out.
_TURNED = ("gpt2", "openai-gpt", "imagegpt", "decision_transformer")


def layer_from_files(recipe: Recipe, facts: ModelFacts, labels: int = 2) -> Layer:
    """Return a module of a base that shows what a recipe's technique does.

    Parameters
    ----------
    recipe : Recipe
    facts : ModelFacts
        Of the recipe's base.
    labels : int
        How many rows a new head gets.
    """
    technique = find(recipe.technique)
    shapes = {} if facts.quantization else _shapes(facts.path, facts.fingerprint)
    name = technique.name if technique else ""
    base = _base(facts, shapes)
    args = arguments(recipe)
    if technique and (technique.family in _MODEL_WIDE and name != "adaption_prompt"):
        return Layer("", facts.architecture, args=args, base=base)
    if name == "last_layers":
        return Layer("", facts.architecture, args=args, base=base)
    if name == "head_only":
        size = labels * base.width
        return Layer("head", "Linear", labels, base.width, args=args, base=base, own=(size, size))
    if name == "ln_tuning":
        norms = [
            key
            for key in shapes
            if _in_block(key) and "norm" in key.lower() and key.endswith(".weight")
        ]
        path = norms[0].removesuffix(".weight") if norms else "norm"
        size = 2 * base.width if f"{path}.bias" in shapes else base.width
        pieces = {"ln_tuning_layers.weight": (base.width,)}
        if f"{path}.bias" in shapes:
            pieces["ln_tuning_layers.bias"] = (base.width,)
        return Layer(path, "Norm", base.width, args=args, base=base, pieces=pieces, own=(size, 0))
    if name in _TABLES:
        size = base.vocabulary * base.width
        trained = size if name == "embeddings_only" else 0
        return Layer(
            "embeddings",
            "Embedding",
            base.vocabulary,
            base.width,
            args=args,
            base=base,
            own=(size, trained),
        )
    if name == "shadow":
        return Layer("block", "Block", args=args, base=base)
    if name == "adaption_prompt":
        return Layer("attention", "Attention", args=args, base=base)
    path, rows, cols = _matrix(recipe, facts, shapes, _NAMED.get(name, QUERIES))
    bias = f"{path}.bias" in shapes
    total = rows * cols + rows * bias
    trained = {"full": total, "bitfit": rows * bias}.get(name, 0)
    return Layer(
        path,
        "Linear",
        rows,
        cols,
        bias,
        args,
        base=base,
        bits=bits_of(recipe),
        own=(total, trained),
    )


def _matrix(
    recipe: Recipe, facts: ModelFacts, shapes: Mapping[str, tuple[int, ...]], names: Sequence[str]
) -> tuple[str, int, int]:
    """Choose a linear layer: one that the recipe targets, else one with a well-known name."""
    args = recipe.technique_args if isinstance(recipe.technique_args, Mapping) else {}
    targets = args.get("target_modules")
    wanted = [str(name) for name in targets] if isinstance(targets, (list, tuple)) else []
    linear = [
        key.removesuffix(".weight")
        for key, shape in shapes.items()
        if _in_block(key) and key.endswith(".weight") and len(shape) == 2
    ]
    found = next((key for name in (*wanted, *names) for key in linear if _ends(key, name)), None)
    found = found or (linear[0] if linear else None)
    if found is None:
        width = facts.hidden_size or 1
        return names[0], width, width
    rows, cols = shapes[f"{found}.weight"]
    return (found, cols, rows) if facts.model_type in _TURNED else (found, rows, cols)


def _base(facts: ModelFacts, shapes: Mapping[str, tuple[int, ...]]) -> Base:
    keys = [
        shape[0] for key, shape in shapes.items() if _ends(key.removesuffix(".weight"), "k_proj")
    ]
    tables = [
        shape for key, shape in shapes.items() if key.endswith(EMBEDDINGS) and len(shape) == 2
    ]
    first = [math.prod(shape) for key, shape in shapes.items() if ".0." in key]
    return Base(
        name=facts.architecture,
        width=facts.hidden_size or 0,
        layers=facts.layers or 0,
        vocabulary=tables[0][0] if tables else facts.vocab_size or 0,
        keys=keys[0] if keys else 0,
        block=sum(first),
    )


def _in_block(name: str) -> bool:
    return any(part.isdecimal() for part in name.split("."))


def _ends(name: str, ending: str) -> bool:
    return name == ending or name.endswith(f".{ending}")


@functools.lru_cache(maxsize=8)
def _shapes(path: str, state: object) -> dict[str, tuple[int, ...]]:
    """Return the shapes of a base's tensors by name; none where its files cannot be read."""
    try:
        listed: Iterable = tensors(weight_files(Path(path), path), path)
    except (WorkbenchError, OSError):
        return {}
    return {tensor.name: tensor.shape for tensor in listed}
