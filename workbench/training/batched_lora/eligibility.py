"""Which runs can train together, and why others cannot."""

from __future__ import annotations

import numbers
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import peft
import torch
from peft.tuners.lora import LoraLayer
from peft.utils import ModulesToSaveWrapper

from workbench.registry.tasks import TASKS
from workbench.registry.technique import writes_base
from workbench.training.batched_lora.stack import trained_linears
from workbench.training.prepared import Prepared

TRIED = {"torch": ">=2.11,<2.16", "peft": ">=0.20,<0.22"}
# Layers of PEFT that add LoRA to what a linear gives, and nothing else.
PLAIN = ("Linear", "Linear4bit", "Linear8bitLt", "TorchaoLoraLinear")
DROPOUTS = (
    torch.nn.Dropout,
    torch.nn.Dropout1d,
    torch.nn.Dropout2d,
    torch.nn.Dropout3d,
    torch.nn.AlphaDropout,
    torch.nn.FeatureAlphaDropout,
)
# Settings of a recipe that run another forward pass than the plain one.
OTHERWISE = ("bf16", "gradient_checkpointing", "torch_compile", "padding_free", "onednn")


def obstacle(prepared: Prepared) -> str | None:
    """Say why a run cannot train together with others; None where it can."""
    try:
        return next(_obstacles(prepared), None)
    except (AttributeError, TypeError) as error:
        return (
            f"PEFT {peft.__version__} has other layers than the versions that were tested ({error})"
        )


def _obstacles(prepared: Prepared) -> Iterator[str]:
    plan, model = prepared.plan, prepared.model
    if plan.config_class != "LoraConfig":
        yield f"{plan.recipe['technique']} is not LoRA"
        return
    if plan.recipe["task"] not in TASKS:
        yield "it trains a module from the notebook"
        return
    if not prepared.loop_kwargs:
        yield "its frozen blocks are skipped where their outputs are cached"
    if plan.after_step or plan.forward_hook:
        yield f"{plan.recipe['technique']} does more in a step than LoRA"
    if writes_base(plan.config):
        yield f"{plan.recipe['technique']} rewrites the weights of its base"
    if "encoder-decoder" in TASKS[plan.recipe["task"]].model_kinds:
        yield "an encoder-decoder also reads the labels"
    yield from (f"{name} is set" for name in OTHERWISE if plan.recipe.get(name))
    base = model.get_base_model()
    yield from _layer_obstacles(base)
    known = {id(parameter) for _, _, parameter in trained_linears(base)}
    for name, parameter in base.named_parameters():
        if parameter.requires_grad and id(parameter) not in known:
            yield f"{name} is trained too and is not the weight or bias of a linear layer"
    for name, chance in _dropouts(base):
        yield f"{name} is {chance}, and dropout depends on the batch"


def _layer_obstacles(base: torch.nn.Module) -> Iterator[str]:
    for name, module in base.named_modules():
        if not isinstance(module, LoraLayer):
            continue
        if type(module).__name__ not in PLAIN or len(module.active_adapters) != 1:
            yield f"{name} is wrapped by {type(module).__name__}"
        elif module.lora_variant:
            yield f"{name} has a variant of LoRA"
        elif any(module.lora_bias.values()):
            yield "lora_bias is set"
        elif isinstance(module.lora_dropout[module.active_adapters[0]], torch.nn.Dropout):
            yield "lora_dropout is above 0, and dropout depends on the batch"


def _dropouts(base: torch.nn.Module) -> Iterator[tuple[str, float]]:
    """Go through what a base drops in training: modules, and what its config says of functions."""
    for name, value in vars(base.config).items():
        if "drop" in name and isinstance(value, numbers.Real) and value > 0:
            yield name, float(value)
    for name, module in base.named_modules():
        if isinstance(module, DROPOUTS) and module.p > 0:
            yield name, module.p


def traits(prepared: Prepared) -> dict[str, Hashable]:
    """Return what all runs of a group must have in common, by what to call it."""
    plan, base = prepared.plan, prepared.model.get_base_model()
    return {
        "base": tuple(parameter.data_ptr() for parameter in _frozen(base)),
        "task": plan.auto_class,
        "per_device_train_batch_size": plan.recipe["per_device_train_batch_size"],
        "gradient_accumulation_steps": plan.recipe["gradient_accumulation_steps"],
        "new head": tuple(name for name, part, _ in trained_linears(base) if part == "weight"),
    }


def _frozen(base: torch.nn.Module) -> Iterator[torch.nn.Parameter]:
    """Go through the base's own parameters, without those in whose place a run trains others."""
    private = {id(parameter) for _, _, parameter in trained_linears(base)}
    for module in base.modules():
        if isinstance(module, ModulesToSaveWrapper):
            private |= {id(parameter) for parameter in module.parameters()}
    for parameter in base.parameters():
        if id(parameter) not in private:
            yield parameter


def sort_out(prepared: Sequence[Prepared]) -> tuple[list[list[int]], list[str]]:
    """Put runs together that can train together.

    Returns
    -------
    list of list of int
        Groups of two or more, by the runs' places in the sequence.
    list of str
        Why others are in none, a sentence for each reason.
    """
    groups: dict[tuple, list[int]] = {}
    reasons: dict[str, list[int]] = {}
    facts: dict[int, Mapping[str, Any]] = {}
    for place, one in enumerate(prepared):
        if (reason := obstacle(one)) is not None:
            reasons.setdefault(reason, []).append(place)
        else:
            facts[place] = traits(one)
            groups.setdefault(tuple(facts[place].values()), []).append(place)
    for members in list(groups.values()):
        if len(members) == 1 and len(facts) > 1:
            reasons.setdefault(_unlike(facts, members[0]), []).append(members[0])
    return [members for members in groups.values() if len(members) > 1], [
        f"{names_of(prepared[place] for place in places)} cannot be fused with other runs: "
        f"{reason}."
        for reason, places in reasons.items()
    ]


def _unlike(facts: Mapping[int, Mapping[str, Any]], place: int) -> str:
    """Say in what a run differs from the one that is most like it."""
    mine = facts[place]
    differences = [
        [name for name in mine if mine[name] != other[name]]
        for at, other in facts.items()
        if at != place
    ]
    return f"no other run has the same {' and '.join(min(differences, key=len))}"


def names_of(prepared: Iterable[Prepared]) -> str:
    """Name runs in a sentence."""
    names = [one.plan.recipe["name"] or one.plan.recipe["technique"] for one in prepared]
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
