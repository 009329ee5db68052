"""A plan as the exporter reads it: typed, and checked, as a plan on disk is text from anywhere.

What will stand in a script as code is a name that the registries know; all else is plain data, which
is written as a literal.
"""

from __future__ import annotations

import dataclasses
import keyword
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_type_hints

from workbench.errors import Problem, RecipeError
from workbench.export.plan_data import Data, data_problems, read_data
from workbench.recipe import FIELDS, HINTS, OPTIMIZERS, Recipe
from workbench.registry.quantizations import QUANTIZATIONS, Quantization
from workbench.registry.tasks import TASKS, Task
from workbench.registry.technique import Technique
from workbench.registry.techniques import find
from workbench.settings.values import value_problems
from workbench.sources.datasets import cards
from workbench.sources.datasets.conversations.find import FORMS
from workbench.sources.models.describe import VILLAGE

# What a plan says of its technique, which the catalogue says too.
_OF_TECHNIQUE = ("trainable", "initializer", "saves_difference", "after_step", "forward_hook")


@dataclass(frozen=True, kw_only=True)
class Optimizer:
    """Which optimizer; see :func:`workbench.training.adaptation.optimizer.optimizer_facts`."""

    kind: str | None
    function: str | None
    arguments: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """How rows become prompts; see :func:`workbench.training.inputs.few_shot_plan.prompt_facts`."""

    template: str | None = None
    examples: list = field(default_factory=list)
    words: list | None = None
    normalize: bool = False
    calibrate: bool = False


@dataclass(frozen=True, kw_only=True)
class Conversation:
    """How rows become conversations; see :class:`workbench.training.plan.Plan`."""

    form: str = "pair"
    prompt_template: str | None = None
    system_prompt: str | None = None
    completion_only: bool = True
    has_template: bool | None = None
    marks_answers: bool | None = None
    writes_date: bool | None = None


@dataclass(frozen=True, kw_only=True)
class ScriptPlan:
    """What a script does; see :class:`workbench.training.plan.Plan` for what is not said here.

    Parameters
    ----------
    recipe, task, technique, quantization
        What the plan names, from the registries.
    """

    recipe: Recipe
    task: Task
    technique: Technique
    quantization: Quantization | None
    optimizer: Optimizer | None
    data: Data
    prompt: Prompt
    conversation: Conversation
    model_path: str
    model_id: str | None = None
    model_commit: str | None = None
    new_parameters: list
    heads: list
    resizes_head: bool
    start_rows: int
    config: dict
    columns: dict
    labels: list
    padding_side: str
    virtual_labels: int = 0
    max_length: int
    max_prompt_length: int = 0
    max_steps: int
    labelled_logits: bool = False
    sets_pad_token: bool
    threads: int
    device: str
    versions: dict
    fused: int = 0
    mask_positions: bool = False
    gathers_statistics: bool = False
    has_adapter: bool = False
    prequantized: bool = False
    full_precision_modules: list = field(default_factory=list)
    replaces_problem_type: bool = False
    split: dict = field(default_factory=dict)

    @classmethod
    def from_dict(cls, plan: Mapping[str, Any]) -> ScriptPlan:
        """Read a plan, or say what is wrong with it.

        Raises
        ------
        RecipeError
            It holds something else than the plan of a run.
        """
        recipe = _recipe(plan.get("recipe"))
        task, technique = TASKS[recipe.task], find(recipe.technique)
        assert technique is not None
        _check_names(plan, recipe, task, technique)
        optimizer = None
        if technique.trainable != "nothing":
            facts = {**plan["optimizer"], "kind": plan["optimizer"].get("class")}
            optimizer = _checked(Optimizer, facts)
        return _checked(
            cls,
            plan,
            recipe=recipe,
            task=task,
            technique=technique,
            quantization=QUANTIZATIONS.get(recipe.quantization or ""),
            optimizer=optimizer,
            data=_checked(Data, read_data(plan["data"])),
            prompt=_checked(Prompt, plan["prompt"]),
            conversation=_checked(Conversation, plan.get("conversation") or {}),
        )

    @property
    def trains(self) -> bool:
        """Whether something is trained."""
        return self.technique.trainable != "nothing"

    @property
    def reads_train(self) -> bool:
        """Whether the training rows are read."""
        return self.trains or bool(self.prompt.examples) or self.data.eval is None

    @property
    def auto_class(self) -> str:
        """The class of transformers that loads the base."""
        return self.technique.auto_class(self.task)

    @property
    def collator(self) -> str:
        """The function that makes batches."""
        return "collate_words" if self.weighs_words else self.task.collator_for(self.padding_side)

    @property
    def weighs_words(self) -> bool:
        """Whether a label is found by how likely its words are."""
        return self.prompt.words is not None

    @property
    def keeps_statistics(self) -> bool:
        """Whether running statistics stay as they are where they are not trained with their layer."""
        return self.gathers_statistics and self.technique.trainable in ("adapter", "selected")

    @property
    def names_targets(self) -> bool:
        """Whether the modules to adapt are a list of names."""
        return isinstance(self.config.get("target_modules"), list)

    @property
    def locates_images(self) -> bool:
        """Whether rows say where their images are."""
        return "image" in self.columns and self.data.format != "imagefolder"

    def model_place(self, folder: Path) -> tuple[str, str | None]:
        """Return how a script in a folder names the base, and the function that finds it by this name."""
        if self.model_id is not None:
            return self.model_id, None
        if self.recipe.model == VILLAGE:
            return VILLAGE, "bundled"
        return _place(self.recipe.model, self.model_path, folder)

    def data_place(self, part: str, folder: Path) -> tuple[str | list[str], str | None]:
        """Return how a script in a folder names the ``train`` or ``eval`` rows, and what finds them."""
        path = getattr(self.data, part)
        name = self.recipe.eval_data if part == "eval" else None
        if len(files := self.data.files(part)) > 1:
            places = [_place(name or self.recipe.data, file["path"], folder) for file in files]
            return [place for place, _ in places], places[0][1]
        if self.data.format == "hub":
            return path, None
        if name is None and self.recipe.data in cards.names():
            return f"{self.recipe.data}/{Path(path).name}", "bundled"
        return _place(name or self.recipe.data, path, folder)

    def start_place(self, folder: Path) -> tuple[str, str | None]:
        """Return how a script in a folder names the weights to start from, and what finds them."""
        name = str(self.recipe.start_from)
        return _place(name, os.path.abspath(os.path.expanduser(name)), folder)


def _place(name: str, path: str, folder: Path) -> tuple[str, str | None]:
    """Name a path as the recipe does: in full, or else as it lies beside a script in a folder."""
    if os.path.isabs(name):
        return path, None
    return Path(os.path.relpath(path, folder.resolve())).as_posix(), "beside_script"


def _recipe(settings: Any) -> Recipe:
    if not isinstance(settings, Mapping):
        raise RecipeError([Problem("recipe", "a mapping of settings", settings)])
    # A record on disk spells infinity as a word.
    norm = settings.get("max_grad_norm")
    if isinstance(norm, str) and norm.lower() in ("inf", "infinity"):
        settings = {**settings, "max_grad_norm": float("inf")}
    recipe = Recipe.from_dict(settings)
    problems = [
        problem
        for name, spec in FIELDS.items()
        if name != "technique"
        for problem in value_problems(name, getattr(recipe, name), HINTS[name], spec.metadata)
    ]
    if find(recipe.technique) is None:
        problems.append(Problem("technique", "the name of a technique", recipe.technique))
    if problems:
        raise RecipeError(problems)
    return recipe


def _check_names(plan: Mapping[str, Any], recipe: Recipe, task: Task, technique: Technique) -> None:
    """Refuse every name that would be called in a script and is not the catalogue's."""
    expected = {name: getattr(technique, name) for name in _OF_TECHNIQUE}
    expected["selector"] = technique.selection
    expected |= {"config_class": technique.config, "auto_class": technique.auto_class(task)}
    problems = [
        Problem(name, f"{value!r}, as {technique.title} has it", plan.get(name))
        for name, value in expected.items()
        if plan.get(name) != value
    ]
    mappings = ["optimizer", "config", "columns", "prompt", "data", "versions"]
    # A plan of an earlier version has no conversation.
    for name in [*mappings, "conversation"] if "conversation" in plan else mappings:
        if not isinstance(plan.get(name), Mapping):
            raise RecipeError([Problem(name, "a mapping", plan.get(name))])
    facts = plan["optimizer"]
    if facts.get("class") not in (None, *OPTIMIZERS.values()):
        allowed = f"one of {', '.join(OPTIMIZERS.values())}"
        problems.append(Problem("optimizer's class", allowed, facts["class"]))
    if facts.get("function") not in (None, technique.optimizer):
        problems.append(
            Problem("optimizer's function", repr(technique.optimizer), facts["function"])
        )
    keys = [*plan["config"], *recipe.technique_args, *(facts.get("arguments") or ())]
    for key in keys:
        if not all(part.isidentifier() for part in str(key).split(".")) or keyword.iskeyword(key):
            problems.append(Problem("config", "a mapping whose keys are names", key))
    roles = (*task.roles, *task.optional_roles)
    if not set(plan["columns"]) <= set(roles):
        allowed = f"a mapping of {', '.join(roles)}"
        problems.append(Problem("columns", allowed, dict(plan["columns"])))
    form = (plan.get("conversation") or {}).get("form", "pair")
    if form not in FORMS:
        problems.append(Problem("conversation's form", f"one of {', '.join(FORMS)}", form))
    split = plan.get("split") or {}
    if not isinstance(split, Mapping) or not set(split) <= {
        "columns",
        "label_column",
        "tags_column",
    }:
        allowed = "a mapping of columns, label_column and tags_column"
        problems.append(Problem("split", allowed, split))
    problems += data_problems(plan["data"])
    if plan.get("padding_side") not in ("left", "right"):
        problems.append(Problem("padding_side", "'left' or 'right'", plan.get("padding_side")))
    for package, version in plan["versions"].items():
        if not re.fullmatch(r"[\w.+!-]+", str(version)) or not re.fullmatch(r"[\w.-]+", package):
            problems.append(Problem("versions", "a mapping of packages to versions", version))
    if problems:
        raise RecipeError(problems)


def _checked(cls: type, values: Mapping[str, Any], **made: Any) -> Any:
    """Make a dataclass of what a mapping has for its fields, each checked against its type."""
    hints = get_type_hints(cls)
    checked, problems = dict(made), []
    for spec in dataclasses.fields(cls):
        if spec.name in made or (spec.name not in values and _has_default(spec)):
            continue
        value = values.get(spec.name)
        problems += value_problems(spec.name, value, hints[spec.name])
        problems += [Problem(spec.name, "plain data", part) for part in _odd(value)]
        checked[spec.name] = value
    if problems:
        raise RecipeError(problems)
    return cls(**checked)


def _has_default(spec: dataclasses.Field) -> bool:
    missing = dataclasses.MISSING
    return spec.default is not missing or spec.default_factory is not missing


def _odd(value: Any) -> Iterator[Any]:
    """Go through whatever is no plain data in a value."""
    if isinstance(value, Mapping):
        for pair in value.items():
            yield from _odd(list(pair))
    elif isinstance(value, list | tuple | set | frozenset):
        for part in value:
            yield from _odd(part)
    elif value is not None and not isinstance(value, bool | int | float | str):
        yield value
