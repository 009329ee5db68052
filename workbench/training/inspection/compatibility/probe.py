"""Whether techniques fit a base: tried, and not looked up.

A technique is injected into a clone of the base, which goes forward and backward once and is then
dropped. What was matched and what got a gradient is counted, and the base must be the same bits.
"""

from __future__ import annotations

import dataclasses
import os
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import torch

from workbench.errors import Problem, RecipeError, did_you_mean
from workbench.quiet import quiet_loggers
from workbench.recipe import Recipe
from workbench.registry.tasks import TASKS, tasks_of
from workbench.registry.techniques import TECHNIQUES, find, get, uncurated
from workbench.settings.checks import technique_problems
from workbench.sources.lookup import find_facts
from workbench.sources.models.describe import ModelFacts
from workbench.sources.models.storage import storage_problems
from workbench.sources.prompt_checks import base_problems
from workbench.training.adaptation.base_model import is_pristine
from workbench.training.adaptation.refusals import explain, reason_of
from workbench.training.inspection.compatibility.result import Compatibility, CompatibilityTable
from workbench.training.inspection.compatibility.trial import run_trial
from workbench.training.inspection.compatibility.trial_model import (
    TrialModel,
    from_module,
    from_recipe,
    is_for,
)
from workbench.training.runtime.quiet_loading import quiet_transformers


class Probe:
    """One base, on which any technique can be tried; see :func:`compatible`.

    Parameters
    ----------
    model, batch, **settings
        As in :func:`compatible`.
    num_labels : int, optional
        The number of labels of the data, on which the size of a new head depends; 2 if not given.
    """

    def __init__(
        self,
        model: Any,
        *,
        batch: Mapping[str, Any] | None = None,
        num_labels: int | None = None,
        **settings: Any,
    ):
        # Whatever is asked of it, a model of transformers has.
        self._module: Any = model if isinstance(model, torch.nn.Module) else None
        self._batch, self._num_labels = batch, num_labels
        self._trial_models: dict[tuple, TrialModel] = {}
        self._settings = {name: value for name, value in settings.items() if value is not None}
        self._facts: ModelFacts | None = None
        if self._module is not None:
            self._tasks: Sequence[str] = [
                task.name for task in TASKS.values() if is_for(self._module, task)
            ]
        else:
            self._settings["model"] = os.fspath(model)
            self._facts = find_facts(Recipe().replace(**self._settings))
            task = settings.get("task")
            self._tasks = [task] if task else _tasks_of(self._facts)

    def try_on(self, technique: str) -> Compatibility:
        """Test one technique on the base; see :func:`compatible`."""
        if find(technique) is None:
            hint = did_you_mean(str(technique), TECHNIQUES)
            raise RecipeError([Problem("technique", "a known technique", technique, hint)])
        shared = [task for task in self._tasks if task in get(technique).tasks]
        task = (shared or self._tasks or [TASKS["lm"].name])[0]
        recipe = Recipe().replace(**{**self._settings, "technique": technique, "task": task})
        problems = technique_problems(recipe)
        if others := [problem for problem in recipe.problems() if problem not in problems]:
            raise RecipeError(others)
        if self._facts is not None:
            problems += storage_problems(recipe, self._facts)
        if problems:
            return Compatibility(technique, False, task, *reason_of(problems[0]))
        recipe = recipe.resolved(self._facts)
        if get(technique).trainable == "nothing":
            return self._try_prompting(recipe)
        if recipe.quantization is not None and self._module is not None:
            reason = "a model in memory cannot be quantized"
            return Compatibility(technique, False, task, reason, "give its folder or hub id")
        return self._inject(recipe)

    def _try_prompting(self, recipe: Recipe) -> Compatibility:
        if self._facts is None:
            reason, remedy = "a model in memory cannot be prompted", "give its folder or hub id"
        elif problems := base_problems(recipe, self._facts):
            reason, remedy = reason_of(problems[0])
        else:
            return Compatibility(recipe.technique, True, recipe.task)
        return Compatibility(recipe.technique, False, recipe.task, reason, remedy)

    def _inject(self, recipe: Recipe) -> Compatibility:
        technique = get(recipe.technique)
        trial_model = self._trial_model(recipe)
        try:
            with quiet_transformers(), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                counts = run_trial(trial_model, recipe)
        except Exception as error:  # noqa: BLE001 (whatever a library refuses is the answer)
            reason, remedy = explain(error, technique, trial_model.base.model)
        else:
            return Compatibility(recipe.technique, True, recipe.task, **dataclasses.asdict(counts))
        finally:
            if not is_pristine(trial_model.base):
                self._trial_models.clear()
        if _has_conv1d(recipe, trial_model):
            converted = self._inject(recipe.replace(convert_conv1d=True))
            if converted.compatible or "Conv1D" in reason:
                reason = (
                    f"{trial_model.model_type} uses Conv1D, which {technique.title} cannot wrap"
                )
                remedy = "set convert_conv1d=True to rewrite them as Linear"
                if not converted.compatible:
                    remedy += f"; then {converted.remedy or converted.reason}"
        return Compatibility(recipe.technique, False, recipe.task, reason, remedy)

    def _trial_model(self, recipe: Recipe) -> TrialModel:
        key = (recipe.task, recipe.quantization, recipe.convert_conv1d)
        if key not in self._trial_models:
            self._trial_models[key] = (
                from_recipe(recipe, self._num_labels)
                if self._module is None
                else from_module(self._module, self._batch, convert=recipe.convert_conv1d)
            )
        return self._trial_models[key]


@quiet_loggers()
def compatible(model: Any, technique: str, *, batch: Any = None, **settings: Any) -> Compatibility:
    """Test whether a technique works with a base model.

    The technique is applied to a copy that shares the base's tensors, and one forward and backward
    pass is computed. Of a base with more than thirty million parameters only the shapes are used, and
    the passes are computed on a small model of the same architecture with random weights. Nothing is
    downloaded except what a run would need.

    Parameters
    ----------
    model : str, path or torch.nn.Module
        A bundled name, a folder, a hub id, or a transformers model in memory, which is not changed.
    technique : str
        Name of the technique.
    batch : mapping of str to torch.Tensor, optional
        Rows with labels as a model in memory takes them, each tensor of shape ``(rows, ...)``; made up
        if not given.
    **settings
        Settings and technique arguments as :meth:`workbench.recipe.Recipe.replace` takes them. Without
        ``task``, the first task that base and technique support is used.

    Returns
    -------
    Compatibility
        Whether it works and for which task, the number of trainable parameters, or the reason and what
        would help.

    Raises
    ------
    RecipeError
        The technique is unknown, or a setting is wrong for any technique.
    ModelError
        The base cannot be found or loaded.

    Examples
    --------
    >>> compatible("village-3m", "lora").compatible
    True
    >>> print(compatible("village-3m", "lora", target_modules=["q_prj"]))
    LoRA does not work with this base (task: Language modelling): target_modules must be the name of a module of \
the base, but is 'q_prj': did you mean 'q_proj'?
    """
    return Probe(model, batch=batch, **settings).try_on(technique)


def compatibility_table(model: Any, *, batch: Any = None, **settings: Any) -> CompatibilityTable:
    """Test all techniques on a base model, one after another; see :func:`compatible`.

    Parameters
    ----------
    model : str, path or torch.nn.Module
        A bundled name, a folder, a hub id, or a transformers model in memory, which is not changed.
    batch : mapping of str to torch.Tensor, optional
        Rows with labels as a model in memory takes them; made up if not given.
    **settings
        Settings as :meth:`workbench.recipe.Recipe.replace` takes them, for all techniques.

    Returns
    -------
    CompatibilityTable
        One result per technique; iterated, each comes as soon as it is known.

    Raises
    ------
    RecipeError
        A setting is wrong for any technique.
    ModelError
        The base cannot be found or loaded.
    """
    with quiet_loggers():
        probe = Probe(model, batch=batch, **settings)
        techniques = (*TECHNIQUES, *uncurated())
    return CompatibilityTable(_results(probe, techniques))


def _results(probe: Probe, techniques: Iterable[str]) -> Iterator[Compatibility]:
    for technique in techniques:
        # Not around the loop: between two results the caller's own loggers must be heard.
        with quiet_loggers():
            result = probe.try_on(technique)
        yield result


def _has_conv1d(recipe: Recipe, trial_model: TrialModel) -> bool:
    """Tell whether Conv1D layers, which a recipe could rewrite, may be why an adapter does not fit."""
    classes = {type(module).__name__ for module in trial_model.base.model.modules()}
    is_adapter = get(recipe.technique).trainable == "adapter"
    return "Conv1D" in classes and is_adapter and not recipe.convert_conv1d


def _tasks_of(facts: ModelFacts) -> Sequence[str]:
    """Return the tasks that a base can do."""
    if tasks := tasks_of(facts.kind):
        return tasks
    hint = f"{facts.name} is of an unknown kind, so set the task"
    raise RecipeError([Problem("task", "given", None, hint)])
