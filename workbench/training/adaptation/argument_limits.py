"""What the layers that a technique wraps allow of its arguments.

Each limit takes a value and the widths of the layers, a sequence of ``(in_features, out_features)``,
and returns what is allowed, to be read after "must be", or None where the value is within it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

import torch

from workbench.errors import Problem, RecipeError
from workbench.registry.technique import Technique
from workbench.training.adaptation.layer_lists import deepest
from workbench.training.adaptation.module_names import targeted_modules
from workbench.tuners.bottleneck import linear_widths

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
        With every argument that is beyond its limit.
    """
    widths = _widths(model, config)
    problems = []
    for knob in technique.hyperparameters if widths else ():
        if knob.limit is not None:
            outer, _, inner = knob.name.partition(".")
            value = config[outer][inner] if inner else config[outer]
            allowed = knob.limit.load()(value, widths)
            if allowed is not None:
                problems.append(Problem(knob.name, allowed, value))
    if problems:
        raise RecipeError(problems)


def check_depth(model: torch.nn.Module, number: int) -> None:
    """Refuse to select more layers than the longest list of equal layers has, if there is one.

    Raises
    ------
    RecipeError
    """
    most = deepest(model)
    if number > most > 0:
        raise RecipeError(
            [Problem("num_layers", f"at most {most}, the number of blocks of the base", number)]
        )


def _divides(value: int, numbers: Iterable[int], sides: str) -> str | None:
    common = math.gcd(*numbers)
    if common % value == 0:
        return None
    best = max(size for size in range(1, value + 1) if common % size == 0)
    return f"a divisor of {common}, to divide the {sides} of all layers, such as {best}"


def _widths(model: torch.nn.Module, config: Mapping[str, Any]) -> list[tuple[int, int]]:
    """Return the widths of the linear layers that ``target_modules`` names, each pair once."""
    widths = (linear_widths(module) for module in targeted_modules(model, config).values())
    return sorted({pair for pair in widths if pair is not None})
