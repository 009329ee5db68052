"""Which modules of a model there are to draw, and which of them shows best what a technique does."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from workbench.panels.anatomy.drawing.layer import Base, Layer
from workbench.recipe import Recipe
from workbench.registry.quantizations import QUANTIZATIONS
from workbench.registry.techniques import find

if TYPE_CHECKING:
    from workbench.training.inspection.anatomy import Structure
    from workbench.training.inspection.module_tree import Node

# Techniques that train rows of an embedding, or all of it, and see it as it is stored.
_TABLES = ("selective", "full", "prompt", "prompting")
_HEAD = "modules_to_save"


def walk(node: Node) -> Iterator[Node]:
    """Go through a tree from its root down."""
    yield node
    for child in node.children:
        yield from walk(child)


def arguments(recipe: Recipe, structure: Structure | None = None) -> dict[str, Any]:
    """Return a technique's arguments: its defaults, the recipe's, and what PEFT made of them."""
    technique = find(recipe.technique)
    given = recipe.technique_args if isinstance(recipe.technique_args, dict) else {}
    known = technique.defaults() if technique else {}
    fixed = dict(technique.fixed) if technique else {}
    config = dict(structure.config) if structure else {}
    return {**config, **{k: v for k, v in fixed.items() if k not in config}, **known, **given}


def bits_of(recipe: Recipe) -> int:
    """Return the bits of each weight of the base, if they are few; else 0."""
    technique = find(recipe.technique)
    name = recipe.quantization or (technique.quantization if technique else None)
    entry = QUANTIZATIONS.get(str(name))
    return entry.bits if entry else 0


def base_of(structure: Structure) -> Base:
    """Return what is around a module."""
    nodes = list(walk(structure.tree))
    tables = [node for node in nodes if node.kind == "Embedding" and len(node.shape) == 2]
    table = max(tables, key=lambda node: node.shape[0], default=None)
    stacks = [node for node in nodes if node.layers]
    keys = [node for node in nodes if node.name in ("k_proj", "key") and len(node.shape) == 2]
    norms = [node for node in nodes if "Norm" in node.kind and node.shape]
    return Base(
        name=structure.tree.kind,
        width=table.shape[1] if table else norms[0].shape[0] if norms else 0,
        layers=len(stacks[0].layers) if stacks else 0,
        vocabulary=table.shape[0] if table else 0,
        keys=keys[0].shape[0] if keys else 0,
        block=stacks[0].children[0].parameters if stacks and stacks[0].children else 0,
    )


def layer_of(structure: Structure, node: Node, recipe: Recipe) -> Layer:
    """Return a node of the tree as something to draw."""
    technique, root = find(recipe.technique), structure.tree
    family = technique.family if technique else ""
    shape = node.shape
    if len(shape) > 2:
        shape = (shape[0], math.prod(shape[1:]))
    pieces = {piece.name: piece.shape for piece in drawn(node)}
    looked_up = family in _TABLES or any("trainable_tokens" in name for name in pieces)
    if node.kind == "Conv1D" or (node.kind == "Embedding" and not (looked_up or not pieces)):
        shape = shape[::-1]
    rows, cols = (*shape, 0, 0)[:2]
    if node is not root and any("backbone" in piece.name for piece in root.injected):
        pieces |= {piece.name: piece.shape for piece in root.injected}
    return Layer(
        path=node.paths[0],
        kind=node.kind,
        rows=rows,
        cols=cols,
        bias=len(shape) == 2 and node.kind != "Embedding" and node.own == rows * cols + rows,
        args=arguments(recipe, structure),
        pieces=pieces,
        base=base_of(structure),
        bits=bits_of(recipe) if _in_block(node) and len(node.shape) == 2 else 0,
        own=(node.own, _own_trained(node)),
        trained=root.trainable,
    )


def _in_block(node: Node) -> bool:
    return any(part.isdecimal() for part in node.paths[0].split("."))


def _own_trained(node: Node) -> int:
    """A new head is a trained copy of a module, put in its place."""
    heads = [piece.parameters for piece in node.injected if piece.name.startswith(_HEAD)]
    return node.own_trainable or sum(heads)


def drawn(node: Node) -> tuple[Any, ...]:
    """Return what a technique has put at a node, new heads left out."""
    return tuple(piece for piece in node.injected if not piece.name.startswith(_HEAD))


def is_adapted(structure: Structure, node: Node, recipe: Recipe) -> bool:
    """Tell whether the technique changes a module itself."""
    technique = find(recipe.technique)
    if technique is not None and technique.trainable != "adapter":
        return bool(node.own_trainable)
    return bool(drawn(node)) or bool(set(node.paths) & set(structure.tree.ticked))


def example(structure: Structure, recipe: Recipe) -> tuple[Node, bool]:
    """Return the module that shows best what a technique does, and whether it is adapted."""
    technique, nodes = find(recipe.technique), list(walk(structure.tree))
    if technique is not None and technique.trainable in ("nothing",):
        return structure.tree, True
    if technique is not None and technique.name == "last_layers":
        return structure.tree, True
    adapted = [node for node in nodes if is_adapted(structure, node, recipe)]
    if technique is not None and technique.trainable == "adapter":
        inside = [node for node in adapted if node.paths[0]] or adapted
        if structure.problem:  # nothing could be put anywhere yet
            inside = [n for n in nodes if len(n.shape) == 2 and "." in n.paths[0] and n.can] or [
                n for n in nodes if n.kind == "Linear" and _in_block(n)
            ]
        return (inside[0], True) if inside else (structure.tree, False)
    matrices = [node for node in adapted if len(node.shape) == 2] or adapted
    blocks = [n for n in matrices if _in_block(n)]
    if blocks:
        return blocks[0], True
    return (
        (max(matrices, key=lambda n: n.own_trainable), True)
        if matrices
        else (structure.tree, False)
    )


def chosen(structure: Structure, recipe: Recipe, path: str | None) -> tuple[Node, bool, str]:
    """Return the module to draw for a click on another one, whether it is adapted, and why it is this one.

    Parameters
    ----------
    path : str or None
        Whole name of what was clicked, or of the first of equal ones; None for none.
    """
    technique = find(recipe.technique)
    title = technique.title if technique else str(recipe.technique)
    best, adapted = example(structure, recipe)
    node = next((n for n in walk(structure.tree) if path in n.paths), None) if path else None
    if node is None or node is best:
        return best, adapted, _caption(title, best, adapted, structure)
    if is_adapted(structure, node, recipe):
        return node, True, _caption(title, node, True, structure)
    if any(piece.name.startswith(_HEAD) for piece in node.injected):
        return node, False, f"{node.name} is the new head: trained in full, in addition to {title}."
    inner = [n for n in walk(node) if n is not node and is_adapted(structure, n, recipe)]
    if inner:
        caption = _caption(title, inner[0], True, structure)
        return inner[0], True, f"{caption} It is the first such module in {node.name}."
    if node.shape:
        return node, False, f"{title} leaves {node.name} as it is."
    first = next((n for n in walk(node) if n.shape), None)
    why = f"{title} changes nothing in {node.name or node.kind}"
    if first is None:
        return best, adapted, f"{why}; this is {best.name or best.kind}."
    return first, False, f"{why}; this is {first.name} in it."


def _caption(title: str, node: Node, adapted: bool, structure: Structure) -> str:
    if not node.paths[0]:
        return f"What {title} does to the model."
    if not adapted:
        return f"{title} leaves {node.name} as it is."
    same = f" and {node.count - 1} like it" if node.count > 1 else ""
    return f"What {title} does to {node.paths[0]}{same}."
