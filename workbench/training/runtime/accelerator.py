"""Accelerate for a run of this process, which others may have used before."""

from __future__ import annotations

from accelerate import Accelerator
from accelerate.utils import DataLoaderConfiguration


def plain_accelerator() -> Accelerator:
    """Return an accelerator that leaves a model's precision to the run's recipe.

    All accelerators of a process share their state: after a ``Trainer`` with ``bf16``, or an accelerator
    with ``mixed_precision``, a new one would put autocast around whatever it prepares.
    """
    # A batch on its way to a GPU lets the step before it end there meanwhile.
    accelerator = Accelerator(dataloader_config=DataLoaderConfiguration(non_blocking=True))
    accelerator.native_amp, accelerator.scaler = False, None
    return accelerator
