"""Whether techniques fit a base: tried, and not looked up.

A technique is injected into a clone of the base, which goes forward and backward once and is then
dropped. What was matched and what got a gradient is counted, and the base must be the same bits.
"""

from __future__ import annotations

import copy
import os
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import peft
import torch

from workbench.errors import ModelError, Problem, RecipeError, did_you_mean
from workbench.quiet import quiet_loggers
from workbench.recipe import Recipe
from workbench.registry.tasks import TASKS, tasks_of
from workbench.registry.techniques import TECHNIQUES, config_class, find, get, uncurated
from workbench.settings.checks import technique_problems
from workbench.sources.lookup import find_facts
from workbench.sources.models.describe import ModelFacts
from workbench.sources.models.storage import storage_problems
from workbench.sources.prompt_checks import base_problems
from workbench.training.adaptation.base_model import is_pristine
from workbench.training.adaptation.build import adaptation_of, put_on_clone
from workbench.training.adaptation.optimizer import make_optimizer, optimizer_facts
from workbench.training.adaptation.refusals import Refusal, explain, of_problem
from workbench.training.inputs.limits import counts_positions
from workbench.training.inputs.processor import virtual_labels
from workbench.training.inspection.compatibility.result import Compatibility
from workbench.training.inspection.compatibility.trial_model import (
    Specimen,
    from_module,
    from_recipe,
    is_for,
)
from workbench.training.inspection.skeleton import adapt_shapes
from workbench.training.runtime.quiet_loading import quiet_transformers
from workbench.training.runtime.rng import Randomness
from workbench.training.speedups.apply import labels_some, set_up
from workbench.training.speedups.settings import use_mask_positions

# Wrappers of PEFT that train a whole module or some of its tokens, whatever the technique.
AUXILIARY = (getattr(peft.utils, "AuxiliaryTrainingWrapper", ()), peft.utils.ModulesToSaveWrapper)
STEPS = 100  # of a run that is not there: some techniques plan over its length


class Probe:
    """One base, on which any technique can be tried; see :func:`compatible`."""

    def __init__(self, model: Any, *, batch: Mapping[str, Any] | None = None, **settings: Any):
        self._module = model if isinstance(model, torch.nn.Module) else None
        self._batch = batch
        self._specimens: dict[tuple, Specimen] = {}
        self._settings = {name: value for name, value in settings.items() if value is not None}
        self._facts: ModelFacts | None = None
        if self._module is not None:
            self._tasks = [task.name for task in TASKS.values() if is_for(model, task)]
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
        served = [task for task in self._tasks if task in get(technique).tasks]
        task = (served or self._tasks or [TASKS["lm"].name])[0]
        recipe = Recipe().replace(**{**self._settings, "technique": technique, "task": task})
        problems = technique_problems(recipe)
        if others := [problem for problem in recipe.problems() if problem not in problems]:
            raise RecipeError(others)
        if self._facts is not None:
            problems += storage_problems(recipe, self._facts)
        if problems:
            return Compatibility(technique, False, task, *of_problem(problems[0]))
        recipe = recipe.resolved(self._facts)
        if get(technique).trainable == "nothing":
            return self._ask(recipe)
        if recipe.quantization is not None and self._module is not None:
            reason = "a model in memory cannot be quantized"
            return Compatibility(technique, False, task, reason, "give its folder or hub id")
        return self._fit(recipe)

    def _ask(self, recipe: Recipe) -> Compatibility:
        if self._facts is None:
            reason, remedy = "a model in memory cannot be prompted", "give its folder or hub id"
        elif problems := base_problems(recipe, self._facts):
            reason, remedy = of_problem(problems[0])
        else:
            return Compatibility(recipe.technique, True, recipe.task)
        return Compatibility(recipe.technique, False, recipe.task, reason, remedy)

    def _fit(self, recipe: Recipe) -> Compatibility:
        technique = get(recipe.technique)
        tried = self._specimen(recipe)
        try:
            with quiet_transformers(), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                trainable, matched = _try(tried, recipe)
        except Exception as error:  # noqa: BLE001 (whatever a library refuses is the answer)
            reason, remedy = explain(error, technique, tried.base.model)
        else:
            return Compatibility(
                recipe.technique, True, recipe.task, trainable=trainable, matched=matched
            )
        finally:
            if not is_pristine(tried.base):
                self._specimens.clear()
        if self._converts(recipe, tried):
            other = self._fit(recipe.replace(convert_conv1d=True))
            if other.compatible or "Conv1D" in reason:
                reason = f"{tried.kind} uses Conv1D, which {technique.title} cannot wrap"
                remedy = "set convert_conv1d=True to rewrite them as Linear"
                if not other.compatible:
                    remedy += f"; then {other.remedy or other.reason}"
        return Compatibility(recipe.technique, False, recipe.task, reason, remedy)

    def _specimen(self, recipe: Recipe) -> Specimen:
        key = (recipe.task, recipe.quantization, recipe.convert_conv1d)
        if key not in self._specimens:
            self._specimens[key] = (
                from_recipe(recipe)
                if self._module is None
                else from_module(self._module, self._batch, convert=recipe.convert_conv1d)
            )
        return self._specimens[key]

    def _converts(self, recipe: Recipe, tried: Specimen) -> bool:
        kinds = {type(module).__name__ for module in tried.base.model.modules()}
        trains = get(recipe.technique).trainable
        return "Conv1D" in kinds and trains == "adapter" and not recipe.convert_conv1d


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
        Whether it works, the number of trainable parameters, or the reason and what would help.

    Raises
    ------
    RecipeError
        The technique is unknown, or a setting is wrong for any technique.
    ModelError
        The base cannot be found or loaded.

    Examples
    --------
    >>> compatible("hamlet-3m", "lora").compatible
    True
    >>> print(compatible("hamlet-3m", "lora", target_modules=["q_prj"]))
    LoRA does not work with this base: target_modules must be the name of a module of the base, but is 'q_prj': \
did you mean 'q_proj'?
    """
    return Probe(model, batch=batch, **settings).try_on(technique)


def compatibility_table(
    model: Any, *, batch: Any = None, **settings: Any
) -> Iterator[Compatibility]:
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
    iterator of Compatibility
        One result per technique, each as soon as it is known.

    Raises
    ------
    RecipeError
        A setting is wrong for any technique.
    ModelError
        The base cannot be found or loaded.
    """
    probe = Probe(model, batch=batch, **settings)
    for technique in (*TECHNIQUES, *uncurated()):
        yield probe.try_on(technique)


def _tasks_of(facts: ModelFacts) -> Sequence[str]:
    """Return the tasks that a base can do."""
    if tasks := tasks_of(facts.kind):
        return tasks
    hint = f"{facts.name} is of an unknown kind, so set the task"
    raise RecipeError([Problem("task", "given", None, hint)])


def _try(tried: Specimen, recipe: Recipe) -> tuple[int, tuple[str, ...]]:
    """Try a recipe's technique; returns how many parameters it trains and which modules it touches.

    Whatever speaks against it is raised.
    """
    if tried.whole:
        return _run(tried, recipe)
    # The true shapes are injected on the meta device, and a small model of the same parts is run.
    answer: tuple[int, tuple[str, ...]] = (0, ())
    try:
        if not get(recipe.technique).needs_weights:
            shapes, rows = copy.deepcopy(tried.shapes), partial(_rows, tried.batch)
            adapted, _ = adapt_shapes(recipe, shapes, tried.base.new_parameters, rows)
            answer = _counted(adapted, tried.shapes)
    except Refusal as error:
        # Some techniques look at numbers as they are made, and shapes have none: not a reason.
        if not re.search(r"\bmeta\b|\bMeta\b|register_meta", str(error.__cause__)):
            raise
    try:
        _run(tried, recipe)
    except Exception:
        if not recipe.technique_args:
            raise
        # Arguments that suit a large model may be too large for a small one.
        _run(tried, recipe.replace(technique_args=get(recipe.technique).defaults()))
    return answer


def _run(tried: Specimen, recipe: Recipe) -> tuple[int, tuple[str, ...]]:
    technique, base = get(recipe.technique), tried.base
    with Randomness(recipe.seed):
        model, _, batch = inject(tried, recipe)
        # Compiling takes longer than all else, and nothing that fits would not fit then.
        labelled = labels_some(recipe, base.model) and tried.keeps_loss
        set_up(recipe.replace(torch_compile=False), model, labelled_logits=labelled)
        model.train()
        loss = model(**batch).loss
        if not bool(torch.isfinite(loss)):
            raise ModelError(f"its loss on a first batch is {float(loss)}")
        loss.backward()
        _check_gradients(model, base.new_parameters)
        if technique.after_step:
            technique.after_step.load()(model, 1)
        if tried.task and tried.task.generation_collator:
            asked = {name: batch[name] for name in ("input_ids", "attention_mask")}
            model.eval().generate(**asked, max_new_tokens=2, do_sample=False, pad_token_id=0)
    if not is_pristine(base):
        raise ModelError("it writes into the weights of the base, which other runs share")
    return _counted(model, base.model)


def inject(
    tried: Specimen, recipe: Recipe
) -> tuple[torch.nn.Module, torch.optim.Optimizer, dict[str, torch.Tensor]]:
    """Adapt a clone of a specimen as a run would.

    Returns
    -------
    tuple
        The model to train, its optimizer, and the specimen's rows as this model takes them.
    """
    technique, base = get(recipe.technique), tried.base
    task_type = tried.task.peft_task_type if tried.task else None
    adaptation = adaptation_of(
        technique,
        base.model,
        recipe.technique_args,
        task_type=task_type,
        new_parameters=base.new_parameters,
        max_steps=STEPS,
        rows=partial(_rows, tried.batch),
    )
    batch = dict(tried.batch)
    peft_class = config_class(technique.name) if technique.config is not None else None
    if tried.task and (room := virtual_labels(tried.task, peft_class, adaptation.config)):
        before = torch.full((len(batch["labels"]), room), -100)
        batch["labels"] = torch.cat([before, batch["labels"]], dim=1)

    def tell(model: torch.nn.Module) -> None:
        if tried.task and tried.task.labels and getattr(model.config, "pad_token_id", None) is None:
            model.config.pad_token_id = 0  # a run takes its tokenizer's
        if tried.task and counts_positions(recipe, model):
            use_mask_positions(model)

    model = put_on_clone(adaptation, base, [tried.batch], tell=tell)
    return model, make_optimizer(optimizer_facts(recipe, technique), model), batch


def _rows(batch: Mapping[str, torch.Tensor]) -> list[dict]:
    """Return a batch as encoded rows, each with a prompt: its first half."""
    if "input_ids" not in batch:
        raise ModelError("it reads the tokens of the rows, and this base has none")
    ids = batch["input_ids"].tolist()
    return [{"input_ids": row, "prompt_ids": row[: len(row) // 2]} for row in ids]


def _counted(model: torch.nn.Module, base: torch.nn.Module) -> tuple[int, tuple[str, ...]]:
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return sum(parameter.numel() for parameter in trained), touched(model, base)


def touched(model: torch.nn.Module, base: torch.nn.Module) -> tuple[str, ...]:
    """Return the base's modules that were wrapped, or whose own parameters are trained."""
    inner = model.get_base_model() if isinstance(model, peft.PeftModel) else model
    before = {name: type(module) for name, module in base.named_modules()}
    found = [
        name
        for name, module in inner.named_modules()
        if name in before and type(module) is not before[name] and not isinstance(module, AUXILIARY)
    ]
    if not found and inner is model:
        trained = [name for name, p in model.named_parameters() if p.requires_grad]
        found = list(dict.fromkeys(name.rpartition(".")[0] for name in trained))
    return tuple(found)


def _check_gradients(model: torch.nn.Module, new_parameters: tuple[str, ...]) -> None:
    """Refuse a technique by which nothing is learnt, or nothing but a new head."""
    trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
    added = [
        p
        for name, p in trained.items()
        if name not in new_parameters and "modules_to_save" not in name
    ]
    gradients = [p.grad for p in added or trained.values() if p.grad is not None]
    if not any(bool(gradient.count_nonzero()) for gradient in gradients):
        raise ModelError("none of the parameters that it adds gets a gradient")
    if not all(bool(torch.isfinite(gradient).all()) for gradient in gradients):
        raise ModelError("its first gradients are not finite")
