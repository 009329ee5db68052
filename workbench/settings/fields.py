"""The settings of a run: declared once each, read from YAML and written to it, changed and compared.

They are values and nothing more: what they may be is told by :mod:`workbench.settings.checks`, and
what they name is found by :mod:`workbench.sources`.
"""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self, get_type_hints

import yaml

from workbench.errors import Problem, RecipeError, did_you_mean
from workbench.registry.quantizations import QUANTIZATIONS
from workbench.registry.tasks import TASKS

SCHEDULES = ("linear", "cosine", "constant", "constant_with_warmup", "polynomial")
# transformers' names, and what each is called in torch.optim.
OPTIMIZERS = {"adamw_torch": "AdamW", "sgd": "SGD", "rmsprop": "RMSprop"}
# Settings that change how the model computes, in the order in which they are put into it: each has a
# function use_… in workbench.training.speedups.settings.
COMPUTING = ("padding_free", "gradient_checkpointing", "torch_compile", "bf16", "onednn")


def knob(default: Any, group: str, help: str, **limits: Any) -> Any:
    """Declare a field of the recipe once: form, check, help text and CLI derive from this.

    ``limits`` may hold ``ge``, ``gt``, ``le``, ``lt`` (numbers), ``choices`` (a sequence) and
    ``infinite`` (true where inf means no limit).
    """
    metadata = {"group": group, "help": help, **limits}
    if isinstance(default, dict):
        return field(default_factory=default.copy, metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of one run, as a value; see :class:`workbench.recipe.Recipe`.

    Each field's meaning stands in its ``metadata["help"]``.
    """

    name: str | None = knob(
        None, "run", "What to call the run; None makes a name from the technique and the data."
    )
    model: str = knob(
        "hamlet-3m", "model", "Base model: a bundled name, a local folder or a hub id."
    )
    revision: str | None = knob(None, "model", "Branch, tag or commit of a base model on the hub.")
    trust_remote_code: bool = knob(
        False, "model", "Run Python code that comes with the model: only if you trust its author."
    )
    quantization: str | None = knob(
        None,
        "model",
        "Store the frozen base in fewer bits; None leaves it to the checkpoint, then to the technique.",
        choices=tuple(QUANTIZATIONS),
    )
    convert_conv1d: bool = knob(
        False,
        "model",
        "Rewrite Conv1D layers, which GPT-2 has, as equal Linear ones: some techniques wrap no others.",
    )
    start_from: str | None = knob(
        None,
        "model",
        "Folder of weights that a run of the same technique had learnt, to go on from; None starts anew.",
    )
    task: str = knob("classify", "data", "What is learnt.", choices=tuple(TASKS))
    data: str = knob(
        "reviews",
        "data",
        "Data: a bundled name, a file (CSV, TSV, JSON, JSONL, Parquet), a folder, a hub id, "
        "or a DataFrame or Dataset from the notebook.",
    )
    eval_data: str | None = knob(
        None, "data", "Data to evaluate on; None takes the data's own test split, else splits."
    )
    data_revision: str | None = knob(None, "data", "Branch, tag or commit of data on the hub.")
    text_column: str | None = knob(None, "data", "Column with the text; None finds it.")
    label_column: str | None = knob(None, "data", "Column with the label; None finds it.")
    prompt_column: str | None = knob(None, "data", "Column with the prompt; None finds it.")
    completion_column: str | None = knob(None, "data", "Column with the answer; None finds it.")
    tokens_column: str | None = knob(
        None, "data", "Column with the words, as a list or with blanks between; None finds it."
    )
    image_column: str | None = knob(
        None, "data", "Column with the image, or its path from the data's file; None finds it."
    )
    tags_column: str | None = knob(None, "data", "Column with a tag for each word; None finds it.")
    eval_fraction: float = knob(
        0.1, "data", "Share of rows kept for evaluation when there is no test split.", gt=0, lt=1
    )
    max_train_samples: int | None = knob(None, "data", "Train on the first so many rows.", ge=1)
    max_eval_samples: int | None = knob(None, "data", "Evaluate on the first so many rows.", ge=1)
    max_length: int | None = knob(
        None,
        "data",
        "Longest row in tokens; longer ones are cut there. None: the context, which all must fit.",
        ge=8,
    )
    max_new_tokens: int = knob(
        24, "data", "Longest answer that an evaluation generates, in tokens.", ge=1
    )
    technique: str = knob("lora", "technique", "How the base is adapted.")
    technique_args: Mapping[str, Any] = knob(
        {}, "technique", "The technique's arguments, under PEFT's names."
    )
    learning_rate: float | None = knob(
        None,
        "training",
        "Peak learning rate; None takes the technique's own, lowered for wider base models.",
        gt=0,
    )
    max_steps: int | None = knob(
        None, "training", "Optimizer steps; None trains num_train_epochs.", ge=1
    )
    num_train_epochs: float = knob(3, "training", "Passes over the training rows.", gt=0)
    per_device_train_batch_size: int = knob(8, "training", "Rows in a forward pass.", ge=1)
    gradient_accumulation_steps: int = knob(
        1, "training", "Forward passes added up before an optimizer step.", ge=1
    )
    per_device_eval_batch_size: int = knob(
        32, "training", "Rows in a forward pass of the evaluation.", ge=1
    )
    cache_frozen_prefix: bool = knob(
        False,
        "training",
        "Compute the blocks under the first trained one once for each row, alone and without dropout, "
        "and keep what they return: much faster where only upper layers or the head learn.",
    )
    lr_scheduler_type: str = knob(
        "linear", "training", "How the learning rate moves over the run.", choices=SCHEDULES
    )
    warmup_steps: int = knob(0, "training", "Steps in which the learning rate rises.", ge=0)
    optim: str = knob("adamw_torch", "training", "The optimizer.", choices=tuple(OPTIMIZERS))
    weight_decay: float = knob(0.0, "training", "Decoupled weight decay.", ge=0)
    max_grad_norm: float = knob(
        1.0, "training", "Clip gradients to this norm; inf leaves them.", gt=0, infinite=True
    )
    bf16: bool = knob(
        False,
        "training",
        "Multiply matrices in bfloat16 (autocast), which changes the losses: faster and smaller where "
        "the processor has AVX512-BF16 or AMX, or the GPU has it; weights stay in float32.",
    )
    onednn: bool = knob(
        False,
        "training",
        "Multiply matrices by oneDNN instead of the library that PyTorch takes (mostly MKL), which "
        "changes the losses' last bits: much faster on some processors, such as AMD's with AVX-512.",
    )
    gradient_checkpointing: bool = knob(
        False,
        "training",
        "Keep only what goes into each layer and compute the rest again in the backward pass: less "
        "memory for about a third more time; the losses stay the same.",
    )
    torch_compile: bool = knob(
        False,
        "training",
        "Compile the layers with torch.compile, which changes the losses' last bits: the first steps "
        "take long, those after them less.",
    )
    padding_free: bool = knob(
        False,
        "training",
        "Train on a batch's rows behind one another instead of padded to the longest, each attending to "
        "itself only: the same losses but for rounding, in less time where lengths differ.",
    )
    eval_steps: int = knob(50, "training", "Evaluate after every so many steps.", ge=1)
    eval_on_start: bool = knob(False, "training", "Evaluate before the first step too.")
    seed: int = knob(0, "training", "Seed of everything random in the run.", ge=0, lt=2**32)

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

        Names that are not fields of the recipe are arguments of the technique. Changing the
        technique drops the old one's arguments.

        Examples
        --------
        >>> Settings().replace(technique="ia3").technique_args
        {}
        """
        own = {key: value for key, value in changes.items() if key in FIELDS}
        args = {key: value for key, value in changes.items() if key not in FIELDS}
        if "technique_args" not in own:
            same = own.get("technique", self.technique) == self.technique
            own["technique_args"] = self.technique_args if same else {}
        if args:
            given = own["technique_args"]
            own["technique_args"] = {**(given if isinstance(given, Mapping) else {}), **args}
        return dataclasses.replace(self, **own)

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
        """Return every setting in one dictionary, the technique's arguments among them."""
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
        """Return the recipe as YAML, and write it to ``path`` if one is given."""
        text = yaml.safe_dump(self.to_dict(), sort_keys=False, allow_unicode=True)
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
        text = os.fspath(source)
        if isinstance(source, os.PathLike) or not re.search(r":\s|\n", source):
            path = Path(source)
            if not path.is_file():
                raise RecipeError([Problem("recipe", "an existing YAML file", str(source))])
            try:
                text = path.read_text(encoding="utf-8")
            except UnicodeDecodeError as error:
                raise RecipeError(
                    [Problem("recipe", "a YAML file in UTF-8", str(source))]
                ) from error
        try:
            settings = yaml.load(text, Loader=_Loader)
        except yaml.YAMLError as error:
            where = getattr(error, "problem_mark", None)
            hint = f"look at line {where.line + 1}" if where else ""
            raise RecipeError([Problem("recipe", "valid YAML", str(source), hint)]) from error
        if not isinstance(settings, dict):
            raise RecipeError([Problem("recipe", "a mapping of names to values", settings)])
        return cls.from_dict(settings)

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> Self:
        """Make a recipe from plain data; unknown names raise RecipeError."""
        unknown = [
            Problem(str(name), "a setting of a recipe", name, did_you_mean(str(name), FIELDS))
            for name in settings
            if name not in FIELDS
        ]
        if unknown:
            raise RecipeError(unknown)
        return cls(**settings)


FIELDS: dict[str, dataclasses.Field] = {spec.name: spec for spec in dataclasses.fields(Settings)}
HINTS: dict[str, Any] = get_type_hints(Settings)


class _Loader(yaml.SafeLoader):
    """PyYAML reads ``1e-3`` as a word, which YAML 1.2 and every reader take for a number."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(\d+(\.\d*)?|\.\d+)[eE][-+]?\d+$"),
    list("-+.0123456789"),
)


def read_value(text: str) -> Any:
    """Read one value as a recipe's file would.

    Examples
    --------
    >>> read_value("[1e-4, 3]")
    [0.0001, 3]
    """
    try:
        return yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as error:
        raise RecipeError([Problem("value", "valid YAML", text)]) from error
