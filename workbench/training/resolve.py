"""From a recipe to its plan: the base and the data looked up, the technique's arguments filled in."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import PreTrainedModel

from workbench.recipe import Recipe
from workbench.registry.tasks import TASKS
from workbench.registry.technique import Technique
from workbench.registry.techniques import config_class, get
from workbench.sources.datasets.load import Table
from workbench.sources.lookup import load_data, look_up
from workbench.sources.models.describe import ModelFacts
from workbench.sources.models.fingerprint import Fingerprint
from workbench.sources.models.folders import WITHOUT_ADAPTER
from workbench.training.adaptation.base_model import Base, clone, load_base, shared_skeleton
from workbench.training.adaptation.build import Adaptation, adaptation_of
from workbench.training.adaptation.heads import find_new_parameters
from workbench.training.adaptation.initializers import takes_batches
from workbench.training.adaptation.optimizer import optimizer_facts
from workbench.training.adaptation.quantize import modules_to_not_convert
from workbench.training.adaptation.running_stats import layers_with_statistics
from workbench.training.inputs.few_shot_plan import prompt_facts
from workbench.training.inputs.label_counts import count_labels
from workbench.training.inputs.limits import (
    START_ROWS,
    choose_rows,
    count_steps,
    counts_positions,
    padding_side,
    split_settings,
)
from workbench.training.inputs.processor import virtual_labels
from workbench.training.inputs.task_inputs import TaskInputs
from workbench.training.plan import SINGLE_LABEL, Plan
from workbench.training.runtime.quiet_loading import loading
from workbench.training.speedups.apply import computing_notes
from workbench.training.speedups.labelled_logits import is_possible, is_wanted, keeps_loss

PACKAGES = (
    "torch",
    "transformers",
    "peft",
    "accelerate",
    "bitsandbytes",
    "torchao",
    "safetensors",
    "datasets",
    "pyarrow",
    "pillow",
    "scikit-learn",
)


CONVERTED = (
    "Conv1D layers of the base were replaced by equivalent Linear layers: before loading the "
    "adapter, do the same to its base with "
    "workbench.training.adaptation.conv1d.convert_conv1d, which an exported script contains."
)
ADAPTER_LEFT_OUT = (
    "The base's folder also contains an adapter, which transformers would load with it. The "
    "run uses the base without it; do the same before you load the trained adapter, with "
    f"from_pretrained(folder, adapter_kwargs={WITHOUT_ADAPTER})."
)
STORED = (
    "The checkpoint {model!r} is quantized with {name!r}: it is trained as with "
    "quantization={name!r}, and the trained weights belong to the quantized base."
)
EVERY_LOGIT = (
    "The base's loss differs, or fails, when logits are computed only at labelled positions: "
    "all logits are computed."
)


@dataclass
class Resolved:
    """A plan with the heavy things that were loaded to make it, and the state of their files."""

    plan: Plan
    recipe: Recipe
    base: Base
    inputs: TaskInputs
    train_rows: list[dict]
    eval_rows: list[dict]
    fingerprint: Fingerprint

    @property
    def tokenizer(self) -> Any:
        """The base's tokenizer; for images its processor."""
        return self.inputs.processor


def resolve(recipe: Recipe, data: Callable[[Recipe], Table] = load_data) -> Resolved:
    """Look up everything a recipe names and load its base.

    Parameters
    ----------
    recipe : Recipe
    data : callable, optional
        Reads a recipe's data, or has it read already.

    Raises
    ------
    RecipeError
        With all problems at once: wrong settings, data and model that cannot be used.
    """
    facts, table = look_up(recipe, data=data).require()
    recipe = recipe.resolved(facts)
    technique = get(recipe.technique)
    inputs = TaskInputs.of(recipe, facts, table)
    train_rows, eval_rows = choose_rows(recipe, table)
    trains = technique.trainable != "nothing"
    max_steps = count_steps(recipe, len(train_rows)) if trains else 0
    checkpoint = Checkpoint.of(recipe, facts, table)
    # What the base's shapes forbid is said before a weight is loaded.
    skeleton, new_parameters = checkpoint.skeleton()
    adaptation = adaptation_of(
        technique,
        skeleton,
        recipe.technique_args,
        task_type=TASKS[recipe.task].peft_task_type,
        new_parameters=new_parameters,
        max_steps=max_steps,
        rows=lambda: inputs.encode(train_rows[:START_ROWS]),
    )
    device = "cuda" if torch.cuda.is_available() else "cpu"
    base = checkpoint.load(recipe.quantization, device)
    labelled_logits, logit_notes = choose_logits(recipe, base)
    plan = Plan(
        recipe=recipe.to_dict(),
        **_base_facts(checkpoint, facts, base),
        **_technique_facts(technique, adaptation),
        **_data_facts(table),
        **_input_facts(recipe, inputs, adaptation, base),
        optimizer=optimizer_facts(recipe, technique, device) if trains else {},
        prompt=prompt_facts(recipe, inputs.processor, train_rows, table),
        max_steps=max_steps,
        labelled_logits=labelled_logits,
        threads=torch.get_num_threads(),
        device=device,
        versions={name: importlib.metadata.version(name) for name in PACKAGES},
        notes=[*table.notes, *_base_notes(recipe, facts), *logit_notes, *computing_notes(recipe)],
        full_precision_modules=modules_to_not_convert(skeleton, new_parameters),
        split=split_settings(recipe.task, table),
        eval_label_counts=count_labels(
            TASKS[recipe.task], inputs.columns, inputs.labels, eval_rows
        ),
    )
    return Resolved(plan, recipe, base, inputs, train_rows, eval_rows, facts.fingerprint)


@dataclass(frozen=True)
class Checkpoint:
    """The base's folder with the class of transformers that a recipe loads from it.

    Parameters
    ----------
    name, path : str
        As the recipe has it, and its folder.
    auto_class : str
        The class of transformers.
    num_labels : int or None
        Outputs of the new head; None where there is none.
    trust_remote_code, convert_conv1d : bool
        As the recipe has them.
    fingerprint : tuple
        The state of its files; see :func:`workbench.sources.models.fingerprint.fingerprint`.
    """

    name: str
    path: str
    auto_class: str
    num_labels: int | None
    trust_remote_code: bool
    convert_conv1d: bool
    fingerprint: Fingerprint

    @classmethod
    def of(cls, recipe: Recipe, facts: ModelFacts, table: Table) -> Checkpoint:
        """Say what a recipe loads of its base."""
        task, technique = TASKS[recipe.task], get(recipe.technique)
        return cls(
            name=recipe.model,
            path=facts.path,
            auto_class=technique.auto_class(task),
            num_labels=len(table.labels) if technique.adds_head(task) else None,
            trust_remote_code=recipe.trust_remote_code,
            convert_conv1d=recipe.convert_conv1d,
            fingerprint=facts.fingerprint,
        )

    def skeleton(self) -> tuple[PreTrainedModel, Sequence[str]]:
        """Return the model on the meta device, and which of its parameters are drawn anew."""
        with loading(self.name):
            model = shared_skeleton(
                self.path,
                self.auto_class,
                self.num_labels,
                self.trust_remote_code,
                self.convert_conv1d,
                self.fingerprint,
            )
            if self.num_labels is None:
                return model, ()
            return model, find_new_parameters(model, self.path)

    def load(self, quantization: str | None, device: str) -> Base:
        """Load the weights, or take them from memory; see :func:`load_base`."""
        return load_base(
            self.path,
            self.auto_class,
            num_labels=self.num_labels,
            quantization=quantization,
            trust_remote_code=self.trust_remote_code,
            convert_conv1d=self.convert_conv1d,
            device=device,
            name=self.name,
            files=self.fingerprint,
        )


def choose_logits(recipe: Recipe, base: Base) -> tuple[bool, list[str]]:
    """Decide whether logits are computed only where there are labels, with a note if they cannot be."""
    if is_possible(recipe, base.model) and keeps_loss(clone(base, lambda name: False)):
        return True, []
    return False, [EVERY_LOGIT] if is_wanted(recipe, base.model) else []


# -- the facts of a plan, by what they are about: each function returns fields of Plan -------------------


def _base_facts(checkpoint: Checkpoint, facts: ModelFacts, base: Base) -> dict[str, Any]:
    return {
        "model_path": facts.path,
        "model_id": facts.hub_id,
        "model_commit": facts.commit,
        "auto_class": checkpoint.auto_class,
        "new_parameters": list(base.new_parameters),
        "heads": list(base.heads),
        "resizes_head": base.resized,
        "replaces_problem_type": _has_other_problem(base, checkpoint.num_labels),
        "gathers_statistics": bool(layers_with_statistics(base.model)),
        "has_adapter": facts.has_adapter,
        "prequantized": facts.quantization is not None,
    }


def _has_other_problem(base: Base, num_labels: int | None) -> bool:
    problem = getattr(base.model.config, "problem_type", None)
    return num_labels is not None and problem not in (None, SINGLE_LABEL)


def _technique_facts(technique: Technique, adaptation: Adaptation) -> dict[str, Any]:
    return {
        "trainable": technique.trainable,
        "selected": list(adaptation.selected),
        "selector": technique.selection,
        "initializer": technique.initializer,
        "start_rows": START_ROWS if takes_batches(technique.initializer) else 0,
        "saves_difference": technique.saves_difference,
        "after_step": technique.after_step,
        "forward_hook": technique.forward_hook,
        "config_class": technique.config,
        "config": dict(adaptation.config),
    }


def _data_facts(table: Table) -> dict[str, Any]:
    data = {**table.source.to_dict(), "sha256": dict(table.checksums)}
    return {"data": data, "columns": dict(table.columns), "labels": list(table.labels)}


def _input_facts(
    recipe: Recipe, inputs: TaskInputs, adaptation: Adaptation, base: Base
) -> dict[str, Any]:
    technique = adaptation.technique
    peft_class = config_class(technique.name) if technique.config is not None else None
    return {
        "padding_side": padding_side(base.model),
        "mask_positions": counts_positions(recipe, base.model),
        "virtual_labels": virtual_labels(TASKS[recipe.task], peft_class, adaptation.config),
        "max_length": inputs.max_length,
        "max_prompt_length": inputs.max_prompt_length,
        "conversation": dict(inputs.conversation),
        "sets_pad_token": inputs.sets_pad_token,
    }


def _base_notes(recipe: Recipe, facts: ModelFacts) -> list[str]:
    notes = []
    if facts.has_adapter:
        notes.append(ADAPTER_LEFT_OUT)
    if recipe.convert_conv1d:
        notes.append(CONVERTED)
    if facts.quantization:
        notes.append(STORED.format(model=recipe.model, name=facts.quantization))
    return notes
