"""Pictures of learned vectors in front of the text, or in each layer's attention."""

from __future__ import annotations

from workbench.panels.anatomy.drawing.layer import Layer, walk
from workbench.panels.anatomy.drawing.parallel import change
from workbench.panels.anatomy.drawing.sheet import LINE, Sheet, times, width_of

TOKENS = 6  # the number drawn of virtual and of real tokens


def prompt(sheet: Sheet, layer: Layer) -> None:
    """Virtual tokens before the text, or keys and values in each layer's attention."""
    if layer.node.paths[0]:  # inside the model: something at a layer of its own
        change(sheet, layer)
        return
    main = layer.pieces[0]
    widths = [node.shape[1] for node in walk(layer.structure.tree) if node.kind == "Embedding"]
    virtual = layer.config.get("num_virtual_tokens") or main.shape[0]
    prefix = layer.config.get("peft_type") == "PREFIX_TUNING"
    if prefix or main.shape[-1] not in widths:  # each layer's keys and values, side by side
        _keys_and_values(sheet, layer, virtual)
    else:
        _tokens(sheet, layer, virtual)


def _strip(sheet: Sheet, x: float, y: float, number: int, height: float, trained: bool) -> float:
    for index in range(min(number, TOKENS)):
        sheet.box(x + 15 * index, y, 11, height, trained)
    return x + 15 * min(number, TOKENS)


def _tokens(sheet: Sheet, layer: Layer, virtual: int) -> None:
    model = layer.structure.tree.kind
    left, y, tall = 10.0, 12.0, 56.0
    end = _strip(sheet, left, y, virtual, tall, True)
    words = f"{virtual:,} virtual tokens"
    text = max(end + 12, left + width_of(words) + 16)
    last = _strip(sheet, text, y, TOKENS, tall, False)
    sheet.text(left, y + tall + LINE, words, at="start")
    sheet.text(text, y + tall + LINE, "tokens of the text", at="start")
    for number, piece in enumerate(layer.pieces[:4]):
        line = f"{piece.name}  {times(piece.shape)}"
        sheet.text(left, y + tall + (2 + number) * LINE, line, quiet=True, at="start")
    below = y + tall + (2 + min(len(layer.pieces), 4)) * LINE + 14
    wide = max(last, text + width_of("tokens of the text"), left + width_of(model) + 20) - left
    for middle in (left + 40, (text + last) / 2):
        sheet.line((middle, below - 18), (middle, below - 2))
    sheet.box(left, below, wide, 40, False)
    sheet.text(left + wide / 2, below + 24, model)


def _keys_and_values(sheet: Sheet, layer: Layer, virtual: int) -> None:
    stacks = [node for node in walk(layer.structure.tree) if node.layers]
    layers = len(stacks[0].layers) if stacks else 1
    x, tall = 10.0, 34.0
    for number, name in enumerate(("keys", "values")):
        y = 12 + number * (tall + 10)
        sheet.text(x, y + tall / 2 + 4, name, at="start")
        end = _strip(sheet, x + 52, y, virtual, tall, True)
        last = _strip(sheet, end + 14, y, TOKENS, tall, False)
    foot = 12 + 2 * tall + 10
    middle = 12 + tall + 5
    sheet.line((last + 2, middle), (last + 30, middle))
    words = f"attention, {layers} layers"
    wide = width_of(words) + 16
    sheet.box(last + 34, middle - 26, wide, 52, False)
    sheet.text(last + 34 + wide / 2, middle + 4, words)
    sheet.text(x, foot + LINE, f"{virtual:,} trained, then those of the text", at="start")
    for number, piece in enumerate(layer.pieces[:4]):
        line = f"{piece.name}  {times(piece.shape)}"
        sheet.text(x, foot + (2 + number) * LINE, line, quiet=True, at="start")
