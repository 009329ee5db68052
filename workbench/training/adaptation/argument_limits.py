"""What the layers that a technique wraps allow of its arguments.

Each function takes a value and the layers' widths, as (inputs, outputs), and returns what is allowed,
to be read after "must be", or None where the value fits.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import torch

from workbench.errors import Problem, RecipeError
from workbench.registry.technique import Technique
from workbench.training.adaptation.target_modules import is_blocks, matches

Widths = Sequence[tuple[int, int]]


def fits_widest(value: int, widths: Widths) -> str | None:
    """A rank: more than every layer's narrower side is wasted everywhere."""
    most = max(map(min, widths))
    return None if value <= most else f"at most {most}, the width of the layers"


def fits_narrowest(value: int, widths: Widths) -> str | None:
    """A number of directions that each layer has."""
    most = min(map(min, widths))
    return None if value <= most else f"at most {most}, the width of the narrowest layer"


def fits_divides(value: int, widths: Widths) -> str | None:
    """A block size or count that goes into both sides of each layer."""
    return _divides(value, chain(*widths), "widths")


def fits_divides_inputs(value: int, widths: Widths) -> str | None:
    """A block size or count that goes into the inputs of each layer."""
    return _divides(value, (inputs for inputs, _ in widths), "inputs")


def fits_divides_outputs(value: int, widths: Widths) -> str | None:
    """A block size or count that goes into the outputs of each layer."""
    return _divides(value, (outputs for _, outputs in widths), "outputs")


def fits_entries(value: int, widths: Widths) -> str | None:
    """A number of learnt coefficients of each weight."""
    most = min(inputs * outputs for inputs, outputs in widths)
    return None if value <= most else f"at most {most}, the number of entries of the smallest layer"


def fits_share(value: int, widths: Widths) -> str | None:
    """A rank whose LoRA would have no more numbers than the weight itself."""
    most = min(inputs * outputs // (inputs + outputs) for inputs, outputs in widths)
    why = "so that no more entries are trained than the smallest layer has"
    return None if value <= most else f"at most {most}, {why}"


def check_bounds(technique: Technique, model: torch.nn.Module, config: Mapping[str, Any]) -> None:
    """Refuse main arguments that the layers to wrap do not allow.

    Parameters
    ----------
    technique : Technique
    model : torch.nn.Module
        The base, or its skeleton: only names and shapes are read.
    config : mapping
        The arguments of its PEFT config, in full.

    Raises
    ------
    RecipeError
        With everything that does not fit.
    """
    widths = _widths(model, config.get("target_modules"))
    found = []
    for knob in technique.hyperparameters if widths else ():
        if knob.limit is not None:
            outer, _, inner = knob.name.partition(".")
            value = config[outer][inner] if inner else config[outer]
            allowed = knob.limit.load()(value, widths)
            if allowed is not None:
                found.append(Problem(knob.name, allowed, value))
    if found:
        raise RecipeError(found)


def check_depth(model: torch.nn.Module, number: int) -> None:
    """Refuse to choose more blocks than the deepest stack of a model has, if it has one.

    Raises
    ------
    RecipeError
    """
    most = max(
        (len(list(part.children())) for part in model.modules() if is_blocks(part)), default=0
    )
    if number > most > 0:
        raise RecipeError(
            [Problem("num_layers", f"at most {most}, the number of blocks of the base", number)]
        )


def _divides(value: int, numbers: Any, sides: str) -> str | None:
    common = math.gcd(*numbers)
    if common % value == 0:
        return None
    best = max(size for size in range(1, value + 1) if common % size == 0)
    return f"a divisor of {common}, to divide the {sides} of all layers, such as {best}"


def _widths(model: torch.nn.Module, targets: Any) -> list[tuple[int, int]]:
    """Return the widths of the linear layers that are meant, without doubles."""
    found = set()
    for name, module in model.named_modules():
        if isinstance(targets, str):
            meant = targets == "all-linear" or re.fullmatch(targets, name)
        else:
            meant = matches(name, targets or ())
        if meant and hasattr(module, "in_features"):
            found.add((module.in_features, module.out_features))
        elif meant and hasattr(module, "nf"):
            found.add((module.nx, module.nf))
    return sorted(found)
