"""The techniques that can be picked, and their arguments.

An entry says what a technique is and which few knobs matter. It does not list the technique's
arguments: those are the fields of its PEFT config class, from which names, types, defaults and help
are read when they are needed (:func:`arguments`), so no second list of them exists. Techniques that
the installed PEFT has and that nobody has described here yet show up by themselves
(:func:`uncurated`).
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any, get_args, get_type_hints

from workbench import imports
from workbench.registry.families import CURATED
from workbench.registry.hook import Hook
from workbench.registry.technique import Hyperparameter, Paper, Technique

__all__ = [
    "TECHNIQUES",
    "Hyperparameter",
    "Paper",
    "Technique",
    "arguments",
    "config_class",
    "find",
    "get",
]

TECHNIQUES: dict[str, Technique] = {technique.name: technique for technique in CURATED}

# What the workbench sets by itself.
_SET_BY_US = frozenset(
    {
        "task_type",
        "peft_type",
        "auto_mapping",
        "base_model_name_or_path",
        "revision",
        "inference_mode",
        "peft_version",
    }
)


def find(name: object) -> Technique | None:
    """Return a technique by its name; None if there is none (imports peft unless it is curated)."""
    if not isinstance(name, str):
        return None
    return TECHNIQUES.get(name) or uncurated().get(name)


def get(name: str) -> Technique:
    """Return a technique that a checked recipe names."""
    technique = find(name)
    if technique is None:
        raise KeyError(name)
    return technique


def uncurated() -> dict[str, Technique]:
    """Return what the installed PEFT has beyond the curated entries (imports peft)."""
    imports.load("peft")
    from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING

    described = {technique.config for technique in TECHNIQUES.values()}
    found = {}
    for kind, config in PEFT_TYPE_TO_CONFIG_MAPPING.items():
        name = str(getattr(kind, "value", kind)).lower()
        if config.__name__ in described or name in TECHNIQUES:
            continue
        first_paragraph = (inspect.getdoc(config) or "").split("\n\n")[0]
        fields = {spec.name for spec in dataclasses.fields(config)}
        found[name] = Technique(
            name=name,
            title=config.__name__.removesuffix("Config"),
            family="new in PEFT",
            summary=" ".join(first_paragraph.split())
            or f"The technique that PEFT's {config.__name__} configures.",
            learning_rate=1e-3,
            config=config.__name__,
            target_finder=Hook("workbench.training.adaptation.target_modules.find_linears")
            if "target_modules" in fields
            else None,
            curated=False,
        )
    return found


def config_class(name: str) -> type:
    """Return the PEFT config class of a technique (imports peft)."""
    imports.load("peft")
    import peft
    from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING

    from workbench.tuners import register

    technique = find(name)
    if technique is None or technique.config is None:
        raise ValueError(f"{name} has no PEFT config")
    register()
    registered = {config.__name__: config for config in PEFT_TYPE_TO_CONFIG_MAPPING.values()}
    return registered.get(technique.config) or getattr(peft, technique.config)


@functools.cache
def arguments(name: str) -> dict[str, tuple[dataclasses.Field, Any]]:
    """Return the arguments that a user may set, as ``{name: (dataclass field, type hint)}``.

    Read from the technique's PEFT config class and from the optimizer that it brings (imports
    peft). What the workbench sets by itself (task type, base name, inference mode) and what makes
    the technique is left out, but the fields of a config inside the config that makes it are there,
    as ``outer.inner``.
    """
    technique = find(name)
    found: dict[str, tuple[dataclasses.Field, Any]] = {}
    if technique is None:
        return found
    if technique.config is not None:
        found.update(_config_arguments(technique))
    if technique.settings is not None:
        hints = get_type_hints(technique.settings)
        fields = dataclasses.fields(technique.settings)
        found.update({spec.name: (spec, hints[spec.name]) for spec in fields})
    found.update(_keyword_arguments(optimizer_function(technique)))
    found.update(_keyword_arguments(select_function(technique)))
    return found


def optimizer_function(technique: Technique) -> Callable[..., Any] | None:
    """Return what makes the technique's own optimizer, if it brings one (imports peft)."""
    return technique.optimizer.load() if technique.optimizer is not None else None


def select_function(technique: Technique) -> Callable[..., Any] | None:
    """Return what chooses the parameters to train, if the technique trains some of the base's."""
    return technique.selector.load() if technique.selector is not None else None


def own_arguments(function: Callable[..., Any] | None) -> frozenset[str]:
    """Return the names of the arguments that are a function's and not the config's."""
    return frozenset(name for name, _ in _keyword_arguments(function))


def _config_arguments(
    technique: Technique,
) -> Iterator[tuple[str, tuple[dataclasses.Field, Any]]]:
    cls = config_class(technique.name)
    hints = get_type_hints(cls)
    for spec in dataclasses.fields(cls):
        if not spec.init or spec.name in _SET_BY_US:
            continue
        if spec.name not in technique.fixed:
            yield spec.name, (spec, hints[spec.name])
        elif isinstance(technique.fixed[spec.name], Mapping):
            inner = next(filter(dataclasses.is_dataclass, get_args(hints[spec.name])))
            inner_hints = get_type_hints(inner)
            for part in dataclasses.fields(inner):
                if part.init and part.name not in technique.fixed[spec.name]:
                    yield f"{spec.name}.{part.name}", (part, inner_hints[part.name])


# What a run fills in by itself when it calls these functions.
_FILLED_IN = frozenset({"model", "new_parameters", "optimizer_cls", "lr", "weight_decay"})
_SAME_AS_CONFIG = frozenset({"r", "lora_alpha", "use_rslora"})


def _keyword_arguments(
    function: Callable[..., Any] | None,
) -> Iterator[tuple[str, tuple[dataclasses.Field, Any]]]:
    """Read a function's own arguments as if they were the fields of a config."""
    if function is None:
        return
    hints = get_type_hints(function)
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD or name in _FILLED_IN | _SAME_AS_CONFIG:
            continue
        empty = parameter.default is parameter.empty
        default = dataclasses.MISSING if empty else parameter.default
        made = dataclasses.make_dataclass("Made", [(name, Any, dataclasses.field(default=default))])
        yield name, (dataclasses.fields(made)[0], hints.get(name, Any))
