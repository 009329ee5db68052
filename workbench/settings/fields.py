"""The settings of a run, declared once each.

They are values and nothing more: :mod:`workbench.settings.checks` says what they may be, and
:mod:`workbench.sources` finds what they name.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_type_hints

from workbench.registry.quantizations import QUANTIZATIONS
from workbench.settings.as_data import AsData
from workbench.settings.data_fields import DataSettings
from workbench.settings.declare import setting

SCHEDULES = ("linear", "cosine", "constant", "constant_with_warmup", "polynomial")
# transformers' names, and what each is called in torch.optim.
OPTIMIZERS = {"adamw_torch": "AdamW", "sgd": "SGD", "rmsprop": "RMSprop"}
# Settings that change how the model computes, in the order in which they are applied: each has a
# function use_… in workbench.training.speedups.settings.
COMPUTING = ("padding_free", "gradient_checkpointing", "torch_compile", "bf16", "onednn")


@dataclass(frozen=True, kw_only=True)
class ModelSettings(AsData):
    """The base model that is adapted, and how it is loaded."""

    name: str | None = setting(
        None,
        "run",
        "Name of the run, and of its folder.",
        empty="made from the technique and the data",
    )
    model: str = setting(
        "village-3m",
        "model",
        "Base model, which the technique adapts: a bundled name, a local folder or a hub id.",
    )
    revision: str | None = setting(
        None,
        "model",
        "Branch, tag or commit of a base model on the hub.",
        empty="the main branch",
    )
    trust_remote_code: bool = setting(
        False, "model", "Run Python code that comes with the model: only if you trust its author."
    )
    quantization: str | None = setting(
        None,
        "model",
        "Load the frozen base in 4 bit (nf4, fp4) or 8 bit (int8, int8_torchao) instead of 32 bit: "
        "needs less memory, and changes what the base computes a little.",
        empty="set by base or technique",
        choices=tuple(QUANTIZATIONS),
    )
    convert_conv1d: bool = setting(
        False,
        "model",
        "Replace Conv1D layers, as in GPT-2, by equivalent Linear layers: some techniques need "
        "Linear layers.",
    )
    start_from: str | None = setting(
        None,
        "model",
        "Folder with weights that a run of the same technique has saved: training starts from them, "
        "with a new optimizer and schedule.",
        empty="new weights",
    )


@dataclass(frozen=True, kw_only=True)
class TrainingSettings(AsData):
    """The technique that adapts it, and how that is trained."""

    technique: str = setting(
        "lora", "technique", "The technique that adapts the base, such as LoRA."
    )
    technique_args: Mapping[str, Any] = setting(
        {}, "technique", "Arguments of the technique, with PEFT's names."
    )
    learning_rate: float | None = setting(
        None,
        "training",
        "Peak learning rate, which scales each update of the weights: a higher one learns faster, and "
        "makes the loss diverge if it is too high.",
        empty="the technique's default, chosen on the small bundled base and lowered for wider "
        "base models",
        line="Peak learning rate of the schedule.",
        gt=0,
    )
    max_steps: int | None = setting(
        None,
        "training",
        "Number of optimizer steps, each on one effective batch; more steps train for longer. If it "
        "is set, num_train_epochs is not used.",
        empty="as many as num_train_epochs makes",
        unit="steps",
        ge=1,
    )
    num_train_epochs: float = setting(
        3,
        "training",
        "Number of passes over the training rows, unless max_steps is set: more train for longer, and "
        "overfit if there are too many.",
        line="Passes over the training rows.",
        unit="epochs",
        gt=0,
    )
    per_device_train_batch_size: int = setting(
        8,
        "training",
        "Rows that go through the model together in training: more need more memory, make gradients less "
        "noisy and an epoch fewer steps. Effective batch size = this x gradient_accumulation_steps.",
        line="Rows in each training batch.",
        unit="rows",
        ge=1,
    )
    gradient_accumulation_steps: int = setting(
        1,
        "training",
        "Number of batches whose gradients are accumulated before each optimizer step. Effective batch "
        "size = per_device_train_batch_size x this: more make the effective batch larger without more "
        "memory, and each step takes longer.",
        unit="batches",
        ge=1,
    )
    per_device_eval_batch_size: int = setting(
        32,
        "training",
        "Rows that go through the model together in evaluations: more are faster and need more memory; "
        "the metric stays the same.",
        unit="rows",
        ge=1,
    )
    cache_frozen_prefix: bool = setting(
        False,
        "training",
        "Compute the frozen blocks below the first trained one only once for each row, and reuse their "
        "outputs in later epochs and evaluations. Much faster where only upper layers or the head are "
        "trained; it takes memory for the outputs and turns off dropout in those blocks.",
    )
    lr_scheduler_type: str = setting(
        "linear",
        "training",
        "Schedule of the learning rate over the run: linear, cosine and polynomial let it fall from its "
        "peak towards 0, the constant ones keep it.",
        choices=SCHEDULES,
    )
    warmup_steps: int = setting(
        0,
        "training",
        "Number of first optimizer steps in which the learning rate rises from 0 to its peak: more make "
        "the start gentler.",
        unit="steps",
        ge=0,
    )
    optim: str = setting(
        "adamw_torch",
        "training",
        "Optimizer, which updates the weights by their gradients. AdamW (adamw_torch) is usual and stores "
        "two numbers per trained parameter, RMSprop one, SGD none; SGD needs a higher learning rate.",
        choices=tuple(OPTIMIZERS),
    )
    weight_decay: float = setting(
        0.0,
        "training",
        "How much each optimizer step shrinks the trained weights, as a multiple of the learning rate: "
        "a higher one regularizes more; 0 turns it off.",
        ge=0,
    )
    max_grad_norm: float = setting(
        1.0,
        "training",
        "Gradient clipping: gradients with a larger norm are scaled down to it. Lower values limit "
        "updates more; inf turns clipping off.",
        gt=0,
        infinite=True,
    )
    bf16: bool = setting(
        False,
        "training",
        "Multiply matrices in bfloat16 (autocast); weights stay in float32. This changes the "
        "losses; it is faster and needs less memory where the processor has AVX512-BF16 or "
        "AMX, or the GPU has bfloat16.",
    )
    onednn: bool = setting(
        False,
        "training",
        "Multiply matrices with oneDNN instead of PyTorch's default library (mostly MKL). This "
        "changes the last bits of the losses; it is much faster on some processors, such as "
        "AMD's with AVX-512.",
    )
    gradient_checkpointing: bool = setting(
        False,
        "training",
        "Store only the inputs of each layer and compute the rest again in the backward pass: "
        "less memory for about a third more time; the losses stay the same.",
    )
    torch_compile: bool = setting(
        False,
        "training",
        "Compile the layers with torch.compile. This changes the last bits of the losses; the "
        "first steps take long, later steps are faster.",
    )
    padding_free: bool = setting(
        False,
        "training",
        "Concatenate the rows of a batch instead of padding them; each row attends only to "
        "itself. The losses are the same except for rounding; training is faster where lengths "
        "differ.",
    )
    eval_steps: int = setting(
        50,
        "training",
        "Number of optimizer steps between two evaluations: more make the run faster and its evaluation "
        "curve coarser.",
        unit="steps",
        ge=1,
    )
    eval_on_start: bool = setting(
        False, "training", "Also evaluate before the first step, to see what training gains."
    )
    seed: int = setting(
        0,
        "training",
        "Seed of all random numbers in the run, such as new weights, the order of rows and dropout. Runs "
        "that differ only in it show how much results vary by chance.",
        ge=0,
        lt=2**32,
    )


@dataclass(frozen=True, kw_only=True)
class Settings(TrainingSettings, DataSettings, ModelSettings):
    """The settings of one run, as a value; see :class:`workbench.recipe.Recipe`.

    Each field is explained in its ``metadata["help"]``. They are in the order of the last base first:
    the model, the data, the training.
    """

    def __post_init__(self) -> None:
        for name in ("model", "data", "eval_data", "start_from"):
            if isinstance(getattr(self, name), os.PathLike):
                object.__setattr__(self, name, os.fspath(getattr(self, name)))
        if isinstance(self.technique_args, Mapping):
            object.__setattr__(self, "technique_args", dict(self.technique_args))

    def __hash__(self) -> int:
        return hash(self.to_yaml())


FIELDS: dict[str, dataclasses.Field] = {spec.name: spec for spec in dataclasses.fields(Settings)}
HINTS: dict[str, Any] = get_type_hints(Settings)
