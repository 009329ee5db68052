"""The anatomy of a recipe: its model as a tree, with what the technique puts where.

The base is built on the meta device and the technique applied to it there, as
:mod:`workbench.training.inspection.skeleton` does, so that a model of any size is taken apart in a moment.
"""

from __future__ import annotations

import copy
import dataclasses
import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from peft.tuners.tuners_utils import BaseTunerLayer
from transformers import PreTrainedModel

from workbench.errors import ModelError, Problem, RecipeError, WorkbenchError, first_line
from workbench.recipe import Recipe
from workbench.registry.techniques import get
from workbench.sources.datasets.load import Table
from workbench.sources.lookup import load_data
from workbench.training.adaptation.layer_lists import layer_lists
from workbench.training.inspection import adapter_size, module_selection
from workbench.training.inspection.module_tree import Node, Piece, fold
from workbench.training.inspection.skeleton import adapt_shapes, first_rows, shapes_of


@dataclass(frozen=True)
class Structure:
    """A recipe's model, taken apart.

    Parameters
    ----------
    tree : Node
        The model itself; equal blocks are one node.
    figures : dict
        ``trainable``, ``total`` and ``injected`` (counts of parameters), ``disk`` (bytes of the
        weights that are saved; None where they depend on values) and ``memory``, the bytes that training
        takes beside the base and its activations: ``weights``, ``gradients`` and ``optimizer``.
        Empty where the technique cannot be applied.
    problem : str
        Why it cannot.
    why_fixed : str
        Why there is nothing to tick; empty where there is.
    config : dict
        The PEFT config's fields, those that were left alone too.
    """

    tree: Node
    figures: dict[str, Any]
    problem: str
    why_fixed: str
    config: dict[str, Any]
    _choice: module_selection.Choice | None = field(repr=False, compare=False)

    def arguments(self, ticked: Sequence[str]) -> dict[str, Any]:
        """Return the technique's arguments that mean exactly these modules.

        Parameters
        ----------
        ticked : sequence of str
            Whole names of modules.
        """
        if self._choice is None:
            raise ModelError(self.why_fixed)
        return self._choice.arguments(ticked)


def take_apart(recipe: Recipe, data: Callable[[Recipe], Table] = load_data) -> Structure:
    """Build a recipe's model on the meta device and tell what is where.

    Parameters
    ----------
    recipe : Recipe
    data : callable, optional
        Reads a recipe's data, or has it read already.

    Raises
    ------
    RecipeError, ModelError, DataError
        The base cannot be found or does not suit the task. A technique that cannot be applied is no
        error here: the tree is then that of the base.
    """
    recipe = recipe.resolved()
    return dissect(recipe, *shapes_of(recipe, data), first_rows(recipe, data))


def dissect(
    recipe: Recipe,
    shapes: PreTrainedModel,
    new_parameters: Sequence[str],
    rows: Callable[[], list[dict]] | None = None,
) -> Structure:
    """Apply a resolved recipe's technique to a copy of a skeleton and tell what is where.

    Parameters
    ----------
    recipe : Recipe
    shapes : PreTrainedModel
        The base on the meta device.
    new_parameters : sequence of str
        Its newly initialised parameters.
    rows : callable, optional
        Returns the first training rows, encoded; they are read from the recipe's data if not given.
    """
    technique = get(recipe.technique)
    model = copy.deepcopy(shapes)
    before = _Before(model)
    choice = module_selection.choice(recipe, shapes, new_parameters)
    problem, figures, config = "", {}, {}
    try:
        recipe.check()
        if choice is not None and recipe.technique_args.get("target_modules") == []:
            raise RecipeError([Problem("target_modules", "at least one module", [])])
        adapted, _ = adapt_shapes(recipe, model, new_parameters, rows)
        config = _settings(adapted)
        figures = adapter_size.measure(recipe, adapted, shapes)
        contents = before.compare(adapted)
    except Exception as error:  # noqa: BLE001 (whatever a library raises is said in the panel)
        problem = str(error) if isinstance(error, WorkbenchError) else first_line(error)
        contents = before.compare(copy.deepcopy(shapes).requires_grad_(False), same_modules=False)
    can = choice.can if choice else frozenset()
    ticked = contents.wrapped & can if figures else (choice.named if choice else frozenset())
    tree = fold(before.facts, contents.own, contents.pieces, can, ticked, layer_lists(shapes))
    return Structure(tree, figures, problem, module_selection.why_fixed(technique), config, choice)


def _settings(adapted: torch.nn.Module) -> dict[str, Any]:
    """Return the fields of a model's PEFT config as plain data; none without one."""
    configs = getattr(adapted, "peft_config", {})
    fields = {}
    for name, value in (configs["default"].to_dict() if "default" in configs else {}).items():
        value = value.value if isinstance(value, enum.Enum) else value
        fields[name] = sorted(value) if isinstance(value, set) else value
    return fields


@dataclass
class _Contents:
    """What is at each module of the base, by the module's name.

    Parameters
    ----------
    own : dict of str to tuple of int
        How many parameters of its own the module has, and how many of them are trained.
    pieces : dict of str to list of Piece
        What is injected there.
    wrapped : frozenset of str
        The modules that are wrapped.
    """

    own: dict[str, tuple[int, int]]
    pieces: dict[str, list[Piece]]
    wrapped: frozenset[str]


class _Before:
    """A model before a technique is applied to it: its modules are recognised by their identity."""

    def __init__(self, model: torch.nn.Module):
        self.names = {id(module): name for name, module in model.named_modules()}
        self.attributes = {id(module): set(module._parameters) for module in model.modules()}
        self.facts = {
            name: (type(module).__name__, _shape(module)) for name, module in model.named_modules()
        }
        self._model = model  # kept, so that no other module gets its id

    def compare(self, adapted: torch.nn.Module, same_modules: bool = True) -> _Contents:
        """Tell what is where in an adapted model."""
        before = self if same_modules else _Before(adapted)
        # By path: the base's module, and the path of the injected part.
        homes: dict[str, tuple[str, str]] = {}
        wrapped = set()
        for path, module in adapted.named_modules():
            homes[path] = before._home(path, module, homes)
            if isinstance(module, BaseTunerLayer):
                wrapped.add(homes[path][0])
        own: dict[str, tuple[int, int]] = {}
        pieces: dict[str, list[Piece]] = {}
        modules = dict(adapted.named_modules())
        for path, parameter in adapted.named_parameters():
            owner, _, attribute = path.rpartition(".")
            home, top = homes[owner]
            count = parameter.numel()
            if attribute in before.attributes.get(id(modules[owner]), ()):
                total, trained = own.get(home, (0, 0))
                own[home] = (total + count, trained + count * parameter.requires_grad)
            else:
                name = _piece_name(path, top)
                piece = Piece(name, tuple(parameter.shape), count, parameter.requires_grad)
                pieces.setdefault(home, []).append(piece)
        return _Contents(own, pieces, frozenset(wrapped))

    def _home(
        self, path: str, module: torch.nn.Module, homes: Mapping[str, tuple[str, str]]
    ) -> tuple[str, str]:
        """Tell which of the base's modules an adapted model's module is, wraps or stands in."""
        if id(module) in self.names:
            return self.names[id(module)], ""
        if not path:
            return "", ""
        parent, _, attribute = path.rpartition(".")
        home, top = homes[parent]
        if top or parent not in homes:
            return home, top
        name = f"{home}.{attribute}" if home else attribute
        inside = name in self.facts
        return (name if inside else home), (path if inside else "")


def _shape(module: torch.nn.Module) -> tuple[int, ...]:
    """Return the shape of a module's weight, or of its only parameter."""
    own = {name: value for name, value in module._parameters.items() if value is not None}
    weight = own.get("weight", next(iter(own.values())) if len(own) == 1 else None)
    return () if weight is None else tuple(weight.shape)


def _piece_name(path: str, top: str) -> str:
    """Name an injected parameter without what every name of its kind has in common."""
    rest = path.removeprefix(f"{top}.") if top else path
    parts = [part for part in rest.split(".") if part not in ("default", "base_model")]
    if len(parts) > 1 and parts[-1] == "weight":
        parts.pop()
    return ".".join(parts)


def to_dict(structure: Structure) -> dict[str, Any]:
    """Return what a structure holds as plain data."""
    return {
        spec.name: dataclasses.asdict(value) if spec.name == "tree" else value
        for spec in dataclasses.fields(structure)
        if not spec.name.startswith("_")
        for value in [getattr(structure, spec.name)]
    }
