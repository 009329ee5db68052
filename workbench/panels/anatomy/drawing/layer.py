"""What a picture is drawn from: one module's sizes, the technique's arguments, and the base around it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Base:
    """The model around a module.

    Parameters
    ----------
    name : str
        Its class.
    width : int
        Of its hidden states.
    layers : int
        How many blocks it has.
    vocabulary : int
        How many tokens its embeddings have.
    keys : int
        Of each token's keys, which may be narrower than its hidden state.
    block : int
        How many parameters one block has.
    """

    name: str = ""
    width: int = 0
    layers: int = 0
    vocabulary: int = 0
    keys: int = 0
    block: int = 0


@dataclass(frozen=True)
class Layer:
    """One module, to be drawn.

    Parameters
    ----------
    path, kind : str
        Its whole name and its class.
    rows, cols : int
        Features out and in, whichever way its weight is stored; for an embedding tokens and features.
    bias : bool
        Whether it has a bias.
    args : mapping
        The technique's arguments.
    pieces : mapping of str to tuple of int
        Shapes of what is injected there, by name; empty where nobody has looked yet.
    base : Base
    bits : int
        Of each weight, where it is stored in few.
    own : tuple of int
        How many parameters of its own it has, and how many of them are trained.
    trained : int
        How many parameters are trained in the whole model.
    """

    path: str
    kind: str = "Linear"
    rows: int = 0
    cols: int = 0
    bias: bool = False
    args: Mapping[str, Any] = field(default_factory=dict)
    pieces: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    base: Base = Base()
    bits: int = 0
    own: tuple[int, int] = (0, 0)
    trained: int = 0

    @property
    def name(self) -> str:
        """Its name in its parent."""
        return self.path.rpartition(".")[2] or self.kind

    def arg(self, name: str, default: Any = None) -> Any:
        """Return an argument; ``outer.inner`` is one of a config within the config."""
        value = self.args.get(name)
        if value is None and "." in name:
            outer, _, inner = name.partition(".")
            config = self.args.get(outer)
            value = (
                config.get(inner) if isinstance(config, Mapping) else getattr(config, inner, None)
            )
        return default if value is None else value

    def size(self, piece: str, axis: int, default: int) -> int:
        """Return a size of an injected tensor, or the default where nobody has looked yet."""
        shape = self.pieces.get(piece)
        return shape[axis] if shape and -len(shape) <= axis < len(shape) else default


def number(value: Any, default: float) -> float:
    """Return an argument that should be a number."""
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else default
