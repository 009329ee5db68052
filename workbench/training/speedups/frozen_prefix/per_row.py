"""Frozen prefixes of rows: each goes through the frozen blocks once, alone and without padding.

So a row's activations are the same whatever batches it is in, and every row is known from its second
time on. Exported scripts carry this where their recipe keeps frozen prefixes.
"""

from __future__ import annotations

from collections.abc import Mapping
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
    with torch.random.fork_rng():
        frozen = find_frozen(model, batch)
    if frozen is not None:
        keep_rows(frozen, Activations())
        frozen.attach()


def keep_rows(frozen: FrozenBlocks, kept: Activations) -> None:
    """Give the frozen blocks what they return for each row of a batch by itself."""

    def recall(inputs: dict[str, torch.Tensor]) -> torch.Tensor:
        mask = inputs.get("attention_mask")
        (name,) = inputs.keys() - {"attention_mask"}
        rows = inputs[name]
        found = []
        for index in range(len(rows)):
            row = rows[index : index + 1]
            if mask is not None:
                row = row[:, mask[index].bool()]
            key = digest(row)
            known = kept.get(key)
            if known is None:
                known = alone(frozen, name, row)
                kept.put(key, known)
            found.append(known.to(rows.device))
        if mask is None:
            return torch.cat(found)
        hidden = found[0].new_zeros(*mask.shape, found[0].shape[-1])
        for index, known in enumerate(found):
            hidden[index, mask[index].bool()] = known[0]
        return hidden

    frozen.recall = recall


def alone(frozen: FrozenBlocks, name: str, row: torch.Tensor) -> torch.Tensor:
    """Return what the frozen blocks return for a row, without dropout."""
    with torch.no_grad(), in_mode(frozen.backbone, training=False):
        return reach(frozen, lambda: frozen.backbone(**{name: row}))
