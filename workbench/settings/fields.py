"""The settings of a run: declared once each, read from YAML and written to it, changed and compared.

They are values and nothing more: :mod:`workbench.settings.checks` says what they may be, and
:mod:`workbench.sources` finds what they name.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, get_type_hints

import yaml

from workbench.errors import Problem, RecipeError, did_you_mean
from workbench.registry.quantizations import QUANTIZATIONS
from workbench.registry.tasks import TASKS
from workbench.settings.declare import setting
from workbench.settings.yaml_format import Dumper, read_mapping

SCHEDULES = ("linear", "cosine", "constant", "constant_with_warmup", "polynomial")
# transformers' names, and what each is called in torch.optim.
OPTIMIZERS = {"adamw_torch": "AdamW", "sgd": "SGD", "rmsprop": "RMSprop"}
# Settings that change how the model computes, in the order in which they are applied: each has a
# function use_… in workbench.training.speedups.settings.
COMPUTING = ("padding_free", "gradient_checkpointing", "torch_compile", "bf16", "onednn")


# What is bundled, by the names that earlier versions gave it: their recipes are read all the same.
_RENAMED = {"hamlet-3m": "village-3m", "hamlet-qa": "village-qa"}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of one run, as a value; see :class:`workbench.recipe.Recipe`.

    Each field is explained in its ``metadata["help"]``.
    """

    name: str | None = setting(
        None,
        "run",
        "Name of the run, and of its folder.",
        empty="made from the technique and the data",
    )
    model: str = setting(
        "village-3m", "model", "Base model: a bundled name, a local folder or a hub id."
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
        "Quantize the frozen base to 4 or 8 bit.",
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
        "Folder with weights that a run of the same technique has trained, to start from.",
        empty="new weights",
    )
    task: str = setting(
        "classify", "data", "What the model should learn to do.", choices=tuple(TASKS)
    )
    data: str = setting(
        "reviews",
        "data",
        "Data: a bundled name, one or several files (CSV, TSV, JSON, JSONL, Parquet, text), a pattern "
        "such as part-*.jsonl, a folder, a hub id, or a table from the notebook.",
    )
    eval_data: str | None = setting(
        None,
        "data",
        "Data to evaluate on.",
        empty="its test split, or part of its rows",
    )
    data_revision: str | None = setting(
        None, "data", "Branch, tag or commit of data on the hub.", empty="the main branch"
    )
    encoding: str | None = setting(
        None,
        "data",
        "Encoding of files that are not UTF-8, such as cp1252 or utf-16.",
        empty="UTF-8",
    )
    skip_bad_rows: bool = setting(
        False,
        "data",
        "Leave out rows that lack a value or cannot be read, and say how many, instead of refusing them.",
        line="Leave out bad rows instead of refusing them.",
    )
    text_column: str | None = setting(
        None, "data", "Column with the text.", empty="detected by its name"
    )
    label_column: str | None = setting(
        None, "data", "Column with the label.", empty="detected by its name"
    )
    prompt_column: str | None = setting(
        None, "data", "Column with the prompt.", empty="detected by its name"
    )
    completion_column: str | None = setting(
        None, "data", "Column with the answer.", empty="detected by its name"
    )
    tokens_column: str | None = setting(
        None,
        "data",
        "Column with the words, as a list or separated by spaces.",
        empty="detected by its name",
    )
    image_column: str | None = setting(
        None,
        "data",
        "Column with the image, or its path from the data's file.",
        empty="detected by its name",
    )
    tags_column: str | None = setting(
        None, "data", "Column with a tag for each word.", empty="detected by its name"
    )
    eval_fraction: float = setting(
        0.1,
        "data",
        "Fraction of the training rows held out for evaluation when there is no test split.",
        gt=0,
        lt=1,
    )
    max_train_samples: int | None = setting(
        None,
        "data",
        "Train only on this many rows, the first ones of the data.",
        empty="all rows",
        unit="rows",
        ge=1,
    )
    max_eval_samples: int | None = setting(
        None,
        "data",
        "Evaluate only on this many rows, the first ones of the data.",
        empty="all rows",
        unit="rows",
        ge=1,
    )
    max_length: int | None = setting(
        None,
        "data",
        "Maximum length of a row; longer rows are truncated. Without it, rows that are longer than the "
        "context of the base are an error.",
        empty="the base's context length",
        unit="tokens",
        ge=8,
    )
    max_new_tokens: int = setting(
        24,
        "data",
        "Maximum number of tokens that an evaluation generates for an answer.",
        unit="tokens",
        ge=1,
    )
    technique: str = setting("lora", "technique", "The technique that adapts the base.")
    technique_args: Mapping[str, Any] = setting(
        {}, "technique", "Arguments of the technique, with PEFT's names."
    )
    learning_rate: float | None = setting(
        None,
        "training",
        "Peak learning rate.",
        empty="the technique's default, chosen on the small bundled base and lowered for wider "
        "base models",
        line="Peak learning rate of the schedule.",
        gt=0,
    )
    max_steps: int | None = setting(
        None,
        "training",
        "Number of optimizer steps.",
        empty="as many as num_train_epochs makes",
        unit="steps",
        ge=1,
    )
    num_train_epochs: float = setting(
        3,
        "training",
        "Number of passes over the training rows; max_steps, if set, decides instead.",
        line="Passes over the training rows.",
        unit="epochs",
        gt=0,
    )
    per_device_train_batch_size: int = setting(
        8,
        "training",
        "Rows per batch in training: more need more memory and make smoother, fewer steps.",
        line="Rows in each training batch.",
        unit="rows",
        ge=1,
    )
    gradient_accumulation_steps: int = setting(
        1,
        "training",
        "Batches whose gradients are added up before an optimizer step.",
        unit="batches",
        ge=1,
    )
    per_device_eval_batch_size: int = setting(
        32, "training", "Rows per batch in evaluations.", unit="rows", ge=1
    )
    cache_frozen_prefix: bool = setting(
        False,
        "training",
        "Compute the frozen blocks below the first trained one only once for each row, by "
        "itself and without dropout, and store their outputs: much faster where only upper "
        "layers or the head are trained.",
    )
    lr_scheduler_type: str = setting(
        "linear", "training", "Schedule of the learning rate over the run.", choices=SCHEDULES
    )
    warmup_steps: int = setting(
        0,
        "training",
        "Number of first steps in which the learning rate rises.",
        unit="steps",
        ge=0,
    )
    optim: str = setting("adamw_torch", "training", "The optimizer.", choices=tuple(OPTIMIZERS))
    weight_decay: float = setting(0.0, "training", "Decoupled weight decay.", ge=0)
    max_grad_norm: float = setting(
        1.0, "training", "Clip gradients to this norm; inf turns clipping off.", gt=0, infinite=True
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
        50, "training", "Number of steps between two evaluations.", unit="steps", ge=1
    )
    eval_on_start: bool = setting(False, "training", "Also evaluate before the first step.")
    seed: int = setting(0, "training", "Seed of all random numbers in the run.", ge=0, lt=2**32)

    def __post_init__(self) -> None:
        for name in ("model", "data", "eval_data", "start_from"):
            if isinstance(getattr(self, name), os.PathLike):
                object.__setattr__(self, name, os.fspath(getattr(self, name)))
        if isinstance(self.technique_args, Mapping):
            object.__setattr__(self, "technique_args", dict(self.technique_args))

    def __hash__(self) -> int:
        return hash(self.to_yaml())

    # -- change and compare -------------------------------------------------------------------

    def replace(self, **changes: Any) -> Self:
        """Return a copy with some settings changed.

        Parameters
        ----------
        **changes
            Settings of the recipe; all other names are arguments of the technique. Changing the technique
            removes the arguments of the old one.

        Examples
        --------
        >>> Settings().replace(technique="ia3").technique_args
        {}
        """
        fields = {key: value for key, value in changes.items() if key in FIELDS}
        args = {key: value for key, value in changes.items() if key not in FIELDS}
        if "technique_args" not in fields:
            same = fields.get("technique", self.technique) == self.technique
            fields["technique_args"] = self.technique_args if same else {}
        if args:
            before = fields["technique_args"]
            fields["technique_args"] = {**(before if isinstance(before, Mapping) else {}), **args}
        return dataclasses.replace(self, **fields)

    def diff(self, other: Settings) -> dict[str, tuple[Any, Any]]:
        """Return the settings that differ, as ``{name: (mine, theirs)}``."""
        mine, theirs = self.flat(), other.flat()
        names = list(dict.fromkeys([*mine, *theirs]))
        return {
            name: (mine.get(name), theirs.get(name))
            for name in names
            if mine.get(name) != theirs.get(name)
        }

    def flat(self) -> dict[str, Any]:
        """Return all settings in one dictionary, including the technique's arguments."""
        settings: dict[str, Any] = {}
        for name in FIELDS:
            value = getattr(self, name)
            if name == "technique_args" and isinstance(value, Mapping):
                settings.update((key, arg) for key, arg in value.items() if key not in FIELDS)
            else:
                settings[name] = value
        return settings

    # -- YAML -----------------------------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain data."""
        return {name: getattr(self, name) for name in FIELDS}

    def to_yaml(self, path: str | os.PathLike | None = None) -> str:
        """Return the recipe as YAML; what is left open (None) is left out where that is the default.

        Parameters
        ----------
        path : path, optional
            File to which the YAML is written too.
        """
        settings = {
            name: value
            for name, value in self.to_dict().items()
            if value is not None or FIELDS[name].default is not None
        }
        text = yaml.dump(settings, Dumper=Dumper, sort_keys=False, allow_unicode=True)
        if path is not None:
            Path(path).write_text(text, encoding="utf-8")
        return text

    @classmethod
    def from_yaml(cls, source: str | os.PathLike) -> Self:
        """Read a recipe from a YAML file, or from YAML text (text has a line break or a colon).

        Raises
        ------
        RecipeError
            The file is missing, is not YAML, is not a mapping or has unknown names.
        """
        return cls.from_dict(read_mapping(source))

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> Self:
        """Make a recipe from plain data.

        Raises
        ------
        RecipeError
            There are unknown names.
        """
        unknown = [
            Problem(str(name), "a setting of a recipe", name, did_you_mean(str(name), FIELDS))
            for name in settings
            if name not in FIELDS
        ]
        if unknown:
            raise RecipeError(unknown)
        renamed = {
            name: _RENAMED[value]
            for name, value in settings.items()
            if name in ("model", "data", "eval_data")
            and isinstance(value, str)
            and value in _RENAMED
        }
        return cls(**{**settings, **renamed})


FIELDS: dict[str, dataclasses.Field] = {spec.name: spec for spec in dataclasses.fields(Settings)}
HINTS: dict[str, Any] = get_type_hints(Settings)
