"""Frozen prefixes of padded rows: one that comes again is not computed again.

A row's activations are the same bits whatever rows are beside it, as long as all are padded to the
same width; with another width the last bits are others. So a row is known by its padding too, which
pays for evaluations, whose batches stay as they are, and where rows are of one length, as images are.
Nobody promises these bits, so they are looked at: a shape of batches is taken from what is kept only
after one batch of that shape was computed and gave what was kept of its rows from other batches.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from workbench.recipe import Recipe
from workbench.training.inputs.row_order import drawn
from workbench.training.speedups.frozen_prefix.activation_store import Activations
from workbench.training.speedups.frozen_prefix.blocks import FrozenBlocks, arithmetic, digest


class PaddedActivations(Activations):
    """What frozen blocks return for padded rows, and what was found out about it.

    Attributes
    ----------
    sure : set
        Batches, and shapes of batches, that were seen to give what is kept.
    differs : bool
        Whether a row had other bits in another batch: then nothing is taken from here.
    """

    def __init__(self) -> None:
        super().__init__()
        self.sure: set = set()
        self.differs = False


class PaddedRows:
    """Gives frozen blocks what they have returned for the rows of a batch in other batches.

    Parameters
    ----------
    frozen : FrozenBlocks
    kept : PaddedActivations
    training : bool
        Whether batches that are trained on come again too; else those of evaluations only.
    """

    def __init__(self, frozen: FrozenBlocks, kept: PaddedActivations, training: bool):
        self._backbone, self._kept, self._training = frozen.backbone, kept, training
        self._keys: list[bytes] = []
        self._batch = b""
        self._shape: tuple = ()
        frozen.recall, frozen.keep = self.recall, self.keep

    def recall(self, inputs: dict[str, torch.Tensor]) -> torch.Tensor | None:
        """Return what the frozen blocks return for a batch, if that is sure."""
        self._keys = []
        if self._kept.differs or (self._backbone.training and not self._training):
            return None
        tensors = [inputs[name] for name in sorted(inputs)]
        # Without any padding, attention takes another way.
        padded = "attention_mask" in inputs and not bool(inputs["attention_mask"].all())
        rows = zip(*tensors, strict=True)
        keys = [digest(*row) + bytes([padded]) for row in rows]
        device = tensors[0].device
        self._batch = b"".join(keys)
        self._shape = (*(tensor.shape for tensor in tensors), padded, arithmetic(device))
        if self._batch in self._kept.sure or self._shape in self._kept.sure:
            known = [row for key in keys if (row := self._kept.get(key)) is not None]
            if len(known) == len(keys):
                return torch.stack(known).to(device)
        self._keys = keys
        return None

    def keep(self, hidden: torch.Tensor) -> None:
        """Keep what the frozen blocks have returned, and compare it with what is kept."""
        if not self._keys:
            return
        met = 0
        for key, row in zip(self._keys, hidden, strict=True):
            known = self._kept.get(key)
            if known is None:
                self._kept.put(key, row)
                continue
            met += 1
            if not torch.equal(known, row.detach().cpu()):
                self._kept.differs = True
                return
        # What is kept of this very batch is what it gave.
        self._kept.sure.add(self._batch)
        if self._training and met == len(self._keys):
            self._kept.sure.add(self._shape)


def share_of_repeats(lengths: Sequence[int], recipe: Recipe, max_steps: int) -> tuple[float, int]:
    """Foresee which share of a run's batches holds only rows that came before, padded alike.

    Parameters
    ----------
    lengths : sequence of int
        Of each training row.
    recipe : Recipe
    max_steps : int
        Optimizer steps of the run.

    Returns
    -------
    share : float
        Of all batches.
    size : int
        Lengths of all that must be kept, padding included.
    """
    count = max_steps * recipe.gradient_accumulation_steps
    seen: set[tuple[int, int, bool]] = set()
    repeated = 0
    for rows in drawn(len(lengths), recipe, max_steps, epochs=None):
        width = max(lengths[row] for row in rows)
        padded = any(lengths[row] < width for row in rows)
        keys = {(row, width, padded) for row in rows}
        repeated += keys <= seen
        seen |= keys
    return repeated / count, sum(width for _, width, _ in seen)
