"""A plan is a recipe with everything looked up: the literal facts of one run.

It is what the run's folder keeps beside the recipe, and all that the exporter needs to print the
run as a script, so it holds plain data only.
"""

from __future__ import annotations

import dataclasses
import importlib.metadata
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch

from workbench.errors import RecipeError
from workbench.recipe import Recipe
from workbench.registry.tasks import TASKS
from workbench.registry.techniques import config_class, get
from workbench.sources.datasets.load import Table
from workbench.sources.lookup import load_data, look_up
from workbench.sources.models.fingerprint import Fingerprint
from workbench.sources.models.folders import WITHOUT_ADAPTER
from workbench.training.adaptation.base_model import Base, clone, load_base, shared_skeleton
from workbench.training.adaptation.build import adaptation_of
from workbench.training.adaptation.heads import find_new_parameters
from workbench.training.adaptation.initializers import takes_rows
from workbench.training.adaptation.optimizer import optimizer_facts
from workbench.training.adaptation.quantize import whole_modules
from workbench.training.adaptation.running_stats import gathering_layers
from workbench.training.inputs.few_shot_plan import prompt_facts
from workbench.training.inputs.label_counts import count_labels
from workbench.training.inputs.limits import (
    START_ROWS,
    choose_rows,
    count_steps,
    counts_positions,
    padding_side,
)
from workbench.training.inputs.processor import virtual_labels
from workbench.training.inputs.task_inputs import TaskInputs
from workbench.training.runtime.quiet_loading import loading
from workbench.training.speedups.apply import computing_notes, labels_some
from workbench.training.speedups.labelled_logits import keeps_loss

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


@dataclass(frozen=True)
class Plan:
    """The facts of one run, as plain data.

    Parameters
    ----------
    recipe : dict
        The recipe with the technique's defaults filled in.
    model_path : str
        Folder of the base.
    model_id, model_commit : str or None
        Its name and commit on the hub, where it came from there.
    auto_class : str
        The class of transformers that loads it.
    new_parameters : list of str
        Parameters that are drawn anew from the seed: the task's head.
    heads : list of str
        Modules beside the backbone, which stay as they are where the base is quantised when it is loaded.
    resizes_head : bool
        Whether the checkpoint has a head for another number of labels.
    trainable : {"adapter", "all", "selected", "nothing"}
        What is trained.
    selected : list of str
        The base's own parameters that are trained, if some of them are.
    selector, initializer, after_step, forward_hook, saves_difference
        See :class:`workbench.registry.technique.Technique`.
    start_rows : int
        Training rows from which the start is made.
    optimizer : dict
        See :func:`workbench.training.adaptation.optimizer.optimizer_facts`; empty where nothing is trained.
    prompt : dict
        See :func:`workbench.training.inputs.few_shot_plan.prompt_facts`; empty where something is trained.
    config_class : str or None
        The PEFT config class.
    config : dict
        Its arguments, in full.
    data : dict
        ``format``, ``train``, ``eval``, ``train_split``, ``config`` and ``revision`` of the data's
        source, and the ``sha256`` of its files by their path.
    columns : dict
        Column of each role.
    labels : list of str
        The labels, in the order of the classifier's outputs.
    padding_side : {"left", "right"}
        Side on which rows with one label are padded.
    mask_positions : bool
        Whether the model is told positions that follow from the attention mask.
    virtual_labels : int
        Virtual tokens for which the labels of each row must leave room.
    max_length, max_steps : int
        Tokens in the longest row, 0 for images; optimizer steps.
    max_prompt_length : int
        Tokens in the longest prompt that answers are generated for; 0 where none are.
    gathers_statistics : bool
        Whether some layers of the base gather running statistics in training.
    labelled_logits : bool
        Whether logits are computed only where there are labels.
    sets_pad_token : bool
        Whether the tokenizer lacks a padding token and borrows the end-of-text token.
    threads : int
        torch's intra-op threads: the order of sums, and so the last bits, depends on them.
    device : str
        Kind of device.
    versions : dict
        Versions of the packages that read, compute and save.
    notes : list of str
        What the user should know about the data.
    fused : int
        How many runs trained together in one pass of their base, this one among them; 0 if it trained
        alone. Its losses are then those of training alone within float tolerance.
    has_adapter : bool
        Whether the base's folder holds an adapter too, which is not loaded.
    prequantized : bool
        Whether the checkpoint is itself stored in the recipe's quantization.
    full_precision_modules : list of str
        Modules of such a checkpoint that must be loaded in full precision, because the task's new ones
        are among them; empty where the checkpoint says enough itself.
    eval_label_counts : dict of str to int
        How often each label occurs in the evaluation rows; empty where the task has no labels.
    """

    recipe: dict[str, Any]
    model_path: str
    model_id: str | None
    model_commit: str | None
    auto_class: str
    new_parameters: list[str]
    heads: list[str]
    resizes_head: bool
    trainable: str
    selected: list[str]
    selector: str | None
    initializer: str
    start_rows: int
    saves_difference: bool
    after_step: str | None
    forward_hook: str | None
    optimizer: dict[str, Any]
    prompt: dict[str, Any]
    config_class: str | None
    config: dict[str, Any]
    data: dict[str, Any]
    columns: dict[str, str]
    labels: list[str]
    padding_side: str
    mask_positions: bool
    virtual_labels: int
    max_length: int
    max_prompt_length: int
    max_steps: int
    gathers_statistics: bool
    labelled_logits: bool
    sets_pad_token: bool
    threads: int
    device: str
    versions: dict[str, str]
    notes: list[str]
    fused: int = 0
    has_adapter: bool = False
    prequantized: bool = False
    full_precision_modules: list[str] = field(default_factory=list)
    eval_label_counts: dict[str, int] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as plain data."""
        return dataclasses.asdict(self)


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
        """What rows are read with; for images their processor."""
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
    found = look_up(recipe, data=data)
    if found.problems:
        raise RecipeError(found.problems)
    facts, table = found.facts, found.table
    recipe = recipe.resolved(facts)
    task, technique = TASKS[recipe.task], get(recipe.technique)
    inputs = TaskInputs.of(recipe, facts, table)
    train_rows, eval_rows = choose_rows(recipe, table)
    trains = technique.trainable != "nothing"
    steps = count_steps(recipe, len(train_rows)) if trains else 0
    device = "cuda" if torch.cuda.is_available() else "cpu"
    auto_class = technique.auto_class(task)
    num_labels = len(table.labels) if technique.adds_head(task) else None
    # What the base's shapes forbid is said before a weight is loaded.
    with loading(recipe.model):
        trust, convert = recipe.trust_remote_code, recipe.convert_conv1d
        named = facts.path, auto_class, num_labels, trust, convert
        shapes = shared_skeleton(*named, facts.fingerprint)
        new_parameters = find_new_parameters(shapes, facts.path) if num_labels is not None else ()
    adaptation = adaptation_of(
        technique,
        shapes,
        recipe.technique_args,
        task_type=task.peft_task_type,
        new_parameters=new_parameters,
        max_steps=steps,
        rows=lambda: inputs.encode(train_rows[:START_ROWS]),
    )
    config = dict(adaptation.config)
    peft_class = config_class(technique.name) if technique.config is not None else None
    base = load_base(
        facts.path,
        auto_class,
        num_labels=num_labels,
        quantization=recipe.quantization,
        trust_remote_code=recipe.trust_remote_code,
        convert_conv1d=recipe.convert_conv1d,
        device=device,
        name=recipe.model,
        files=facts.fingerprint,
    )
    may_label = labels_some(recipe, base.model)
    labelled_logits = may_label and keeps_loss(clone(base, lambda name: False))
    source = table.source
    plan = Plan(
        recipe=recipe.to_dict(),
        model_path=facts.path,
        model_id=facts.hub_id,
        model_commit=facts.commit,
        auto_class=auto_class,
        new_parameters=list(base.new_parameters),
        heads=list(base.heads),
        resizes_head=base.resized,
        trainable=technique.trainable,
        selected=list(adaptation.selected),
        selector=technique.selection,
        initializer=technique.initializer,
        start_rows=START_ROWS if takes_rows(technique.initializer) else 0,
        saves_difference=technique.saves_difference,
        after_step=technique.after_step,
        forward_hook=technique.forward_hook,
        optimizer=optimizer_facts(recipe, technique) if trains else {},
        prompt=prompt_facts(recipe, inputs.processor, train_rows, table),
        config_class=technique.config,
        config=config,
        data={
            "format": source.format,
            "train": source.train,
            "eval": source.eval,
            "train_split": source.train_split,
            "config": source.config,
            "revision": source.revision,
            "sha256": dict(table.checksums),
        },
        columns=dict(inputs.columns),
        labels=list(inputs.labels),
        padding_side=padding_side(base.model),
        mask_positions=counts_positions(recipe, base.model),
        virtual_labels=virtual_labels(task, peft_class, config),
        max_length=inputs.max_length,
        max_prompt_length=inputs.max_prompt_length,
        max_steps=steps,
        gathers_statistics=bool(gathering_layers(base.model)),
        labelled_logits=labelled_logits,
        sets_pad_token=inputs.sets_pad_token,
        threads=torch.get_num_threads(),
        device=device,
        versions={name: importlib.metadata.version(name) for name in PACKAGES},
        notes=[
            *table.notes,
            *([ADAPTER_LEFT_OUT] if facts.has_adapter else []),
            *([CONVERTED] if recipe.convert_conv1d else []),
            *(
                [STORED.format(model=recipe.model, name=facts.quantization)]
                if facts.quantization
                else []
            ),
            *([EVERY_LOGIT] if may_label and not labelled_logits else []),
            *computing_notes(recipe),
        ],
        has_adapter=facts.has_adapter,
        prequantized=facts.quantization is not None,
        full_precision_modules=whole_modules(shapes, new_parameters),
        eval_label_counts=count_labels(task, inputs.columns, inputs.labels, eval_rows),
    )
    return Resolved(plan, recipe, base, inputs, train_rows, eval_rows, facts.fingerprint)
