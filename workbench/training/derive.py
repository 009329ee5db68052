"""Arguments that follow from the run, where the recipe does not give them.

Each function takes what is known of the run and returns the argument's value, as plain data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch


@dataclass(frozen=True)
class Known:
    """What is known of a run before its technique is set up.

    Parameters
    ----------
    model : torch.nn.Module
        The base, or its skeleton: only names and shapes are read.
    max_steps : int
    args : mapping
        The technique's arguments so far.
    """

    model: torch.nn.Module
    max_steps: int
    args: Mapping[str, Any]


def derive_total_step(known: Known) -> int:
    """The steps over which AdaLoRA plans."""
    return known.max_steps
