"""One trial of a technique: injected into a clone of a base, which goes forward and backward once."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import peft
import torch

from workbench.errors import ModelError
from workbench.recipe import Recipe
from workbench.registry.techniques import config_class, get
from workbench.training.adaptation.base_model import is_pristine
from workbench.training.adaptation.build import adaptation_of, put_on_clone
from workbench.training.adaptation.meters import count_parameters
from workbench.training.adaptation.optimizer import make_optimizer, optimizer_facts
from workbench.training.adaptation.refusals import Refusal
from workbench.training.adaptation.wrapping import unwrapped
from workbench.training.inputs.limits import counts_positions
from workbench.training.inputs.processor import virtual_labels
from workbench.training.inspection.compatibility.trial_model import TrialModel
from workbench.training.inspection.skeleton import adapt_shapes
from workbench.training.runtime.rng import Randomness
from workbench.training.speedups.apply import set_up
from workbench.training.speedups.labelled_logits import is_possible
from workbench.training.speedups.settings import use_mask_positions

# Wrappers of PEFT that train a whole module or some of its tokens, whatever the technique.
AUXILIARY = (getattr(peft.utils, "AuxiliaryTrainingWrapper", ()), peft.utils.ModulesToSaveWrapper)
_COPY = re.compile(r"\.modules_to_save\.\w+")
STEPS = 100  # of a run that is not there: some techniques plan over its length


@dataclass(frozen=True)
class Counts:
    """What a technique makes of a base, in numbers.

    Parameters
    ----------
    trainable, total : int
        Parameters; 0 where only a run can tell.
    head : int
        Those of ``trainable`` that are in a new head.
    matched : tuple of str
        The base's modules that the technique touches.
    """

    trainable: int = 0
    total: int = 0
    head: int = 0
    matched: tuple[str, ...] = ()


def run_trial(trial_model: TrialModel, recipe: Recipe) -> Counts:
    """Try a recipe's technique and count; whatever speaks against it is raised."""
    if trial_model.full_size:
        return _step(trial_model, recipe)
    # The true shapes are injected on the meta device, and a small model of the same parts is run.
    result = Counts()
    try:
        if not get(recipe.technique).needs_weights:
            shapes, rows = copy.deepcopy(trial_model.shapes), partial(_rows, trial_model.batch)
            adapted, _ = adapt_shapes(recipe, shapes, trial_model.base.new_parameters, rows)
            result = _counts(adapted, trial_model.shapes, trial_model.base.new_parameters)
    except Refusal as error:
        # Some techniques look at values as they are made, and shapes have none: that is no refusal.
        if not re.search(r"\bmeta\b|\bMeta\b|register_meta", str(error.__cause__)):
            raise
    try:
        _step(trial_model, recipe)
    except Exception:
        if not recipe.technique_args:
            raise
        # Arguments that suit a large model may be too large for a small one.
        _step(trial_model, recipe.replace(technique_args=get(recipe.technique).defaults()))
    return result


def _step(trial_model: TrialModel, recipe: Recipe) -> Counts:
    """Go forward and backward once; check loss, gradients and base."""
    technique, base, task = get(recipe.technique), trial_model.base, trial_model.task
    with Randomness(recipe.seed):
        model, _, batch = inject(trial_model, recipe)
        # Without compiling, which takes longer than all else and changes nothing about what fits.
        labelled_logits = is_possible(recipe, base.model) and trial_model.keeps_loss
        set_up(recipe.replace(torch_compile=False), model, labelled_logits=labelled_logits)
        model.train()
        loss = model(**batch).loss
        if not bool(torch.isfinite(loss)):
            raise ModelError(f"its loss on a first batch is {float(loss)}")
        loss.backward()
        _check_gradients(model, base.new_parameters)
        if technique.after_step:
            technique.after_step.load()(model, 1)
        if task and task.generation_collator:
            prompts = {name: batch[name] for name in ("input_ids", "attention_mask")}
            # What adapts a generative base generates as that does.
            adapted: Any = model.eval()
            adapted.generate(**prompts, max_new_tokens=2, do_sample=False, pad_token_id=0)
    if not is_pristine(base):
        raise ModelError("it writes into the weights of the base, which other runs share")
    return _counts(model, base.model, base.new_parameters)


def inject(
    trial_model: TrialModel, recipe: Recipe
) -> tuple[torch.nn.Module, torch.optim.Optimizer, dict[str, torch.Tensor]]:
    """Adapt a clone of a trial model as a run would.

    Returns
    -------
    torch.nn.Module
        The model to train.
    torch.optim.Optimizer
    dict of str to torch.Tensor
        The trial model's rows as the adapted model takes them: labels have shape (rows, virtual labels +
        length) where a prompt of the decoder gets labels too.
    """
    technique, base, task = get(recipe.technique), trial_model.base, trial_model.task
    task_type = task.peft_task_type if task else None
    adaptation = adaptation_of(
        technique,
        base.model,
        recipe.technique_args,
        task_type=task_type,
        new_parameters=base.new_parameters,
        max_steps=STEPS,
        rows=partial(_rows, trial_model.batch),
    )
    batch = dict(trial_model.batch)
    peft_class = config_class(technique.name) if technique.config is not None else None
    if task and (virtual := virtual_labels(task, peft_class, adaptation.config)):
        ignored = torch.full((len(batch["labels"]), virtual), -100)
        batch["labels"] = torch.cat([ignored, batch["labels"]], dim=1)

    def tell(model: torch.nn.Module) -> None:
        config: Any = model.config
        if task and task.labels and getattr(config, "pad_token_id", None) is None:
            config.pad_token_id = 0  # a run takes its tokenizer's
        if task and counts_positions(recipe, model):
            use_mask_positions(model)

    model = put_on_clone(adaptation, base, [trial_model.batch], tell=tell)
    return model, make_optimizer(optimizer_facts(recipe, technique), model), batch


def _rows(batch: Mapping[str, torch.Tensor]) -> list[dict]:
    """Return a batch as encoded rows, each with a prompt: its first half."""
    if "input_ids" not in batch:
        raise ModelError("it reads the tokens of the rows, and this base has none")
    ids = batch["input_ids"].tolist()
    return [{"input_ids": row, "prompt_ids": row[: len(row) // 2]} for row in ids]


def _counts(
    model: torch.nn.Module, base: torch.nn.Module, new_parameters: tuple[str, ...]
) -> Counts:
    counts = count_parameters(model, base)
    heads = tuple(f".{name}" for name in new_parameters)
    head = sum(
        parameter.numel()
        for name, parameter in model.named_parameters()
        # PEFT trains a copy of a new head, one module further down.
        if parameter.requires_grad and f".{_COPY.sub('', name)}".endswith(heads)
    )
    return Counts(counts["trainable"], counts["total"], head, touched(model, base))


def touched(model: torch.nn.Module, base: torch.nn.Module) -> tuple[str, ...]:
    """Return the base's modules that were wrapped, or whose own parameters are trained."""
    inner = unwrapped(model)
    before = {name: type(module) for name, module in base.named_modules()}
    modules = [
        name
        for name, module in inner.named_modules()
        if name in before and type(module) is not before[name] and not isinstance(module, AUXILIARY)
    ]
    if not modules and inner is model:
        trained = [name for name, p in model.named_parameters() if p.requires_grad]
        modules = list(dict.fromkeys(name.rpartition(".")[0] for name in trained))
    return tuple(modules)


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
