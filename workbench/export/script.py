"""A plan as a script: what its run did, in the same order, with nothing that it did not need."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from workbench.export.header import constants, docstring, requirements
from workbench.export.main import command_line, locates, main, scorer
from workbench.export.model import collator, keeps_statistics, settings_of
from workbench.export.prompts import prompting
from workbench.export.source import imports, imports_of, pick, whole
from workbench.registry.quantizations import QUANTIZATIONS
from workbench.registry.tasks import TASKS

# What the script's own lines may use; only what they do use is imported.
OFFERED = """
import argparse
import json
import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from datasets import load_dataset
from functools import partial
from pathlib import Path
from peft import get_peft_model
from torch.utils.data import DataLoader
from torchao.quantization import Int8WeightOnlyConfig
from transformers import AutoConfig, AutoImageProcessor, AutoTokenizer, BitsAndBytesConfig
from transformers import TorchAoConfig
from transformers import get_scheduler
"""

# Where techniques stand that peft lacks: their whole source is carried.
HOMES = {"BottleneckConfig": "tuners.bottleneck"}


def script(plan: Mapping[str, Any], source: str, filename: str) -> str:
    """Return the source of the script that carries out a plan.

    Parameters
    ----------
    plan : mapping
        See :class:`workbench.training.plan.Plan`.
    source : str
        What the plan is from, such as "the run lora-reviews-1".
    filename : str
        What the script will be called.
    """
    wanted: dict[str, list[str]] = {}
    for module, function in _carried(plan):
        wanted.setdefault(module, []).append(function)
    functions = [pick(module, *names) for module, names in wanted.items()]
    home = HOMES.get(plan["config_class"])
    if home is not None:
        functions.insert(0, whole(home))
    offered = [OFFERED, f"from transformers import {plan['auto_class']}"]
    offered += [imports_of(module) for module in wanted]
    if home is not None:
        offered.append(imports_of(home))
    elif plan["config_class"]:
        offered.append(f"from peft import {plan['config_class']}")
    if plan["optimizer"].get("function"):
        offered.append(f"from peft.optimizers import {plan['optimizer']['function']}")
    body = "\n\n\n".join([*functions, command_line(plan), main(plan)])
    top = [
        f"{requirements(plan)}\n{docstring(plan, source, filename)}",
        imports(body, offered),
        constants(plan, filename),
    ]
    return "\n\n".join(top) + f'\n\n\n{body}\n\n\nif __name__ == "__main__":\n    main()\n'


def _carried(plan: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Name the functions that the script carries, by the module they stand in."""
    task = TASKS[plan["recipe"]["task"]]
    if plan["data"]["format"] != "hub":
        yield "export.rows", f"read_{plan['data']['format']}"
    elif task.labels:
        yield "export.rows", "name_labels"
    if locates(plan):
        yield "export.rows", "locate_images"
    if plan["data"]["eval"] is None:
        yield "training.inputs.tokenize", "split_rows"
    entry = QUANTIZATIONS.get(plan["recipe"]["quantization"])
    if plan.get("prequantized"):
        yield "training.adaptation.quantize", "widen"
    if entry is not None and entry.bits == 4:
        yield "training.adaptation.quantize", "keep_packed"
    if plan.get("mask_positions"):
        yield "training.speedups.settings", "use_mask_positions"
    for name in settings_of(plan):
        yield "training.speedups.settings", f"use_{name}"
    if plan["trains"] == "nothing":
        yield from prompting(plan)
    else:
        yield from _training(plan)


def _training(plan: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    task = TASKS[plan["recipe"]["task"]]
    yield "training.inputs.tokenize", f"encode_{task.name}"
    if plan["virtual_labels"]:
        yield "training.inputs.tokenize", "leave_room"
    yield "training.inputs.collate", collator(plan)
    if plan["recipe"].get("padding_free"):
        yield "training.inputs.collate", "collate_flat"
    if task.ask:
        yield "training.inputs.collate", task.ask
    yield "training.inputs.collate", task.hold
    if plan["recipe"]["convert_conv1d"]:
        yield "training.adaptation.conv1d", "convert_conv1d"
    if plan["fresh"]:
        yield "training.adaptation.heads", "new_head"
    if plan["selects"]:
        yield "registry.parameter_selectors", f"select_{plan['selects']}"
    if plan["injects"] != "get_peft_model":
        yield "training.inputs.collate", "fixed_batches"
        yield "training.adaptation.initializers", plan["injects"]
        if plan["injects"] == "get_lora_ga_model":
            yield "training.adaptation.running_stats", "moving_statistics"
    if plan["wires"]:
        yield "training.adaptation.forward_hooks", plan["wires"]
    if keeps_statistics(plan):
        yield "training.adaptation.running_stats", "keep_statistics"
    if plan["after_step"]:
        yield "training.adaptation.step_callbacks", plan["after_step"]
    yield "training.evaluate", task.evaluate
    if score := scorer(plan):
        yield "training.evaluate", score
    if plan["recipe"].get("cache_frozen_prefix"):
        yield "training.inputs.collate", "fixed_batches"
        yield "training.speedups.frozen_prefix.activation_store", "Activations"
        yield "training.speedups.frozen_prefix.blocks", "find_frozen"
        yield "training.speedups.frozen_prefix.blocks", "in_mode"
        yield "training.speedups.frozen_prefix.blocks", "digest"
        yield "training.speedups.frozen_prefix.per_row", "cache_frozen_prefix"
    yield "training.loop", "train"
    if plan["recipe"].get("start_from"):
        yield "training.adaptation.warm_start", "load_start"
    if plan["trains"] == "selected":
        yield "training.adaptation.checkpoint", "save_trained"
        if keeps_statistics(plan):
            yield "training.adaptation.running_stats", "moving_statistics"
    if plan["config_class"] == "XLoraConfig":
        yield "training.adaptation.checkpoint", "save_blend"
    if plan["restarts"]:
        yield "training.adaptation.checkpoint", "lora_state"
        yield "training.adaptation.checkpoint", "save_since"
