"""Logits only where there are labels: which causal models can do with them, tried and not only looked up.

Whether a run computes them is decided with its plan, which its script is written from, so the guard
does not wait for the run's first batch: a few rows made up for it, with all kinds of padding, do. The
plain logits of a whole batch are also the very memory that the speed-up is there to save.
"""

from __future__ import annotations

import inspect

import torch
import transformers
from transformers import PreTrainedModel

from workbench.recipe import Recipe
from workbench.registry.tasks import ALL_TASKS
from workbench.registry.techniques import get
from workbench.training.runtime.rng import Randomness
from workbench.training.speedups.comparison import Batch, are_close, difference, loss_of
from workbench.training.speedups.settings import use_labelled_logits as apply

__all__ = [
    "TESTED_WITH",
    "apply",
    "example_batch",
    "guard",
    "is_possible",
    "is_wanted",
    "keeps_loss",
    "obstacle",
]

TESTED_WITH = {"torch": ">=2.11,<2.16", "transformers": ">=5.17,<5.24"}
# One target too many or too few, or a term left out, changes the first digits already.
RTOL = 1e-4
_LENGTH = 16


def is_wanted(recipe: Recipe, base: torch.nn.Module) -> bool:
    """Tell whether a run trains one of transformers' causal models, whose loss is its own."""
    names = transformers.models.auto.modeling_auto
    classes = getattr(names, "MODEL_FOR_CAUSAL_LM_MAPPING_NAMES", {}).values()
    causal = ALL_TASKS[recipe.task].peft_task_type == "CAUSAL_LM"
    return causal and type(base).__name__ in classes and not get(recipe.technique).own_loss


def obstacle(recipe: Recipe, base: torch.nn.Module) -> str | None:
    """Say why a base cannot do with logits at some tokens only, as far as its source tells.

    Parameters
    ----------
    recipe : Recipe
    base : torch.nn.Module
        Not adapted yet; a skeleton on the meta device will do.
    """
    if not is_wanted(recipe, base):
        return "it is about transformers' own causal models and their loss"

    def look() -> str | None:
        source = inspect.getsource(inspect.unwrap(type(base).forward))
        prefix = getattr(base, "base_model_prefix", "")
        if "self.loss_function(" not in source or not hasattr(base, prefix):
            return f"{type(base).__name__} does not leave its loss to a function"
        return None

    return difference(look)


def is_possible(recipe: Recipe, base: torch.nn.Module) -> bool:
    """Tell whether nothing stands against labelled logits; see :func:`obstacle`."""
    return obstacle(recipe, base) is None


def keeps_loss(model: PreTrainedModel) -> bool:
    """Tell whether a base computes the same loss with labelled logits, tried on :func:`example_batch`.

    Parameters
    ----------
    model : PreTrainedModel
        One to throw away, such as a clone of a base: it computes labelled logits from here on.
    """
    return _difference(model, None) is None


def guard(recipe: Recipe, model: PreTrainedModel, batch: Batch) -> str | None:
    """Say how a base's loss of a batch differs with labelled logits; None if it is within :data:`RTOL`.

    The model is one to throw away: it computes labelled logits from here on.
    """
    return _difference(model, batch)


def _difference(model: PreTrainedModel, batch: Batch | None) -> str | None:
    def compare() -> str | None:
        rows = example_batch(model) if batch is None else batch
        plain = loss_of(model, rows)
        apply(model)
        loss = loss_of(model, rows)
        if are_close([loss], [plain], RTOL):
            return None
        return f"the loss is {loss:.6g} with labelled logits and {plain:.6g} without"

    with Randomness(0):
        return difference(compare)


def example_batch(model: PreTrainedModel) -> dict[str, torch.Tensor]:
    """Make up a batch of shape (3, 16): a whole row, one padded on the right and one on the left.

    Their targets begin at unequal places.
    """
    vocabulary = model.config.get_text_config().vocab_size
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(vocabulary, (3, _LENGTH), generator=generator)
    mask, labels = torch.ones_like(ids), ids.clone()
    labels[0, :9], labels[1, :3], labels[2, :8] = -100, -100, -100
    mask[1, 11:], labels[1, 11:] = 0, -100
    mask[2, :5] = 0
    batch = {"input_ids": ids, "attention_mask": mask, "labels": labels}
    return {name: tensor.to(model.device) for name, tensor in batch.items()}
