"""Whether a model keeps rows apart that stand behind one another: tried, and not looked up."""

from __future__ import annotations

from collections.abc import Callable

import torch

from workbench.errors import Problem, RecipeError, first_line
from workbench.training.adaptation.wrapping import unwrapped
from workbench.training.inputs.collate import collate_flat
from workbench.training.runtime.rng import Randomness

TRIED = {"torch": ">=2.11,<2.16", "transformers": ">=5.17,<5.25"}
# Tokens of the rows that are tried.
_LENGTHS = (5, 17)
# Rows that see one another differ in the first digits already.
_CLOSE = 1e-4


def check_apart(
    model: torch.nn.Module, rows: list[dict], collate: Callable[[list[dict]], dict]
) -> None:
    """Refuse ``padding_free`` where two rows behind one another lose what they lose when padded.

    Raises
    ------
    RecipeError
        The losses differ, or the model cannot take such rows.
    """
    few = [
        {name: (row[name] * length)[:length] for name in ("input_ids", "labels")}
        for row, length in zip((rows[0], rows[-1]), _LENGTHS, strict=True)
    ]
    for row in few:
        row["labels"] = [-100, *row["input_ids"][1:]]
    device = next(model.parameters()).device
    model.eval()
    with torch.no_grad(), Randomness(0):
        padded = model(**{name: value.to(device) for name, value in collate(few).items()}).loss
        try:
            flat = model(**{name: value.to(device) for name, value in collate_flat(few).items()})
        except (TypeError, ValueError, RuntimeError, LookupError, AttributeError) as error:
            why = f"it does not support concatenated rows ({first_line(error)})"
        else:
            if torch.isclose(flat.loss, padded, rtol=_CLOSE, atol=0.0):
                return
            why = "in this model, concatenated rows attend to each other"
    base = unwrapped(model)
    raise RecipeError([Problem("padding_free", f"False with {type(base).__name__}", True, why)])
