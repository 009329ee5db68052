"""The techniques that can be picked: one entry each, in one shape.

An entry says what a technique is and which few knobs matter. It does not list the technique's
arguments: those are the fields of its PEFT config class, from which names, types, defaults and help
are read when they are needed (:func:`arguments`), so no second list of them exists.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, get_type_hints

from workbench.catalog.tasks import TASKS, task_of
from workbench.checks import value_problems
from workbench.errors import Problem, did_you_mean

if TYPE_CHECKING:
    from workbench.recipe import Recipe


@dataclass(frozen=True)
class Knob:
    """A main argument: its name in PEFT, a default that works and a range worth exploring.

    ``low`` is also the least value that is accepted; ``high`` bounds the slider only.
    """

    name: str
    default: Any
    low: float | None = None
    high: float | None = None
    choices: tuple[Any, ...] | None = None
    strict: bool = False

    @property
    def limits(self) -> dict[str, Any]:
        """What :func:`workbench.checks.value_problems` checks."""
        if self.choices is not None:
            return {"choices": self.choices}
        if self.low is None:
            return {}
        return {"gt" if self.strict else "ge": self.low}


@dataclass(frozen=True)
class Paper:
    """Where a technique was first described."""

    title: str
    year: int
    arxiv: str


@dataclass(frozen=True)
class Technique:
    """One way to adapt a frozen base.

    Parameters
    ----------
    name, title, family, changes : str
        As typed, as shown, the group it stands in, and one sentence on what it changes.
    learning_rate : float
        A peak learning rate that works on the bundled base, used where the recipe gives none.
    config : str or None
        The PEFT config class; None when the base's own parameters are trained.
    fixed : mapping
        The config's arguments that make it this technique.
    knobs : tuple of Knob
        Its main arguments.
    trains : {"adapter", "all", "head"}
        What is trained: what PEFT injects, everything, or only the task's new head.
    targets : bool
        Whether it wraps layers, so that it wants ``target_modules``.
    tasks : tuple of str
        The tasks that it serves.
    quantization : str or None
        How the base is stored, unless the recipe says otherwise.
    quantizable : bool
        Whether the base may be quantised.
    merges : bool
        Whether what was learnt can be merged into the base.
    paper : Paper or None
        Its source.
    """

    name: str
    title: str
    family: str
    changes: str
    learning_rate: float
    config: str | None = None
    fixed: Mapping[str, Any] = field(default_factory=dict)
    knobs: tuple[Knob, ...] = ()
    trains: str = "adapter"
    targets: bool = False
    tasks: tuple[str, ...] = tuple(TASKS)
    quantization: str | None = None
    quantizable: bool = True
    merges: bool = False
    paper: Paper | None = None

    def defaults(self) -> dict[str, Any]:
        """Return the main knobs' values when the recipe gives none."""
        return {knob.name: knob.default for knob in self.knobs}


_LORA_KNOBS = (
    Knob("r", 8, 1, 64),
    Knob("lora_alpha", 16, 1, 128),
    Knob("lora_dropout", 0.0, 0.0, 0.5),
)
_LORA_PAPER = Paper("LoRA: Low-Rank Adaptation of Large Language Models", 2021, "2106.09685")

TECHNIQUES: dict[str, Technique] = {
    technique.name: technique
    for technique in (
        Technique(
            name="lora",
            title="LoRA",
            family="low-rank",
            changes="Adds to each linear layer the product of two thin matrices of rank r.",
            learning_rate=3e-3,
            config="LoraConfig",
            knobs=_LORA_KNOBS,
            targets=True,
            merges=True,
            paper=_LORA_PAPER,
        ),
        Technique(
            name="dora",
            title="DoRA",
            family="low-rank",
            changes="LoRA on each weight's direction, and a learnt length for each of its columns.",
            learning_rate=3e-3,
            config="LoraConfig",
            fixed={"use_dora": True},
            knobs=_LORA_KNOBS,
            targets=True,
            merges=True,
            paper=Paper("DoRA: Weight-Decomposed Low-Rank Adaptation", 2024, "2402.09353"),
        ),
        Technique(
            name="qlora",
            title="QLoRA",
            family="low-rank",
            changes="LoRA over a base whose weights are stored in 4 bits (nf4).",
            learning_rate=3e-3,
            config="LoraConfig",
            knobs=_LORA_KNOBS,
            targets=True,
            quantization="nf4",
            merges=True,
            paper=Paper("QLoRA: Efficient Finetuning of Quantized LLMs", 2023, "2305.14314"),
        ),
        Technique(
            name="ia3",
            title="IA³",
            family="scaling",
            changes="Learns one factor for each feature of the keys, values and feed-forward.",
            learning_rate=2e-2,
            config="IA3Config",
            knobs=(Knob("init_ia3_weights", True, choices=(True, False)),),
            targets=True,
            merges=True,
            paper=Paper(
                "Few-Shot Parameter-Efficient Fine-Tuning is Better and Cheaper than "
                "In-Context Learning",
                2022,
                "2205.05638",
            ),
        ),
        Technique(
            name="prompt_tuning",
            title="Prompt tuning",
            family="prompt",
            changes="Puts a few learnt vectors before the text's own embeddings.",
            learning_rate=3e-2,
            config="PromptTuningConfig",
            knobs=(
                Knob("num_virtual_tokens", 16, 1, 100),
                Knob("prompt_tuning_init", "RANDOM", choices=("RANDOM", "SAMPLE_VOCAB")),
            ),
            paper=Paper(
                "The Power of Scale for Parameter-Efficient Prompt Tuning", 2021, "2104.08691"
            ),
        ),
        Technique(
            name="prefix_tuning",
            title="Prefix tuning",
            family="prompt",
            changes="Gives the attention of each layer a few learnt keys and values to look at.",
            learning_rate=1e-2,
            config="PrefixTuningConfig",
            knobs=(
                Knob("num_virtual_tokens", 16, 1, 100),
                Knob("prefix_projection", False, choices=(False, True)),
            ),
            paper=Paper(
                "Prefix-Tuning: Optimizing Continuous Prompts for Generation", 2021, "2101.00190"
            ),
        ),
        Technique(
            name="head_only",
            title="Head only",
            family="selective",
            changes="Trains the new classification head and nothing below it.",
            learning_rate=1e-2,
            trains="head",
            tasks=tuple(task.name for task in TASKS.values() if task.labels),
        ),
        Technique(
            name="full",
            title="Full fine-tuning",
            family="yardstick",
            changes="Trains every parameter of a private copy of the base.",
            learning_rate=3e-4,
            trains="all",
            quantizable=False,
            merges=True,
        ),
    )
}


@functools.cache
def config_class(name: str) -> type:
    """Return the PEFT config class of a technique (imports peft)."""
    import peft

    config = TECHNIQUES[name].config
    if config is None:
        raise ValueError(f"{name} has no PEFT config")
    return getattr(peft, config)


@functools.cache
def arguments(name: str) -> dict[str, tuple[dataclasses.Field, Any]]:
    """Return the arguments that a user may set, as ``{name: (dataclass field, type hint)}``.

    Read from the technique's PEFT config class (imports peft). What the workbench sets by itself
    (task type, base name, inference mode) and what makes the technique is left out.
    """
    technique = TECHNIQUES[name]
    if technique.config is None:
        return {}
    cls = config_class(name)
    hints = get_type_hints(cls)
    return {
        spec.name: (spec, hints[spec.name])
        for spec in dataclasses.fields(cls)
        if spec.init and spec.name not in _SET_BY_US and spec.name not in technique.fixed
    }


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


def problems_of(recipe: Recipe) -> list[Problem]:
    """Return what is wrong with a recipe's technique, its arguments and whether they go together.

    peft is imported only when an argument is given that is not one of the main knobs.
    """
    technique = TECHNIQUES.get(recipe.technique) if isinstance(recipe.technique, str) else None
    if technique is None:
        hint = did_you_mean(str(recipe.technique), TECHNIQUES)
        return [Problem("technique", "a known technique", recipe.technique, hint)]
    found = []
    if task_of(recipe.task) and recipe.task not in technique.tasks:
        found.append(
            Problem(
                "technique",
                f"one that serves the task {recipe.task!r}",
                recipe.technique,
                f"{technique.title} serves {', '.join(technique.tasks)}",
            )
        )
    if recipe.quantization is not None and not technique.quantizable:
        found.append(
            Problem(
                "quantization",
                f"None with {technique.title}",
                recipe.quantization,
                "its weights are trained, so they cannot be stored in fewer bits",
            )
        )
    args = recipe.technique_args
    if not isinstance(args, Mapping):
        return [*found, Problem("technique_args", "a mapping of names to values", args)]
    knobs = {knob.name: knob for knob in technique.knobs}
    for name, value in args.items():
        known = name in knobs or name in arguments(technique.name)
        if not known:
            options = arguments(technique.name)
            hint = (
                did_you_mean(str(name), options) if options else "it has none: remove this argument"
            )
            if not hint.startswith(("did", "it")):
                main = ", ".join(knobs) or "none"
                hint = f"its main ones are {main}"
            found.append(Problem(str(name), f"an argument of {technique.title}", value, hint))
        elif name in knobs:
            found += _knob_problems(knobs[name], value)
        else:
            found += value_problems(name, value, arguments(technique.name)[name][1])
    return found


def _knob_problems(knob: Knob, value: Any) -> list[Problem]:
    return value_problems(knob.name, value, type(knob.default), knob.limits)
