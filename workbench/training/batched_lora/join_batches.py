"""The batches of several runs joined into one, and each run's loss on its own rows."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn.functional import cross_entropy, pad

# The label of what is no target, as everywhere in transformers.
IGNORED = -100


def join(batches: Sequence[dict[str, torch.Tensor]], pad_token_id: int) -> dict[str, torch.Tensor]:
    """Join a batch of each run, padded to the same numbers of rows and tokens.

    Short rows are padded on the right, whichever side their own batch is padded on: no position moves,
    and the attention mask is 0 there. Where an epoch's last batch has fewer rows, its first row is
    repeated without targets.

    Parameters
    ----------
    batches : sequence of dict
        Of each run: ``input_ids`` and ``attention_mask`` of shape (batch, seq), ``labels`` of shape
        (batch, seq) or (batch,); images as ``pixel_values`` of shape (batch, channels, height, width).
    pad_token_id : int

    Returns
    -------
    dict
        The same, of shape (runs * largest batch, longest seq), one run after the other.

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
        name: torch.cat(_pad_alike([batch[name] for batch in batches], name, rows, fills.get(name)))
        for name in batches[0]
    }


def _pad_alike(
    tensors: list[torch.Tensor], name: str, rows: int, fill: int | None
) -> list[torch.Tensor]:
    """Pad tensors of shape (batch, seq) to (rows, longest seq); those without ``fill`` to ``rows`` only."""
    if fill is not None and tensors[0].dim() == 2:
        width = max(tensor.shape[1] for tensor in tensors)
        tensors = [pad(tensor, (0, width - tensor.shape[1]), value=fill) for tensor in tensors]
    return [_pad_rows(tensor, rows - len(tensor), name) for tensor in tensors]


def _pad_rows(tensor: torch.Tensor, missing: int, name: str) -> torch.Tensor:
    """Repeat the first row of a tensor, where rows are missing; labels are ignored there."""
    if missing == 0:
        return tensor
    repeated = tensor[:1].expand(missing, *tensor.shape[1:])
    extra = torch.full_like(repeated, IGNORED) if name == "labels" else repeated
    return torch.cat([tensor, extra])


def losses_of(
    logits: torch.Tensor, labels: torch.Tensor, runs: int, *, shifts: bool
) -> torch.Tensor:
    """Return each run's loss: the mean over its own targets.

    Parameters
    ----------
    logits : torch.Tensor
        Of shape (runs * batch, seq, vocabulary) or (runs * batch, classes), one run after the other.
    labels : torch.Tensor
        Of shape (runs * batch, seq) or (runs * batch,).
    runs : int
    shifts : bool
        Whether each token's logits are for the next one, as in a language model.

    Returns
    -------
    torch.Tensor
        Of shape (runs,).
    """
    if shifts:
        labels = pad(labels, (0, 1), value=IGNORED)[:, 1:]
    losses = cross_entropy(
        logits.float().flatten(0, -2), labels.flatten(), ignore_index=IGNORED, reduction="none"
    )
    targets = (labels != IGNORED).view(runs, -1).sum(1)
    return losses.view(runs, -1).sum(1) / targets
