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
from workbench.training.adaptation import target_modules
from workbench.training.adaptation.heads import new_modules

# What says, besides target_modules, which layers are wrapped.
BESIDE = ("layers_to_transform", "layers_pattern", "exclude_modules", "input_modules")


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
    _given: Mapping[str, Any] = field(repr=False)
    _known: Collection[str] = field(repr=False)

    def arguments(self, ticked: Sequence[str]) -> dict[str, Any]:
        """Return the technique's arguments that mean exactly these modules.

        The shortest names that do; where they are the same in some layers and absent in the others,
        with ``layers_to_transform``.
        """
        wanted = set(ticked) & self.can
        kept = {
            name: value
            for name, value in self._given.items()
            if name not in (*BESIDE, "target_modules", "feedforward_modules")
        }
        if wanted == _means(self._model, self._default) & self.can:
            return kept
        chosen = self._literal(wanted)
        if "feedforward_modules" in self._known:
            ends = self._default.get("feedforward_modules") or ()
            chosen["feedforward_modules"] = [
                name
                for name in chosen["target_modules"]
                if all(
                    target_modules.matches(path, ends)
                    for path in wanted
                    if target_modules.matches(path, [name])
                )
            ]
        return {**kept, **chosen}

    def _literal(self, wanted: set[str]) -> dict[str, Any]:
        names = target_modules.shortest_names(self._model, sorted(wanted))
        if "layers_to_transform" not in self._known or not wanted:
            return {"target_modules": names}
        layers = sorted({index for name in wanted if (index := _layer(name)) is not None})
        kinds = {_kind(name) for name in wanted}
        all_layers = [name for name in self.can if _kind(name) in kinds]
        short = {
            "target_modules": target_modules.shortest_names(self._model, all_layers),
            "layers_to_transform": layers,
        }
        numbered = any(part.isdecimal() for name in names for part in name.split("."))
        if numbered and _means(self._model, short) & self.can == wanted:
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
    wrapped = _means(model, default)
    classes = {type(module) for name, module in model.named_modules() if name in wrapped}
    heads = new_modules(model, new_parameters)
    can = frozenset(
        name
        for name, module in model.named_modules()
        if type(module) in classes and not _inside(name, heads)
    )
    given = recipe.technique_args
    named = given if given.get("target_modules") is not None else {**default, **_beside(given)}
    knobs = technique.defaults()
    return Choice(
        can,
        frozenset(_means(model, named) & can),
        model,
        default,
        {name: value for name, value in given.items() if knobs.get(name, ...) != value},
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


def _beside(given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: given[name] for name in BESIDE if name in given}


def _means(model: torch.nn.Module, named: Mapping[str, Any]) -> set[str]:
    """Return the modules that arguments mean, by PEFT's own rule."""
    from peft.tuners.tuners_utils import check_target_module_exists

    config = SimpleNamespace(
        target_parameters=None, **{name: named.get(name) for name in ("target_modules", *BESIDE)}
    )
    if config.target_modules is None:
        return set()
    names = [name for name, _ in model.named_modules() if name]
    return {name for name in names if check_target_module_exists(config, name)}


def _inside(name: str, modules: Collection[str]) -> bool:
    return any(f".{module}." in f".{name}." for module in modules)


def _layer(name: str) -> int | None:
    """Return the layer that PEFT takes a module to be in: the first number in its name."""
    found = re.match(r".*?\.[^.]*\.(\d+)\.", name)
    return int(found[1]) if found else None


def _kind(name: str) -> str:
    """Return a module's name without its layer."""
    return re.sub(r"^(.*?\.[^.]*)\.\d+\.", r"\1.*.", name)
