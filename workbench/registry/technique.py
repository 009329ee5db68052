"""What an entry in the catalogue of techniques is made of."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from workbench.display.wording import joined
from workbench.registry.hook import Hook
from workbench.registry.tasks import TASKS, Task


@dataclass(frozen=True)
class Hyperparameter:
    """A main argument: its name in PEFT, a default that works and a range worth exploring.

    A name with a dot stands inside a config of its own: ``eva_config.rho``. ``low`` is also the
    least value that is accepted (with ``strict`` it is not) and ``below`` one that is never
    reached; ``high`` bounds the slider only. ``limit`` is the function
    that says what the layers that are wrapped allow, such as those of
    :mod:`workbench.training.adaptation.argument_limits`. ``line`` is what a form says about it all the
    time, in a few words, and ``unit`` what is counted; PEFT has the help for all of them.
    """

    name: str
    default: Any
    low: float | None = None
    high: float | None = None
    choices: tuple[Any, ...] | None = None
    strict: bool = False
    below: float | None = None
    limit: Hook | None = None
    line: str = ""
    unit: str = ""

    @property
    def limits(self) -> dict[str, Any]:
        """Return the limits that :func:`workbench.settings.values.value_problems` checks."""
        if self.choices is not None:
            return {"choices": self.choices}
        limits = {"gt" if self.strict else "ge": self.low, "lt": self.below}
        return {name: limit for name, limit in limits.items() if limit is not None}


@dataclass(frozen=True)
class Paper:
    """Where a technique was first described; without ``arxiv`` it is not on arXiv."""

    title: str
    year: int
    arxiv: str | None = None


# What every optimizer takes, by the recipe's settings.
_OF_OPTIMIZERS = {"lr": "learning_rate", "weight_decay": "weight_decay"}

GET_PEFT_MODEL = Hook("peft.get_peft_model")

# Starts of LoRA that are cut out of the base's weights, which they rewrite in place.
_CUT_OUT = ("pissa", "olora", "corda", "lora_ga", "loftq")


def starts_specially(start: object) -> bool:
    """Tell whether a LoRA's start reads the weights that it wraps, or rows.

    Examples
    --------
    >>> starts_specially("eva"), starts_specially("loftq"), starts_specially("gaussian")
    (True, True, False)
    """
    return isinstance(start, str) and start.startswith((*_CUT_OUT, "eva"))


def writes_base(config: Mapping[str, Any]) -> bool:
    """Tell whether a PEFT config's start rewrites the weights that it wraps.

    Examples
    --------
    >>> writes_base({"init_lora_weights": "pissa_niter_4"}), writes_base({"r": 8})
    (True, False)
    """
    start = config.get("init_lora_weights")
    cut_out = isinstance(start, str) and start.startswith(_CUT_OUT)
    return cut_out or config.get("kasa_config") is not None


@dataclass(frozen=True)
class Technique:
    """One way to adapt a frozen base.

    What it does besides PEFT's own work are functions, each by its whole dotted name
    (:class:`workbench.registry.hook.Hook`).

    Parameters
    ----------
    name, title, family, summary : str
        As typed, as shown, the group it stands in, and one sentence on what it changes.
    keywords : tuple of str
        More words by which it is found.
    learning_rate : float or None
        A peak learning rate that works on the bundled base, used where the recipe gives none; None
        where nothing is trained.
    scales_with_width : bool
        Whether wider bases get a lower rate, as matrices whose products add up over the width want it;
        see :func:`workbench.registry.learning_rates.default_learning_rate`.
    config : str or None
        The PEFT config class; None when the base's own parameters are trained.
    fixed : mapping
        The config's arguments that make it this technique. A mapping in it is a config of its own,
        whose arguments are set as ``outer.inner``.
    hyperparameters : tuple of Hyperparameter
        Its main arguments: of its config, of the optimizer it brings, or of what it selects.
    trainable : {"adapter", "all", "selected", "nothing"}
        What is trained: what PEFT injects, everything, some of the base's own parameters, or
        nothing: then the run is one evaluation of the base, whose rows become prompts.
    settings : type or None
        A dataclass of arguments, where there is no PEFT config.
    selector : Hook or None
        Which of the base's parameters, as in :mod:`workbench.registry.parameter_selectors`.
    target_finder : Hook or None
        How layers to wrap are found where the recipe names none, as in
        :mod:`workbench.training.adaptation.target_modules`.
    derived : mapping of str to Hook
        Arguments that follow from the run unless they are given, and how, as in
        :mod:`workbench.training.adaptation.derived_arguments`.
    initializer : Hook
        What makes the PEFT model: PEFT's own function, or one that starts it from the base or from
        training data, as in :mod:`workbench.training.adaptation.initializers`.
    plain_shapes : bool
        Whether PEFT's own function adds the same parameters, so that counting can do without what
        injects.
    rereads_base : bool
        Whether its start reads the base from its folder again.
    optimizer : Hook or None
        The optimizer it brings.
    optimizer_arguments : mapping of str to str
        The optimizer's arguments, each with the setting or the technique's argument that it is.
    optimizer_wraps : bool
        Whether the optimizer is one of PyTorch's, by the recipe; else the one it brings is an Adam of
        its own.
    forward_hook : Hook or None
        What each forward pass needs besides, as in :mod:`workbench.training.adaptation.forward_hooks`.
    saves_difference : bool
        Whether its start cannot be found again from the base, so that it is saved as a plain LoRA.
    after_step : Hook or None
        What it does after each step, as in :mod:`workbench.training.adaptation.step_callbacks`.
    saves : Hook or None
        What saves its adapter, where PEFT leaves something of it out, as in
        :mod:`workbench.training.adaptation.checkpoint`.
    packages : tuple of str
        What PEFT imports for it beyond its own dependencies.
    selects_by_depth : bool
        Whether which parameters it selects depends on how deep in the base they lie.
    head_only : bool
        Whether it trains a new head and nothing of the base.
    tasks : tuple of str
        The tasks that it serves.
    quantization : str or None
        How the base is stored, unless the recipe says otherwise.
    quantizable : bool
        Whether the base may be quantised.
    unsupported_quantizations : tuple of str
        Ways of storing the base that it cannot work with, if it works with others.
    reads_whole_weights : bool
        Whether its start reads the base's weights in full precision, even if the base is quantised.
    needs_weights : bool
        Whether it takes weights, and not their shapes alone, to put it into a model.
    checkpointable : bool
        Whether its layers can be run again in the backward pass, as gradient checkpointing does.
    own_loss : bool
        Whether it makes its loss itself, from the logits at every place.
    merges : bool
        Whether what was learnt can be merged into the base.
    needs : str
        What it needs beyond a base and data, in words.
    paper : Paper or None
        Its source.
    curated : bool
        Whether somebody chose its knobs; the others come from PEFT as they are.
    """

    name: str
    title: str
    family: str
    summary: str
    learning_rate: float | None
    keywords: tuple[str, ...] = ()
    scales_with_width: bool = True
    config: str | None = None
    fixed: Mapping[str, Any] = field(default_factory=dict)
    hyperparameters: tuple[Hyperparameter, ...] = ()
    trainable: str = "adapter"
    settings: type | None = None
    selector: Hook | None = None
    target_finder: Hook | None = None
    derived: Mapping[str, Hook] = field(default_factory=dict)
    initializer: Hook = GET_PEFT_MODEL
    plain_shapes: bool = True
    rereads_base: bool = False
    optimizer: Hook | None = None
    optimizer_arguments: Mapping[str, str] = field(default_factory=lambda: dict(_OF_OPTIMIZERS))
    optimizer_wraps: bool = True
    forward_hook: Hook | None = None
    saves_difference: bool = False
    after_step: Hook | None = None
    saves: Hook | None = None
    packages: tuple[str, ...] = ()
    selects_by_depth: bool = False
    head_only: bool = False
    tasks: tuple[str, ...] = tuple(TASKS)
    quantization: str | None = None
    quantizable: bool = True
    unsupported_quantizations: tuple[str, ...] = ()
    reads_whole_weights: bool = False
    needs_weights: bool = False
    checkpointable: bool = True
    own_loss: bool = False
    merges: bool = False
    needs: str = ""
    paper: Paper | None = None
    curated: bool = True

    def defaults(self) -> dict[str, Any]:
        """Return the main knobs' values when the recipe gives none."""
        return {knob.name: knob.default for knob in self.hyperparameters}

    def to_dict(self) -> dict[str, Any]:
        """Return the entry as plain data, with what it does to the base."""
        settings = self.settings.__name__ if self.settings else None
        return {
            **dataclasses.asdict(self),
            "settings": settings,
            "writes_base": self.writes_base,
        }

    def adds_head(self, task: Task) -> bool:
        """Tell whether the base gets a new head for a task's labels."""
        return task.labels is not None and self.trainable != "nothing"

    @property
    def suitable_data(self) -> str:
        """Say for which data it is, where it is not for all.

        Examples
        --------
        >>> from workbench.registry.techniques import get
        >>> get("alora").suitable_data, get("prompt_tuning").suitable_data
        ('only for instruction data', 'not for labeled images')
        """
        others = [task for name, task in TASKS.items() if name not in self.tasks]
        if not others:
            return ""
        served = [TASKS[name] for name in self.tasks]
        if len(others) < len(served):
            return f"not for {joined([task.data for task in others], 'or')}"
        return f"only for {joined([task.data for task in served])}"

    def auto_class(self, task: Task) -> str:
        """Name the class of transformers that loads a base: prompts need a head for words."""
        with_head = self.adds_head(task) or task.labels is None
        return task.auto_class if with_head else "AutoModelForCausalLM"

    @property
    def selection(self) -> str | None:
        """What ``selector`` chooses, in a word, as plans have it."""
        return None if self.selector is None else self.selector.removeprefix("select_")

    @property
    def writes_base(self) -> bool:
        """Whether its start rewrites the weights that it wraps, so that a run needs its own."""
        return writes_base(self.fixed)
