"""Weights to start from: those of a run at some step, saved for another run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from workbench.errors import Problem, RecipeError
from workbench.training.adaptation.running_stats import moving_statistics

FILE = "trained.safetensors"


def learnt(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Copy what a run trains, with what its technique has injected and does not train."""
    return {name: tensor.detach().clone().contiguous() for name, tensor in _learnt(model)}


def learnt_shapes(model: torch.nn.Module) -> dict[str, tuple[int, ...]]:
    """Return the shapes of what :func:`learnt` would copy."""
    return {name: tuple(tensor.shape) for name, tensor in _learnt(model)}


def _learnt(model: torch.nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    prefix = getattr(getattr(model, "base_model", None), "prefix", None)
    for name, parameter in model.named_parameters():
        if parameter.requires_grad or (prefix and prefix in name):
            yield name, parameter
    yield from moving_statistics(model).items()


def save_learnt(state: dict[str, torch.Tensor], folder: Path) -> None:
    """Save what :func:`learnt` has copied into a new folder."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file(state, folder / FILE)


# Exported scripts carry this function's source.
def load_start(model, folder) -> None:
    """Load the weights of another run; the optimizer has no state yet."""
    tensors = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    for name, tensor in load_file(Path(folder) / "trained.safetensors").items():
        tensors[name].data.copy_(tensor)


def check_start(model: torch.nn.Module, folder: str, technique: str) -> None:
    """Refuse weights that are not there, or are those of another technique or of other shapes.

    Raises
    ------
    RecipeError
    """
    path = Path(folder) / FILE
    if not path.is_file():
        why = "cloning a run writes it with the run's weights"
        raise RecipeError([Problem("start_from", f"a folder that contains {FILE}", folder, why)])
    stored = {name: tuple(tensor.shape) for name, tensor in load_file(path).items()}
    problem = shape_problem(stored, learnt_shapes(model), technique)
    if problem:
        raise RecipeError([problem])


def shape_problem(
    stored: dict[str, tuple[int, ...]], expected: dict[str, tuple[int, ...]], technique: str
) -> Problem | None:
    """Say why weights of these shapes cannot be loaded; None if they can."""
    allowed = "weights of the same technique, for the same layers and with the same shapes"
    why = "clone the run without its weights"
    if stored.keys() != expected.keys():
        name = min(stored.keys() ^ expected.keys())
        return Problem("start_from", allowed, technique, f"{name} is in one of them only, so {why}")
    for name, shape in stored.items():
        if shape != expected[name]:
            hint = f"{name} is {shape} and not {expected[name]}, so {why}"
            return Problem("start_from", allowed, technique, hint)
    return None
