"""Which runs can train together, and why others cannot."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import peft
import torch
from peft.tuners.lora import LoraLayer
from peft.utils import ModulesToSaveWrapper

from workbench.registry.tasks import TASKS
from workbench.registry.technique import writes_base
from workbench.training.adaptation.wrapping import unwrapped
from workbench.training.batched_lora.adapter_stack import trained_linears
from workbench.training.prepared import Prepared

TESTED_WITH = {"torch": ">=2.11,<2.16", "peft": ">=0.20,<0.22"}
# Layers of PEFT that add LoRA to a linear's output, and nothing else.
PLAIN_LAYERS = ("Linear", "Linear4bit", "Linear8bitLt", "TorchaoLoraLinear")
DROPOUTS = (
    torch.nn.Dropout,
    torch.nn.Dropout1d,
    torch.nn.Dropout2d,
    torch.nn.Dropout3d,
    torch.nn.AlphaDropout,
    torch.nn.FeatureAlphaDropout,
)
# Settings of a recipe that make another forward pass than the plain one.
OTHER_FORWARD = ("gradient_checkpointing", "torch_compile", "padding_free", "onednn")


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
    yield from (f"{name} is set" for name in OTHER_FORWARD if plan.recipe.get(name))
    base = unwrapped(model)
    yield from _layer_obstacles(base)
    of_linears = {id(parameter) for _, _, parameter in trained_linears(base)}
    for name, parameter in base.named_parameters():
        if parameter.requires_grad and id(parameter) not in of_linears:
            yield f"{name} is trained too and is not the weight or bias of a linear layer"
    for name, probability in _dropouts(base):
        yield f"{name} is {probability}, and dropout depends on the batch"


def _layer_obstacles(base: torch.nn.Module) -> Iterator[str]:
    for name, module in base.named_modules():
        if not isinstance(module, LoraLayer):
            continue
        if type(module).__name__ not in PLAIN_LAYERS or len(module.active_adapters) != 1:
            yield f"{name} is wrapped by {type(module).__name__}"
        elif module.lora_variant:
            yield f"{name} has a variant of LoRA"
        elif any(module.lora_bias.values()):
            yield "lora_bias is set"
        elif isinstance(module.lora_dropout[module.active_adapters[0]], torch.nn.Dropout):
            yield "lora_dropout is above 0, and dropout depends on the batch"


def _dropouts(base: torch.nn.Module) -> Iterator[tuple[str, float]]:
    """Yield the dropouts of a base by name: of its modules, and of functions by its config."""
    for name, value in vars(base.config).items():
        if "drop" in name and isinstance(value, int | float) and value > 0:
            yield name, float(value)
    for name, module in base.named_modules():
        if isinstance(module, DROPOUTS) and module.p > 0:
            yield name, module.p


def traits(prepared: Prepared) -> dict[str, Hashable]:
    """Return what all runs of a group must have in common, by its name in a sentence."""
    plan, base = prepared.plan, unwrapped(prepared.model)
    return {
        "base": tuple(parameter.data_ptr() for parameter in _frozen(base)),
        "task": plan.auto_class,
        "per_device_train_batch_size": plan.recipe["per_device_train_batch_size"],
        "gradient_accumulation_steps": plan.recipe["gradient_accumulation_steps"],
        "bf16": plan.recipe["bf16"],
        "new head": tuple(name for name, part, _ in trained_linears(base) if part == "weight"),
    }


def _frozen(base: torch.nn.Module) -> Iterator[torch.nn.Parameter]:
    """Yield the base's own parameters, without those that a run trains copies of."""
    run_owned = {id(parameter) for _, _, parameter in trained_linears(base)}
    for module in base.modules():
        if isinstance(module, ModulesToSaveWrapper):
            run_owned |= {id(parameter) for parameter in module.parameters()}
    for parameter in base.parameters():
        if id(parameter) not in run_owned:
            yield parameter


def sort_out(prepared: Sequence[Prepared]) -> tuple[list[list[int]], list[str]]:
    """Put runs together that can train together.

    Returns
    -------
    list of list of int
        Groups of two or more, by the runs' indices in the sequence.
    list of str
        Why others are in none, a sentence for each reason.
    """
    groups: dict[tuple, list[int]] = {}
    reasons: dict[str, list[int]] = {}
    traits_of: dict[int, Mapping[str, Any]] = {}
    for index, run in enumerate(prepared):
        if (reason := obstacle(run)) is not None:
            reasons.setdefault(reason, []).append(index)
        else:
            traits_of[index] = traits(run)
            groups.setdefault(tuple(traits_of[index].values()), []).append(index)
    for members in list(groups.values()):
        if len(members) == 1 and len(traits_of) > 1:
            reasons.setdefault(_unlike(traits_of, members[0]), []).append(members[0])
    return [members for members in groups.values() if len(members) > 1], [
        f"{names_of(prepared[index] for index in members)} cannot be fused with other runs: "
        f"{reason}."
        for reason, members in reasons.items()
    ]


def _unlike(traits_of: Mapping[int, Mapping[str, Any]], index: int) -> str:
    """Say in what a run differs from the one that is most like it."""
    own = traits_of[index]
    differences: list[list[str]] = [
        [name for name in own if own[name] != other[name]]
        for number, other in traits_of.items()
        if number != index
    ]
    nearest = min(differences, key=lambda names: len(names))
    return f"no other run has the same {' and '.join(nearest)}"


def names_of(prepared: Iterable[Prepared]) -> str:
    """Name runs in a sentence."""
    names = [run.plan.recipe["name"] or run.plan.recipe["technique"] for run in prepared]
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
