"""The batches of several runs as one, and each run's loss on its own rows."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn.functional import cross_entropy, pad

# What is not learnt, as everywhere in transformers.
IGNORED = -100


def join(batches: Sequence[dict[str, torch.Tensor]], pad_token_id: int) -> dict[str, torch.Tensor]:
    """Put batches below each other, with as many rows of the same width from each.

    Narrow ones are filled up on the right, whichever side they are padded on: no position moves, and
    nothing is read there. Where an epoch's last batch is short, its first row fills it up, unlearnt.

    Examples
    --------
    >>> def batch(ids):
    ...     ids = torch.tensor(ids)
    ...     return {"input_ids": ids, "attention_mask": ids**0, "labels": ids}
    >>> join([batch([[5, 6, 7]]), batch([[8, 9], [8, 4]])], 0)["input_ids"].tolist()
    [[5, 6, 7], [5, 6, 7], [8, 9, 0], [8, 4, 0]]
    >>> join([batch([[5, 6, 7]]), batch([[8, 9], [8, 4]])], 0)["labels"].tolist()
    [[5, 6, 7], [-100, -100, -100], [8, 9, -100], [8, 4, -100]]
    """
    fills = {"input_ids": pad_token_id, "attention_mask": 0, "labels": IGNORED}
    rows = max(len(batch["labels"]) for batch in batches)
    return {
        name: torch.cat(_alike([batch[name] for batch in batches], name, rows, fills.get(name)))
        for name in batches[0]
    }


def _alike(
    tensors: list[torch.Tensor], name: str, rows: int, fill: int | None
) -> list[torch.Tensor]:
    if fill is not None and tensors[0].dim() == 2:
        width = max(tensor.shape[1] for tensor in tensors)
        tensors = [pad(tensor, (0, width - tensor.shape[1]), value=fill) for tensor in tensors]
    return [_more(tensor, rows - len(tensor), name) for tensor in tensors]


def _more(tensor: torch.Tensor, rows: int, name: str) -> torch.Tensor:
    if rows == 0:
        return tensor
    more = tensor[:1].expand(rows, *tensor.shape[1:])
    return torch.cat([tensor, torch.full_like(more, IGNORED) if name == "labels" else more])


def losses_of(
    logits: torch.Tensor, labels: torch.Tensor, runs: int, *, shifts: bool
) -> torch.Tensor:
    """Return each run's loss: the mean over its own targets, of shape (runs,).

    Parameters
    ----------
    logits : torch.Tensor
        Of shape (rows, tokens, words) or (rows, labels), the rows of one run after the other's.
    labels : torch.Tensor
        Of shape (rows, tokens) or (rows,).
    shifts : bool
        Whether each token's logits are for the next one, as in a language model.
    """
    if shifts:
        labels = pad(labels, (0, 1), value=IGNORED)[:, 1:]
    each = cross_entropy(
        logits.float().flatten(0, -2), labels.flatten(), ignore_index=IGNORED, reduction="none"
    )
    targets = (labels != IGNORED).view(runs, -1).sum(1)
    return each.view(runs, -1).sum(1) / targets
