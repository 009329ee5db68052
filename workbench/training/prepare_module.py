"""A plain ``torch.nn.Module`` from the notebook, adapted and made ready for the loop.

The module itself is never changed: what is trained is a copy around its own tensors. The loop's
words mean this here: a *target* is a row, so losses are weighted by rows, and *tokens* are rows too.
"""

from __future__ import annotations

import copy
import importlib.metadata
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, NamedTuple

import torch
import transformers
from accelerate import Accelerator

from workbench.errors import Problem, RecipeError
from workbench.recipe import Recipe
from workbench.registry.tasks import ALL_TASKS
from workbench.registry.technique import Technique
from workbench.registry.techniques import get
from workbench.training.adaptation.meters import MemoryMeter, count_parameters
from workbench.training.adaptation.optimizer import make_optimizer, optimizer_facts
from workbench.training.adaptation.plain_module import (
    FAST_PATH,
    adapt_module,
    copy_around,
    fast_paths,
    first_line,
    say_misfit,
)
from workbench.training.adaptation.running_stats import moving_statistics
from workbench.training.inputs.array_rows import Rows
from workbench.training.inputs.collate import fixed_batches
from workbench.training.inputs.limits import count_steps
from workbench.training.inputs.row_order import shuffled
from workbench.training.inputs.tokenize import split_rows
from workbench.training.loop import train
from workbench.training.module_evaluate import evaluate_module
from workbench.training.prepared import Prepared
from workbench.training.runtime.rng import Randomness
from workbench.training.speedups.apply import computing_notes, set_up

PACKAGES = ("torch", "peft", "accelerate", "safetensors")


ORTHOGONAL = "orth_reg_weight does nothing here: PEFT adds its penalty to a loss that the model itself returns."


class Told(NamedTuple):
    """What a module and its loss say of a batch."""

    loss: torch.Tensor
    outputs: Any


class WithLoss(torch.nn.Module):
    """A module and its loss as one model, as the loop calls it.

    Parameters
    ----------
    module : torch.nn.Module
    loss : callable
        Takes outputs and targets, returns the mean over the rows.
    """

    def __init__(self, module: torch.nn.Module, loss: Callable):
        super().__init__()
        self.module = module
        own = isinstance(loss, torch.nn.Module)
        self.loss = copy.deepcopy(loss).requires_grad_(False) if own else loss

    def forward(self, inputs, targets, labels=None, attention_mask=None) -> Told:
        """Return the loss and the outputs of a batch of :class:`Rows`."""
        outputs = self.module(*inputs)
        return Told(self.loss(outputs, targets), outputs)


@dataclass(frozen=True)
class Given:
    """A module with its loss and its rows, as the notebook gave them.

    Parameters
    ----------
    module : torch.nn.Module
    loss : callable
    rows : Rows
    held : Rows or None
        To evaluate on; None keeps a share of ``rows``.
    """

    module: torch.nn.Module
    loss: Callable
    rows: Rows
    held: Rows | None


@dataclass(frozen=True)
class ModulePlan:
    """The facts of one run over a module, as plain data; see :class:`workbench.training.plan.Plan`."""

    recipe: dict[str, Any]
    module: str
    loss: str
    trainable: str
    selected: list[str]
    optimizer: dict[str, Any]
    config_class: str | None
    config: dict[str, Any]
    data: dict[str, Any]
    max_steps: int
    threads: int
    device: str
    versions: dict[str, str]
    notes: list[str]
    # Runs over modules are never joined with others in one pass.
    fused: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as plain data."""
        return asdict(self)


def task_for(given: Given) -> str:
    """Try a module, its loss and its data together, and say which task that is.

    Raises
    ------
    RecipeError
        They do not go together.
    """
    batch = given.rows.batch(list(given.rows.order[:2]))
    model = WithLoss(copy_around(given.module), given.loss).eval()
    device = next(given.module.parameters()).device
    batch = fixed_batches([0], 1, lambda _: batch, device)[0]
    with torch.no_grad():
        try:
            outputs = model.module(*batch["inputs"])
        except Exception as error:
            allowed = f"what {type(given.module).__name__} takes"
            shapes = [tuple(part.shape) for part in batch["inputs"]]
            raise RecipeError([Problem("data", allowed, shapes, first_line(error))]) from error
        try:
            loss = model.loss(outputs, batch["targets"])
        except Exception as error:
            allowed = "a function of the module's outputs and the targets"
            said = f"it raised: {first_line(error)}"
            raise RecipeError([Problem("loss", allowed, loss_name(given.loss), said)]) from error
    if not torch.is_tensor(loss) or loss.dim():
        got = f"a tensor of shape {tuple(loss.shape)}" if torch.is_tensor(loss) else type(loss)
        allowed = "a function that returns one number as a tensor, the mean over the rows"
        raise RecipeError([Problem("loss", allowed, loss_name(given.loss), f"it returned {got}")])
    return "module_classify" if _are_classes(outputs, batch["targets"]) else "module"


def prepare_module(recipe: Recipe, given: Given) -> Prepared:
    """Make a run over a module ready to step; see :func:`workbench.training.prepare.prepare`."""
    recipe = recipe.resolved()
    technique = get(recipe.technique)
    rows, held = _split(recipe, given)
    max_steps = count_steps(recipe, len(rows))
    randomness = Randomness(recipe.seed)
    with randomness:
        adapted, config, selected = adapt_module(
            given.module, technique, recipe.technique_args, max_steps
        )
    facts = optimizer_facts(recipe, technique)
    optimizer = make_optimizer(facts, adapted)
    model = WithLoss(adapted, given.loss)
    accelerator = Accelerator()
    name = type(given.module).__name__
    set_up(recipe, model)
    _try_step(model.to(accelerator.device), rows, technique, name, recipe.seed)
    scheduler = transformers.get_scheduler(
        recipe.lr_scheduler_type,
        optimizer,
        num_warmup_steps=recipe.warmup_steps,
        num_training_steps=max_steps,
    )
    loader = shuffled(rows.order, recipe, rows.batch)
    # What it does after a step is about the adapted module and not about its loss.
    tail = partial(technique.after_step.load(), adapted) if technique.after_step else None
    model, optimizer, loader = accelerator.prepare(model, optimizer, loader)
    device, size = accelerator.device, recipe.per_device_eval_batch_size
    batches = fixed_batches(list(held.order), size, held.batch, device)
    steps = train(
        accelerator,
        model,
        optimizer,
        scheduler,
        loader,
        partial(evaluate_module, model, batches, ALL_TASKS[recipe.task].metric == "accuracy"),
        max_steps=max_steps,
        gradient_accumulation_steps=recipe.gradient_accumulation_steps,
        max_grad_norm=recipe.max_grad_norm,
        eval_steps=recipe.eval_steps,
        eval_on_start=recipe.eval_on_start,
        after_step=tail,
    )
    notes = [FAST_PATH] if fast_paths(adapted) and technique.trainable == "adapter" else []
    notes += [ORTHOGONAL] if config.get("orth_reg_weight") else []
    notes += computing_notes(recipe)
    plan = ModulePlan(
        recipe=recipe.to_dict(),
        module=repr(given.module),
        loss=loss_name(given.loss),
        trainable=technique.trainable,
        selected=selected,
        optimizer=facts,
        config_class=technique.config,
        config=config,
        data={"train": given.rows.name, "eval": given.held and given.held.name},
        max_steps=max_steps,
        threads=torch.get_num_threads(),
        device=str(device),
        versions={name: importlib.metadata.version(name) for name in PACKAGES},
        notes=notes,
    )
    return Prepared(
        plan=plan,
        model=adapted,
        tokenizer=None,
        steps=steps,
        loop_kwargs={},
        randomness=randomness,
        meter=MemoryMeter(model, optimizer),
        parameters=count_parameters(adapted, given.module),
        notes=list(notes),
        initial_state=None,
        largest_batch_step=1,
        shared_resources=(),
        # What the module and its loss draw from is not known.
        own_thread_rng=False,
    )


def loss_name(loss: Any) -> str:
    """Name a loss as its author would."""
    if isinstance(loss, torch.nn.Module) or not hasattr(loss, "__qualname__"):
        return repr(loss)
    return f"{loss.__module__}.{loss.__qualname__}"


def _split(recipe: Recipe, given: Given) -> tuple[Rows, Rows]:
    rows, held = given.rows, given.held
    if held is None:
        kept, away = split_rows(list(rows.order), recipe.eval_fraction, recipe.seed)
        if not kept:
            allowed = "small enough to leave rows to train on"
            why = "give more rows, or eval_data"
            raise RecipeError([Problem("eval_fraction", allowed, recipe.eval_fraction, why)])
        rows, held = rows.only(kept), rows.only(away)
    train_rows = rows.only(rows.order[: recipe.max_train_samples])
    return train_rows, held.only(held.order[: recipe.max_eval_samples])


def _try_step(model: WithLoss, rows: Rows, technique: Technique, name: str, seed: int) -> None:
    """See that the model trains and evaluates and gradients reach what is to learn; leave none."""
    batch = rows.batch(list(rows.order[:2]))
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    batch = fixed_batches([0], 1, lambda _: batch, trained[0].device)[0]
    # As in training, where some techniques do more; but no statistics are gathered over so few rows.
    model.train(not moving_statistics(model.module))
    with Randomness(seed):
        loss = say_misfit(technique, name, lambda: model(**batch).loss)
        if loss.requires_grad:
            say_misfit(technique, name, loss.backward)
        with torch.no_grad():
            say_misfit(technique, name, lambda: model.eval()(**batch))
    if all(parameter.grad is None for parameter in trained):
        why = "the loss does not depend on its trained parameters: name other target_modules"
        raise RecipeError(
            [
                Problem(
                    "technique", "one whose trained parameters affect the loss", technique.name, why
                )
            ]
        )
    for parameter in trained:
        parameter.grad = None


def _are_classes(outputs: Any, targets: Any) -> bool:
    """Tell whether outputs are scores of classes along their second dimension, targets the classes."""
    return (
        torch.is_tensor(outputs)
        and torch.is_tensor(targets)
        and targets.dtype == torch.long
        and outputs.dim() > 1
        and outputs.is_floating_point()
        and outputs.shape[:1] + outputs.shape[2:] == targets.shape
    )
