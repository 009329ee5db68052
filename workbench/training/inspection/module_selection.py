"""From ticked modules to the arguments that mean them, and back."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import torch

from workbench.recipe import Recipe
from workbench.registry.technique import Technique
from workbench.registry.techniques import arguments, get
from workbench.training.adaptation.heads import new_modules
from workbench.tuners.name_endings import matches, shortest_endings

# Arguments that, besides target_modules, choose which layers are wrapped.
LAYER_ARGUMENTS = ("layers_to_transform", "layers_pattern", "exclude_modules", "input_modules")


@dataclass(frozen=True)
class Choice:
    """The modules that a technique can wrap, and how to say which of them it should.

    Parameters
    ----------
    can : frozenset of str
        Whole names of the modules that can be wrapped.
    named : frozenset of str
        Those that the recipe's arguments name.
    """

    can: frozenset[str]
    named: frozenset[str]
    _model: torch.nn.Module = field(repr=False)
    _default: Mapping[str, Any] = field(repr=False)
    _changed: Mapping[str, Any] = field(repr=False)
    _names: Collection[str] = field(repr=False)

    def arguments(self, ticked: Sequence[str]) -> dict[str, Any]:
        """Return the technique's arguments that mean exactly these modules.

        The shortest names that do; where they are the same in some layers and absent in the others,
        with ``layers_to_transform``.
        """
        wanted = set(ticked) & self.can
        others = {
            name: value
            for name, value in self._changed.items()
            if name not in (*LAYER_ARGUMENTS, "target_modules", "feedforward_modules")
        }
        if wanted == _selected(self._model, self._default) & self.can:
            return others
        chosen = self._literal(wanted)
        if "feedforward_modules" in self._names:
            ends = self._default.get("feedforward_modules") or ()
            chosen["feedforward_modules"] = [
                name
                for name in chosen["target_modules"]
                if all(matches(path, ends) for path in wanted if matches(path, [name]))
            ]
        return {**others, **chosen}

    def _literal(self, wanted: set[str]) -> dict[str, Any]:
        names = shortest_endings(self._model, sorted(wanted))
        if "layers_to_transform" not in self._names or not wanted:
            return {"target_modules": names}
        layers = sorted({index for name in wanted if (index := _layer(name)) is not None})
        kinds = {_without_layer(name) for name in wanted}
        all_layers = [name for name in self.can if _without_layer(name) in kinds]
        short = {
            "target_modules": shortest_endings(self._model, all_layers),
            "layers_to_transform": layers,
        }
        numbered = any(part.isdecimal() for name in names for part in name.split("."))
        if numbered and _selected(self._model, short) & self.can == wanted:
            return short
        return {"target_modules": names}


def choice(recipe: Recipe, model: torch.nn.Module, new_parameters: Sequence[str]) -> Choice | None:
    """Return what can be ticked of a resolved recipe's base; None if nothing can.

    What a technique can wrap is what it wraps by itself, and all modules of the same classes.
    """
    technique = get(recipe.technique)
    if technique.target_finder is None:
        return None
    default = technique.target_finder.load()(model)
    wrapped = _selected(model, default)
    classes = {type(module) for name, module in model.named_modules() if name in wrapped}
    heads = new_modules(model, new_parameters)
    can = frozenset(
        name
        for name, module in model.named_modules()
        if type(module) in classes and not _inside(name, heads)
    )
    args = recipe.technique_args
    named = args if args.get("target_modules") is not None else {**default, **_layer_args(args)}
    defaults = technique.defaults()
    return Choice(
        can,
        frozenset(_selected(model, named) & can),
        model,
        default,
        {name: value for name, value in args.items() if defaults.get(name, ...) != value},
        set(arguments(technique.name)),
    )


def why_fixed(technique: Technique) -> str:
    """Say why there is nothing to tick with a technique; nothing where there is."""
    if technique.target_finder is not None:
        return ""
    if technique.trainable == "all":
        return f"{technique.title} trains all parameters, so no modules can be selected."
    if technique.trainable == "selected":
        return f"{technique.title} wraps no layer: it trains some of the base's own parameters."
    return f"{technique.title} wraps no layer. {technique.summary}"


def _layer_args(args: Mapping[str, Any]) -> dict[str, Any]:
    return {name: args[name] for name in LAYER_ARGUMENTS if name in args}


def _selected(model: torch.nn.Module, named: Mapping[str, Any]) -> set[str]:
    """Return the modules that arguments mean, by PEFT's own rule."""
    from peft.tuners.tuners_utils import check_target_module_exists

    config = SimpleNamespace(
        target_parameters=None,
        **{name: named.get(name) for name in ("target_modules", *LAYER_ARGUMENTS)},
    )
    if config.target_modules is None:
        return set()
    names = [name for name, _ in model.named_modules() if name]
    return {name for name in names if check_target_module_exists(config, name)}


def _inside(name: str, modules: Collection[str]) -> bool:
    return any(f".{module}." in f".{name}." for module in modules)


def _layer(name: str) -> int | None:
    """Return the layer that PEFT takes a module to be in: the first number in its name."""
    match = re.match(r".*?\.[^.]*\.(\d+)\.", name)
    return int(match[1]) if match else None


def _without_layer(name: str) -> str:
    """Return a module's name without its layer."""
    return re.sub(r"^(.*?\.[^.]*)\.\d+\.", r"\1.*.", name)
