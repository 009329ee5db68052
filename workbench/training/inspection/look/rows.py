"""A few rows, encoded and marked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from workbench.training.inspection.look.cuts import with_cuts
from workbench.training.inspection.look.decode import Decoder, make_spans
from workbench.training.inspection.look.encoder import Padding, RowEncoder, Target
from workbench.training.inspection.look.marks import (
    CUT,
    LEARNED,
    PADDING,
    READ,
    SCORED,
    VIRTUAL,
    Row,
    Span,
    Stream,
)

SIDES = ("the encoder reads", "the decoder learns")


def make_rows(
    encoder: RowEncoder, rows: Sequence[dict], numbers: Sequence[int], most: int
) -> tuple[Row, ...]:
    """Encode rows as a batch and mark their tokens.

    Parameters
    ----------
    encoder : RowEncoder
    rows : sequence of dict
        As the data has them.
    numbers : sequence of int
        The number of each.
    most : int
        How many tokens of a stretch with one mark are decoded to be shown.
    """
    if encoder.task.reads_images:
        return tuple(
            Row(
                number,
                (),
                label=str(row[encoder.inputs.columns["label"]]),
                image=row[encoder.inputs.columns["image"]],
                pixels=encoder.pixels(row),
            )
            for number, row in zip(numbers, rows, strict=True)
        )
    decoder = Decoder(encoder.inputs.processor)
    kept, whole = encoder.encode(rows), encoder.encode(rows, limited=False)
    return tuple(
        _row(encoder, decoder, number, parts, full, padding, most)
        for number, parts, full, padding in zip(
            numbers, kept, whole, encoder.padding(kept), strict=True
        )
    )


def _row(
    encoder: RowEncoder,
    decoder: Decoder,
    number: int,
    parts: list[dict],
    full: list[dict],
    padding: list[Padding],
    most: int,
) -> Row:
    streams: list[Stream] = []
    target: list[str] = []
    pairs = zip(encoder.streams(parts), encoder.streams(full), padding, strict=True)
    titles = SIDES if encoder.task.has_decoder else ("",)
    for title, (kept, whole, pads) in zip(titles, pairs, strict=True):
        marked = with_cuts(kept, whole)
        virtual = encoder.virtual_tokens if not streams else 0
        streams.append(_stream(title, marked, pads, encoder, decoder, most, virtual))
        target += _targets(marked, encoder, decoder)
    return Row(
        number,
        tuple(streams),
        tuple(target),
        label=_label(parts[0]["labels"], encoder),
        note=_note(parts, encoder),
        prompt=decoder.text(parts[0]["input_ids"]) if encoder.asks else "",
    )


def _stream(
    title: str,
    marked: list[tuple[Target, bool]],
    pads: Padding,
    encoder: RowEncoder,
    decoder: Decoder,
    most: int,
    virtual: int,
) -> Stream:
    before, behind = pads
    counted = SCORED if encoder.asks else LEARNED
    ids = [*before, *(token for (token, _), _ in marked), *behind]
    marks = [
        *(PADDING for _ in before),
        *(CUT if cut else READ if target is None else counted for (_, target), cut in marked),
        *(PADDING for _ in behind),
    ]
    tags: list[str | None] = []
    if encoder.task.peft_task_type == "TOKEN_CLS":
        names = list(encoder.inputs.labels)
        middle = [None if target is None else names[target] for (_, target), _ in marked]
        tags = [*(None for _ in before), *middle, *(None for _ in behind)]
    spans = make_spans(ids, marks, tags, decoder, most)
    if virtual:  # before any padding, as PEFT puts them
        spans.insert(0, Span(VIRTUAL, virtual))
    return Stream(title, tuple(ids), tuple(marks), tuple(spans))


def _targets(marked: list[tuple[Target, bool]], encoder: RowEncoder, decoder: Decoder) -> list[str]:
    """Decode what is learned, a text for each stretch; count tags."""
    if encoder.task.peft_task_type == "TOKEN_CLS":
        names = list(encoder.inputs.labels)
        counts = Counter(
            names[target] for (_, target), cut in marked if target is not None and not cut
        )
        return [", ".join(f"{name} × {count:,}" for name, count in counts.most_common())]
    texts, stretch = [], []
    for (number, target), cut in [*marked, ((0, None), False)]:
        if target is not None and not cut:
            stretch.append(number)
        elif stretch:
            texts.append(decoder.text(stretch))
            stretch = []
    return texts


def _label(labels: Any, encoder: RowEncoder) -> str | None:
    """Name the label of a row that has one for all its tokens, or the labels."""
    if encoder.task.peft_task_type in ("CAUSAL_LM", "TOKEN_CLS") or encoder.task.has_decoder:
        return None
    names = list(encoder.inputs.labels)
    if isinstance(labels, list):
        return ", ".join(name for name, value in zip(names, labels, strict=True) if value) or "none"
    return names[labels] if names and isinstance(labels, int) else str(labels)


def _note(parts: list[dict], encoder: RowEncoder) -> str:
    if len(parts) > 1:
        return f"in {len(parts):,} blocks of at most {encoder.inputs.max_length:,} tokens"
    shown = parts[0].get("examples", 0)
    if encoder.examples:
        return f"behind {shown} of {encoder.examples} examples"
    return ""
