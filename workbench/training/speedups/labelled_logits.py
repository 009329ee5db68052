"""Whether a base's loss stays what it is with labelled logits: tried, and not looked up."""

from __future__ import annotations

import torch

from workbench.training.runtime.rng import Randomness
from workbench.training.speedups.settings import use_labelled_logits

TRIED = {"torch": ">=2.11,<2.16", "transformers": ">=5.17,<5.25"}
_ROWS, _LENGTH = 2, 16
# One target too many or too few, or a term left out, changes the first digits already.
_CLOSE = 1e-4


def keeps_loss(model: torch.nn.Module) -> bool:
    """Tell whether a causal model computes the same loss with labelled logits as without.

    Parameters
    ----------
    model : torch.nn.Module
        One to throw away, such as a clone of a base: it computes labelled logits from here on.
    """
    model.eval()
    batch = _example(model)
    try:
        with torch.no_grad(), Randomness(0):
            plain = model(**batch).loss
            use_labelled_logits(model)
            labelled = model(**batch).loss
            return torch.allclose(plain, labelled, rtol=_CLOSE, atol=0.0, equal_nan=True)
    except (MemoryError, torch.OutOfMemoryError):
        raise
    except Exception:  # noqa: BLE001 (whatever a model refuses, it does without)
        return False


def _example(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Make up rows of unequal lengths, padded on the right, whose targets begin at unequal places."""
    vocabulary = model.config.get_text_config().vocab_size
    draw = torch.Generator().manual_seed(0)
    ids = torch.randint(vocabulary, (_ROWS, _LENGTH), generator=draw)
    mask, labels = torch.ones_like(ids), ids.clone()
    labels[0, :9], labels[1, :3] = -100, -100
    mask[1, 11:], labels[1, 11:] = 0, -100
    device = next(model.parameters()).device
    batch = {"input_ids": ids, "attention_mask": mask, "labels": labels}
    return {name: tensor.to(device) for name, tensor in batch.items()}
