"""Rows of a batch behind one another, without padding: whether a model keeps them apart."""

from __future__ import annotations

import torch
from torch.nn.utils.rnn import pad_sequence

from workbench.recipe import Recipe
from workbench.training.speedups.comparison import Batch, are_close, difference, loss_of
from workbench.training.speedups.settings import use_padding_free as apply

__all__ = ["TESTED_WITH", "apply", "guard", "obstacle", "padded"]

TESTED_WITH = {"torch": ">=2.11,<2.16", "transformers": ">=5.17,<5.24"}
# Rows that see one another differ in the first digits already; bfloat16 has three of them.
RTOL, RTOL_BF16 = 1e-4, 1e-2


def obstacle(recipe: Recipe, model: torch.nn.Module) -> str | None:
    """Return None: the recipe's checks know what tasks and techniques cannot do, the guard tries a model."""
    return None


def guard(recipe: Recipe, model: torch.nn.Module, batch: Batch) -> str | None:
    """Say why a batch's rows must be padded; None where its loss is the one that padded rows have.

    Parameters
    ----------
    recipe : Recipe
    model : torch.nn.Module
    batch : mapping
        From :func:`workbench.training.inputs.collate.collate_flat`: ``input_ids``, ``labels`` and
        ``position_ids`` of shape (1, tokens of all rows), ``cu_seq_lens_q`` of shape (rows + 1,).
    """

    def compare() -> str | None:
        plain = loss_of(model, padded(batch))
        try:
            loss = loss_of(model, batch)
        except (TypeError, ValueError, RuntimeError, LookupError, AttributeError) as error:
            first = str(error).strip().splitlines() or [type(error).__name__]
            return f"it does not support concatenated rows ({first[0]})"
        if are_close([loss], [plain], RTOL_BF16 if recipe.bf16 else RTOL):
            return None
        return "in this model, concatenated rows attend to each other"

    return difference(compare)


def padded(batch: Batch) -> dict[str, torch.Tensor]:
    """Return the rows of a flat batch below each other, padded on the right.

    Returns
    -------
    dict
        ``input_ids``, ``attention_mask`` and ``labels`` of shape (rows, tokens of the longest row).

    Examples
    --------
    >>> flat = {"input_ids": [[5, 6, 7, 8, 9]], "labels": [[-100, 6, 7, -100, 9]]}
    >>> flat["cu_seq_lens_q"] = [0, 3, 5]
    >>> made = padded({name: torch.tensor(value) for name, value in flat.items()})
    >>> made["input_ids"].tolist(), made["labels"].tolist()
    ([[5, 6, 7], [8, 9, 0]], [[-100, 6, 7], [-100, 9, -100]])
    """
    lengths = batch["cu_seq_lens_q"].diff().tolist()

    def below(values: torch.Tensor, fill: int) -> torch.Tensor:
        rows = values[0].split(lengths)
        return pad_sequence(rows, batch_first=True, padding_value=fill)

    ids = batch["input_ids"]
    return {
        "input_ids": below(ids, 0),
        "attention_mask": below(torch.ones_like(ids), 0),
        "labels": below(batch["labels"], -100),
    }
