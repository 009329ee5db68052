"""What happens to the first rows of the data: what is learned of them, and what they lose."""

from __future__ import annotations

import itertools
import time
from collections import Counter
from collections.abc import Sequence

from workbench.training.inspection.look.cuts import with_cuts
from workbench.training.inspection.look.decode import Decoder
from workbench.training.inspection.look.encoder import RowEncoder, Target
from workbench.training.inspection.look.marks import Counts

MOST_ROWS = 1000
LARGEST_PART = 64  # rows that are encoded at once


def count_rows(encoder: RowEncoder, rows: Sequence[dict], seconds: float) -> Counts:
    """Encode as many of the first rows as there is time for, and count.

    Parameters
    ----------
    encoder : RowEncoder
    rows : sequence of dict
    seconds : float
        After this time no more rows are begun; the first one is always counted.
    """
    if encoder.task.reads_images:
        return Counts(len(rows), len(rows))
    decoder = Decoder(encoder.inputs.processor)
    most = min(len(rows), MOST_ROWS)
    counts: Counter[str] = Counter()
    deadline = time.monotonic() + seconds
    done, size = 0, 1
    while done < most and (done == 0 or time.monotonic() < deadline):
        part = rows[done : min(done + size, most)]
        _add(counts, encoder, part, decoder)
        done += len(part)
        size = min(2 * size, LARGEST_PART)  # a first long text must not take all the time
    return Counts(done, len(rows), **counts)


def _add(counts: Counter[str], encoder: RowEncoder, rows: Sequence[dict], decoder: Decoder) -> None:
    encoded = encoder.encode(rows)
    full = [place for place, parts in enumerate(encoded) if _may_be_cut(encoder, parts)]
    whole = dict(
        zip(full, encoder.encode([rows[place] for place in full], limited=False), strict=True)
    )
    for place, parts in enumerate(encoded):
        streams = encoder.streams(parts)
        learned = sum(target is not None for stream in streams for _, target in stream)
        counts["tokens"] += sum(map(len, streams))
        counts["learned"] += learned
        if place in whole:
            _add_cut(counts, streams, encoder.streams(whole[place]), decoder)
            counts["asked"] += _asked(parts) < _asked(whole[place]) and not _is_cut(
                streams, encoder.streams(whole[place])
            )
        text = sum(number not in decoder.special for stream in streams for number, _ in stream)
        counts["nothing"] += not (learned if _learns_tokens(encoder) else text)


def _may_be_cut(encoder: RowEncoder, parts: list[dict]) -> bool:
    limit = encoder.inputs.max_prompt_length
    return encoder.is_full(parts) or (limit > 0 and _asked(parts) >= limit)


def _asked(parts: list[dict]) -> int:
    """Return the length of the prompt that an answer is generated for."""
    return sum(len(part.get("prompt_ids", ())) for part in parts)


def _learns_tokens(encoder: RowEncoder) -> bool:
    return encoder.asks or encoder.task.peft_task_type != "SEQ_CLS"


def _is_cut(streams: list[list[Target]], whole: list[list[Target]]) -> bool:
    return sum(map(len, streams)) < sum(map(len, whole))


def _add_cut(
    counts: Counter[str],
    streams: list[list[Target]],
    whole: list[list[Target]],
    decoder: Decoder,
) -> None:
    """Count what a row has lost, and on which side."""
    if not _is_cut(streams, whole):
        return
    start = end = target = False
    for kept, full in zip(streams, whole, strict=True):
        marked = with_cuts(kept, full)
        cut = [place for place, (_, is_cut) in enumerate(marked) if is_cut]
        left = [
            place
            for place, ((number, _), is_cut) in enumerate(marked)
            if not is_cut and number not in decoder.special
        ]
        counts["cut_tokens"] += len(cut)
        if cut:
            start |= bool(left) and cut[0] < left[0]
            end |= not left or cut[-1] > left[-1]
        target |= any(is_cut and wanted is not None for (_, wanted), is_cut in marked)
    counts["cut"] += 1
    counts["start"] += start
    counts["end"] += end
    counts["target"] += target
    counts["prompt"] += _lost_prompt(streams[0], whole[0], decoder)


def _lost_prompt(kept: list[Target], whole: list[Target], decoder: Decoder) -> bool:
    """Tell whether all the text that stands before what is learned is gone."""
    if all(wanted is None for _, wanted in whole):
        return False
    left, asked = _before(kept, decoder), _before(whole, decoder)
    return len(left) < len(asked) and not decoder.text(left).strip()


def _before(stream: list[Target], decoder: Decoder) -> list[int]:
    read = itertools.takewhile(lambda token: token[1] is None, stream)
    return [number for number, _ in read if number not in decoder.special]
