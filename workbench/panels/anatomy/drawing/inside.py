"""Pictures of what changes a weight itself, or what flows into or out of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.panels.anatomy.drawing.layer import Layer, walk
from workbench.panels.anatomy.drawing.parallel import (
    GAP,
    box_of,
    change,
    labelled,
    room_of,
    shortened,
    side,
)
from workbench.panels.anatomy.drawing.sheet import LINE, Sheet, times, width_of

if TYPE_CHECKING:
    from workbench.training.inspection.module_tree import Piece

LEFT = 64


def scaling(sheet: Sheet, layer: Layer) -> None:
    """A learned factor for each feature that flows in or out, or something learned added to it."""
    if len(layer.shape) != 2:
        _scaled_norm(sheet, layer)
        return
    largest = max(layer.shape)
    before = [piece for piece in layer.pieces if piece.shape[-1] == layer.shape[1]]
    # A column has a factor for each output, a row one for each input.
    before = [p for p in before if len(p.shape) > 1 and p.shape[0] == 1 and not _adds(p)]
    after = [piece for piece in layer.pieces if piece not in before]
    y = 12 + box_of(layer.shape, largest)[1] / 2
    x = _begin(sheet, layer, y)
    for piece in before:
        x = _factor(sheet, piece, x, y, largest)
    x = _weight(sheet, layer, x, y, largest)
    for piece in after:
        x = _factor(sheet, piece, x, y, largest)
    _end(sheet, layer, x, y)


def _scaled_norm(sheet: Sheet, layer: Layer) -> None:
    """A layer that has factors only, which others take the place of."""
    largest = max(size for piece in layer.pieces for size in piece.shape)
    y, wide = 40.0, width_of(layer.node.kind) + 16
    x = _begin(sheet, layer, y)
    sheet.line((x - 20, y), (x - 2, y))
    sheet.box(x, y - 22, wide, 44, False)
    sheet.text(x + wide / 2, y + 4, layer.node.kind)
    sheet.line((x + wide, y), (x + wide + 4, y), arrow=False)
    x += wide + 24
    for piece in layer.pieces:
        x = _factor(sheet, piece, x, y, largest)
    _end(sheet, layer, x, y)


def _adds(piece: Piece) -> bool:
    return "bias" in piece.name


def rotation(sheet: Sheet, layer: Layer) -> None:
    """A learned rotation of what flows in, block by block, before the frozen weight."""
    if len(layer.shape) != 2:
        change(sheet, layer)
        return
    largest = max(layer.shape)
    y = 12 + max(box_of(layer.shape, largest)[1], side(layer.shape[1], largest)) / 2
    x = _begin(sheet, layer, y)
    full = side(layer.shape[1], largest)
    names = [f"{shortened(p.name)}  {times(p.shape)}" for p in layer.pieces[:4]]
    room = max(full, *(width_of(name) for name in names), width_of("R  orthogonal"))
    middle, top = x + room / 2, y - full / 2
    sheet.box(middle - full / 2, top, full, full, False)
    blocks = 4
    for number in range(blocks):
        step = full / blocks
        at = middle - full / 2 + number * step
        sheet.box(at + 1, top + number * step + 1, step - 2, step - 2, True)
    sheet.text(middle, y + full / 2 + LINE, "R  orthogonal")
    for number, name in enumerate(names):
        sheet.text(middle, y + full / 2 + (2 + number) * LINE, name, quiet=True)
    sheet.line((x - 20, y), (middle - full / 2 - 2, y))
    x += room + GAP
    x = _weight(sheet, layer, x, y, largest, before=x - middle - full / 2)
    _end(sheet, layer, x, y)


def entries(sheet: Sheet, layer: Layer) -> None:
    """A few entries of the weight that are trained."""
    if len(layer.shape) != 2:
        change(sheet, layer)
        return
    largest = max(layer.shape)
    wide, tall = box_of(layer.shape, largest)
    y = 12 + tall / 2
    x = _begin(sheet, layer, y)
    room = room_of(layer.shape, f"W  {layer.node.name}", largest)
    left, top = x + (room - wide) / 2, y - tall / 2
    after = _weight(sheet, layer, x, y, largest)
    trained = sum(piece.parameters for piece in layer.pieces if piece.trainable)
    whole = layer.shape[0] * layer.shape[1]
    dots = max(4, min(60, round(60 * trained / whole) + 8))
    for number in range(dots):  # spread evenly over the box, in no order that the eye sees
        across, down = (number * 0.618034 + 0.2) % 1, (number * 0.754878 + 0.35) % 1
        sheet.dot(left + across * (wide - 6) + 1, top + down * (tall - 6) + 1)
    words = f"{trained:,} of {whole:,} entries"
    sheet.text(x + room / 2, y + tall / 2 + 3 * LINE, words, quiet=True)
    _end(sheet, layer, max(after, x + room / 2 + width_of(words) / 2 + 10), y, after)


def parts(sheet: Sheet, layer: Layer) -> None:
    """A weight, and which parts of the model around it are trained."""
    node = layer.node
    if len(layer.shape) == 2:
        largest = max(layer.shape)
        y = 12 + box_of(layer.shape, largest)[1] / 2
        x = _begin(sheet, layer, y)
        trained = node.own_trainable * 2 > node.own or any(p.trainable for p in node.injected)
        x = _weight(sheet, layer, x, y, largest, trained=trained)
        bias = node.own - layer.shape[0] * layer.shape[1]
        if bias > 0:
            sheet.line((x - 20, y), (x - 2, y))
            x = labelled(sheet, x, y, (bias,), bool(node.own_trainable), "+ b  bias", largest)
            x += GAP
        _end(sheet, layer, x, y)
        return
    # A weight that is no matrix: its share of the model says more.
    nodes = [n for n in walk(layer.structure.tree) if n.own_trainable or n.injected]
    y = 20.0
    for part in nodes[:6]:
        sheet.box(8, y - 11, 14, 14, True)
        name = part.paths[0] or part.kind
        sheet.text(30, y, f"{name}  {times(part.shape)}", at="start")
        y += LINE + 6


def _begin(sheet: Sheet, layer: Layer, y: float) -> float:
    sheet.text(8, y + 4, "x", at="start")
    sheet.text(8, y + 4 + LINE, times(layer.shape[1:]), quiet=True, at="start")
    sheet.line((22, y), (LEFT - 20, y), arrow=False)
    return LEFT


def _weight(sheet, layer, x, y, largest, *, trained: bool = False, before: float = 20) -> float:
    name = f"W  {layer.node.name}"
    wide, _ = box_of(layer.shape, largest)
    room = room_of(layer.shape, name, largest)
    edge = x + (room - wide) / 2
    sheet.line((x - before, y), (edge - 2, y))
    labelled(sheet, x, y, layer.shape, trained, name, largest)
    sheet.line((edge + wide, y), (x + room + 4, y), arrow=False)
    return x + room + 24


def _factor(sheet: Sheet, piece: Piece, x: float, y: float, largest: int) -> float:
    size = max(piece.shape)
    tall = side(size, largest)
    room = max(width_of(piece.name), width_of(times(piece.shape)), 20)
    middle = x + room / 2
    sheet.line((x - 20, y), (middle - 10, y))
    top = y + 24
    sheet.line((middle, top), (middle, y + 10))
    sheet.knot(middle, y, "+" if _adds(piece) else "×")
    sheet.box(middle - 5, top, 10, tall, piece.trainable)
    sheet.text(middle, top + tall + LINE, piece.name)
    sheet.text(middle, top + tall + 2 * LINE, times(piece.shape), quiet=True)
    sheet.line((middle + 10, y), (x + room + 4, y), arrow=False)
    return x + room + 24


def _end(sheet: Sheet, layer: Layer, x: float, y: float, begin: float | None = None) -> None:
    sheet.line(((begin or x) - 20, y), (x + 2, y))
    sheet.text(x + 6, y + 4, "h", at="start")
    sheet.text(x + 6, y + 4 + LINE, times(layer.shape[:1]), quiet=True, at="start")
