"""What a picture of one layer is drawn from: a node of the tree, seen as a matrix with parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.training.inspection.anatomy import Structure
    from workbench.training.inspection.module_tree import Node, Piece


# Their weights are stored as features in × out.
TURNED = ("Conv1D", "Embedding")


@dataclass(frozen=True)
class Layer:
    """One layer, to be drawn.

    Parameters
    ----------
    node : Node
    pieces : tuple of Piece
        What is injected there, numbers alone left out.
    config : mapping
        The arguments of the PEFT config.
    structure : Structure
        The model that it is a layer of.
    """

    node: Node
    pieces: tuple[Piece, ...]
    config: Mapping[str, Any]
    structure: Structure

    @property
    def name(self) -> str:
        """Its whole name, with the layers that it stands for."""
        return self.node.paths[0] or self.node.kind

    @property
    def shape(self) -> tuple[int, ...]:
        """Features out and in, whichever way the weight is stored."""
        shape = self.node.shape
        return shape[::-1] if self.node.kind in TURNED else shape


def walk(node: Node) -> Iterator[Node]:
    """Go through a tree from its root down."""
    yield node
    for child in node.children:
        yield from walk(child)


def example(structure: Structure) -> Layer:
    """Choose the layer that shows best what the technique does.

    The first one with something injected other than a new head; without any, one whose own weight is
    trained: the first in the blocks, else the largest.
    """
    nodes = list(walk(structure.tree))
    for node in nodes:
        pieces = _drawn(node)
        if pieces:
            return Layer(node, pieces, structure.config, structure)
    trained = [node for node in nodes if node.own_trainable] or nodes
    matrices = [node for node in trained if len(node.shape) == 2] or trained
    blocks = [node for node in matrices if any(part.isdecimal() for part in _parts(node))]
    best = blocks[0] if blocks else max(matrices, key=lambda node: node.own_trainable)
    return Layer(best, (), structure.config, structure)


def _parts(node: Node) -> list[str]:
    return node.paths[0].split(".")


def _drawn(node: Node) -> tuple[Piece, ...]:
    return tuple(
        piece
        for piece in node.injected
        if not piece.name.startswith("modules_to_save") and piece.parameters > 1
    )
