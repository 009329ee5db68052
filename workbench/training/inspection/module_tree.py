"""A model's modules as a tree in which equal blocks are one."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

Facts = Mapping[str, tuple[str, tuple[int, ...]]]


@dataclass(frozen=True)
class Piece:
    """A parameter that a technique has injected.

    Parameters
    ----------
    name : str
        What it is called in its layer.
    shape : tuple of int
    parameters : int
    trainable : bool
    """

    name: str
    shape: tuple[int, ...]
    parameters: int
    trainable: bool


@dataclass(frozen=True)
class Node:
    """A module of the base, or several equal ones; all counts are those of one of them.

    Parameters
    ----------
    name : str
        Its name in its parent, such as ``q_proj``, or of equal blocks ``0–3``.
    kind : str
        Its class.
    shape : tuple of int
        Of its weight, if it has one.
    parameters, trainable : int
        The base's own parameters in it and below; all trainable ones there, the injected too.
    own, own_trainable : int
        The base's own parameters in it alone, and how many of them are trained.
    injected : tuple of Piece
        What the technique has put there.
    children : tuple of Node
    paths : tuple of str
        Whole names of the modules that it stands for.
    can, ticked : tuple of str
        Whole names of the modules, it or below it, that the technique can wrap; those it does.
    layers : tuple of tuple
        Of a stack of blocks: ``(can, ticked)`` of each block, in order.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    parameters: int
    trainable: int
    own: int
    own_trainable: int
    injected: tuple[Piece, ...]
    children: tuple[Node, ...]
    paths: tuple[str, ...] = field(compare=False)
    can: tuple[str, ...] = field(compare=False)
    ticked: tuple[str, ...] = field(compare=False)
    layers: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = field(default=(), compare=False)

    @property
    def count(self) -> int:
        """How many equal modules it stands for."""
        return len(self.paths)


def fold(
    facts: Facts,
    own: Mapping[str, tuple[int, int]],
    pieces: Mapping[str, Sequence[Piece]],
    can: Collection[str],
    ticked: Collection[str],
    layer_lists: Collection[str],
) -> Node:
    """Make the tree of a model's modules.

    Parameters
    ----------
    facts : mapping
        ``(kind, shape)`` of each of the base's modules, by whole name; the model itself is ``""``.
    own : mapping
        Number of the base's parameters in each module alone, and how many of them are trained.
    pieces : mapping
        The parameters that the technique adds to each module.
    can, ticked : collection of str
        The modules that can be wrapped, and those that are wrapped.
    layer_lists : collection of str
        The lists of equal layers.
    """
    below: dict[str, list[str]] = {}
    for name in facts:
        if name:
            below.setdefault(name.rpartition(".")[0], []).append(name)

    def grow(path: str) -> Node:
        grown = [grow(name) for name in below.get(path, ())]
        kind, shape = facts[path]
        mine, trained = own.get(path, (0, 0))
        injected = tuple(pieces.get(path, ()))
        return Node(
            name=path.rpartition(".")[2],
            kind=kind,
            shape=shape,
            parameters=mine + sum(child.parameters for child in grown),
            trainable=trained
            + sum(piece.parameters for piece in injected if piece.trainable)
            + sum(child.trainable for child in grown),
            own=mine,
            own_trainable=trained,
            injected=injected,
            children=_together([child for child in grown if _matters(child)]),
            paths=(path,),
            can=(path,) * (path in can) + tuple(name for child in grown for name in child.can),
            ticked=(path,) * (path in ticked)
            + tuple(name for child in grown for name in child.ticked),
            layers=tuple((child.can, child.ticked) for child in grown)
            if path in layer_lists
            else (),
        )

    return grow("")


def _matters(node: Node) -> bool:
    """Leave out what has no parameters: activations, dropout, tables of positions."""
    return bool(node.parameters or node.shape or node.injected or node.can or node.trainable)


def _together(children: Sequence[Node]) -> tuple[Node, ...]:
    """Fold numbered children that are equal but for their numbers."""
    groups: dict[Node, list[Node]] = {}
    for child in children:
        key = replace(child, name="") if child.name.isdecimal() else child
        groups.setdefault(key, []).append(child)
    return tuple(
        _merge(group, ranges([int(one.name) for one in group])) if len(group) > 1 else group[0]
        for group in groups.values()
    )


def _merge(group: Sequence[Node], name: str) -> Node:
    first = group[0]
    return replace(
        first,
        name=name,
        children=tuple(
            _merge(same, same[0].name)
            for same in zip(*(one.children for one in group), strict=True)
        ),
        paths=tuple(path for one in group for path in one.paths),
        can=tuple(path for one in group for path in one.can),
        ticked=tuple(path for one in group for path in one.ticked),
        layers=(),
    )


def ranges(numbers: Sequence[int]) -> str:
    """Write increasing numbers as ranges.

    Examples
    --------
    >>> ranges([0, 1, 2, 5, 7, 8])
    '0–2, 5, 7–8'
    """
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ", ".join(str(a) if a == b else f"{a}–{b}" for a, b in runs)
