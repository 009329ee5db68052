"""Frozen prefixes of rows: each goes through the frozen blocks once, alone and without padding.

So a row's activations are the same whatever batches it is in, and every row is stored from its first
time on. Exported scripts carry this where their recipe keeps frozen prefixes.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import torch

from workbench.training.speedups.frozen_prefix.activation_store import Activations
from workbench.training.speedups.frozen_prefix.blocks import (
    FrozenBlocks,
    digest,
    find_frozen,
    in_mode,
    reach,
)


def cache_frozen_prefix(model: torch.nn.Module, batch: Mapping[str, Any]) -> None:
    """Compute the blocks under the first trained one once for each row, if they can be skipped."""
    frozen = None
    # A model that this fails with is computed as a whole.
    with torch.random.fork_rng(), suppress(Exception):
        frozen = find_frozen(model, batch)
    if frozen is not None:
        keep_rows(frozen, Activations())
        frozen.attach()


def keep_rows(frozen: FrozenBlocks, store: Activations) -> None:
    """Give the frozen blocks the stored output of each row of a batch, computed by itself once."""

    def recall(inputs: dict[str, torch.Tensor]) -> torch.Tensor:
        """Return hidden states of shape (batch, seq, features), zero where there is padding."""
        mask = inputs.get("attention_mask")
        (name,) = inputs.keys() - {"attention_mask"}
        rows = inputs[name]
        outputs = []  # each of shape (1, tokens of the row, features)
        for index in range(len(rows)):
            row = rows[index : index + 1]
            if mask is not None:
                row = row[:, mask[index].bool()]
            key = digest(row)
            output = store.get(key)
            if output is None:
                output = alone(frozen, name, row)
                store.put(key, output)
            outputs.append(output.to(rows.device))
        if mask is None:
            return torch.cat(outputs)
        hidden = outputs[0].new_zeros(*mask.shape, outputs[0].shape[-1])
        for index, output in enumerate(outputs):
            hidden[index, mask[index].bool()] = output[0]
        return hidden

    frozen.recall = recall


def alone(frozen: FrozenBlocks, name: str, row: torch.Tensor) -> torch.Tensor:
    """Return the frozen blocks' output for a row of shape (1, tokens), without dropout."""
    with torch.no_grad(), in_mode(frozen.backbone, training=False):
        return reach(frozen, lambda: frozen.backbone(**{name: row}))
