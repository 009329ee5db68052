"""Pictures of modules that run in parallel to a frozen weight; their output is added to its output."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from workbench.panels.anatomy.drawing.layer import Layer
from workbench.panels.anatomy.drawing.sheet import LINE, Sheet, times, width_of

if TYPE_CHECKING:
    from workbench.training.inspection.module_tree import Piece

LONG = 92  # px of the longest side
LEFT = 74  # where the two streams part
GAP = 26
FEED_FORWARD = "feed-forward"
LEAD = 14  # of an arrow that ends at a box
WIDE = 400  # px of pieces that are drawn; the rest are counted


def side(size: int, largest: int) -> float:
    """Return how long a side is drawn: by the root, so that small ones can be seen."""
    return min(max(9.0, LONG * (size / max(largest, 1)) ** 0.5), LONG)


def box_of(shape: Sequence[int], largest: int) -> tuple[float, float]:
    """Return the width and height of a matrix, out × in, drawn as it is written: rows × columns."""
    rows, columns = (*shape, 1, 1)[:2] if len(shape) < 3 else (shape[0], shape[-1])
    return side(columns, largest), side(rows, largest)


def labelled(sheet: Sheet, x: float, y: float, shape, trained: bool, name: str, largest: int):
    """Draw a matrix around the height y with its name and shape below; returns where it ends."""
    name = shortened(name)
    width, height = box_of(shape, largest)
    room = room_of(shape, name, largest)
    middle = x + room / 2
    sheet.box(middle - width / 2, y - height / 2, width, height, trained)
    foot = y + height / 2 + LINE
    sheet.text(middle, foot, name)
    sheet.text(middle, foot + LINE, times(shape), quiet=True)
    return x + room


def room_of(shape, name: str, largest: int) -> float:
    """Return how wide a matrix is with its labels."""
    words = (shortened(name), times(shape))
    return max(box_of(shape, largest)[0], *map(width_of, words))


def shortened(name: str) -> str:
    """Cut the beginning of a long name off.

    Examples
    --------
    >>> shortened("lora_A"), shortened("shadow.backbone.layers.0.mlp.gate_proj")
    ('lora_A', '….0.mlp.gate_proj')
    """
    return name if len(name) <= 22 else f"…{name[-16:]}"


def change(sheet: Sheet, layer: Layer) -> None:
    """The frozen weight W, and in parallel the matrices whose product is added to it."""
    stretch = [piece for piece in layer.pieces if "magnitude" in piece.name]
    pieces = in_order([piece for piece in layer.pieces if piece not in stretch], layer.shape)
    _draw(sheet, layer, pieces, stretch, chained(pieces, layer.shape))


def bottleneck(sheet: Sheet, layer: Layer) -> None:
    """A small network in parallel to a module, or after it."""
    pieces = [piece for piece in layer.pieces if len(piece.shape) > 1]
    if layer.config.get("variant") in (None, "parallel"):
        reads, writes = pieces[0].shape[-1], pieces[-1].shape[0]
        if layer.shape and reads != layer.shape[1]:
            # It reads what the feed-forward reads, and stands at the feed-forward's end.
            whole = replace(layer.node, name=FEED_FORWARD, kind=FEED_FORWARD, shape=(writes, reads))
            layer = replace(layer, node=whole)
        _draw(sheet, layer, pieces, [], True, str(layer.config.get("non_linearity", "")))
        return
    largest = max(size for piece in pieces for size in piece.shape)
    y, name = 70.0, layer.node.name or layer.node.kind
    sheet.text(8, y + 4, "x", at="start")
    sheet.line((22, y), (44, y))
    width = max(width_of(name), 64)
    sheet.box(46, y - 30, width, 60, False)
    sheet.text(46 + width / 2, y + 46, name)
    sheet.text(46 + width / 2, y + 46 + LINE, times(layer.shape) or layer.node.kind, quiet=True)
    x = 46 + width
    part = x + 16
    sheet.line((x, y), (part, y), arrow=False)
    below = y + 130
    sheet.line((part, y), (part, below), (part + 22 - LEAD, below), arrow=False)
    end = _chain(sheet, pieces, part + 22, below, largest, layer.config["non_linearity"])
    sheet.line((part, y), (end + 7, y))
    sheet.line((end, below), (end + 17, below), (end + 17, y + 10))
    sheet.knot(end + 17, y, "+")
    sheet.line((end + 27, y), (end + 50, y))
    sheet.text(end + 54, y + 4, "h", at="start")


def _draw(
    sheet: Sheet,
    layer: Layer,
    pieces: Sequence[Piece],
    stretch: Sequence[Piece],
    chain: bool,
    activation: str = "",
) -> None:
    sizes = [size for piece in pieces for size in piece.shape if len(piece.shape) > 1]
    largest = max([*layer.shape, *sizes, 1])
    name = layer.node.name or layer.node.kind
    shape = layer.shape or (largest, largest)
    _, height = box_of(shape, largest)
    tallest = max([box_of(piece.shape, largest)[1] for piece in pieces] + [20])
    top = 10 + height / 2
    below = top + height / 2 + 2 * LINE + 22 + tallest / 2
    sheet.text(8, top + 4, "x", at="start")
    if layer.shape:
        sheet.text(8, top + 4 + LINE, times(layer.shape[1:]), quiet=True, at="start")
    sheet.line((22, top), (LEFT, top), arrow=False)
    start = LEFT + 24
    end = _chain(sheet, pieces, start, below, largest, activation, "→" if chain else "·")
    middle = start + max(end - start - room_of(shape, name, largest), 0) / 2
    wide, _ = box_of(shape, largest)
    room = room_of(shape, name, largest)
    title = name if layer.node.kind == FEED_FORWARD else f"W  {name}"
    labelled(sheet, middle, top, shape, False, title, largest)
    centre = middle + room_of(shape, title, largest) / 2
    sheet.line((LEFT, top), (centre - wide / 2 - 2, top))
    last, end = end, max(end, middle + room) + 8
    sheet.line((LEFT, top), (LEFT, below), (start - LEAD, below), arrow=False)
    sheet.line((centre + wide / 2, top), (end + 8, top))
    sheet.line((last, below), (end + 18, below), (end + 18, top + 10))
    sheet.knot(end + 18, top, "+")
    x = end + 28
    for piece in stretch:
        sheet.line((x, top), (x + 18, top))
        sheet.knot(x + 28, top, "×")
        tall = side(max(piece.shape), largest)
        # Right of what is written below the chain.
        at = max(x + 28, last + 12 + width_of(piece.name) / 2)
        sheet.box(x + 24, below - tall / 2, 9, tall, piece.trainable)
        sheet.line((x + 28, below - tall / 2), (x + 28, top + 10))
        sheet.text(at, below + tall / 2 + LINE, piece.name)
        sheet.text(at, below + tall / 2 + 2 * LINE, times(piece.shape), quiet=True)
        x += 38
    sheet.line((x, top), (x + 22, top))
    sheet.text(x + 26, top + 4, "h", at="start")
    if layer.shape:
        sheet.text(x + 26, top + 4 + LINE, times(layer.shape[:1]), quiet=True, at="start")


def _chain(
    sheet: Sheet,
    pieces: Sequence[Piece],
    x: float,
    y: float,
    largest: int,
    activation: str = "",
    sign: str = "→",
) -> float:
    """Draw pieces side by side; returns where the last one ends."""
    before, begin, left = 0.0, x, len(pieces)
    for number, piece in enumerate(pieces):
        room = room_of(piece.shape, piece.name, largest)
        if number and x + GAP + room - begin > WIDE:
            break
        left -= 1
        slack = (room - box_of(piece.shape, largest)[0]) / 2  # between a label's end and the box
        if number and activation:
            sheet.line((x - before, y), (x + 8, y), arrow=False)
            word = width_of(activation) + 10
            sheet.text(x + 8 + word / 2, y + 4, activation)
            x += 8 + word
            sheet.line((x, y), (x + GAP + slack - 2, y))
            x += GAP
        elif number and sign == "→":
            sheet.line((x - before, y), (x + GAP + slack - 2, y))
            x += GAP
        elif number:
            sheet.text(x + GAP / 2, y + 4, sign)
            x += GAP
        else:
            sheet.line((x - LEAD, y), (x + slack - 2, y))
        x, before = labelled(sheet, x, y, piece.shape, piece.trainable, piece.name, largest), slack
    if not left:
        sheet.line((x - before, y), (x, y), arrow=False)
    else:
        more = f"+ {left} more"
        sheet.text(x + 10, y + 4, more, at="start")
        x += 10 + width_of(more)
    return x


def in_order(pieces: Sequence[Piece], shape: Sequence[int]) -> list[Piece]:
    """Put vectors that stand between two matrices between them."""
    matrices = [piece for piece in pieces if len(piece.shape) > 1 and min(piece.shape) > 1]
    vectors = [piece for piece in pieces if piece not in matrices]
    if len(matrices) == 2 and chained(matrices, shape):
        between = [vector for vector in vectors if max(vector.shape) == matrices[0].shape[0]]
        rest = [vector for vector in vectors if vector not in between]
        return [matrices[0], *between, matrices[1], *rest]
    return list(pieces)


def chained(pieces: Sequence[Piece], shape: Sequence[int]) -> bool:
    """Return whether the pieces, applied in order, map the layer's inputs to its outputs."""
    matrices = [piece.shape for piece in pieces if len(piece.shape) == 2 and min(piece.shape) > 1]
    if len(matrices) < 2 or len(shape) != 2:
        return False
    ends = matrices[0][1] == shape[1] and matrices[-1][0] == shape[0]
    return ends and all(b[1] == a[0] for a, b in itertools.pairwise(matrices))
