"""A plain ``torch.nn.Module`` from the notebook, adapted and made ready for the loop.

The module itself is never changed: what is trained is a copy around its own tensors. In the loop's
terms each row is one *target* and one *token*, so losses are weighted by rows.
"""

from __future__ import annotations

import copy
import importlib.metadata
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, NamedTuple

import torch
from accelerate.utils import send_to_device

from workbench.errors import Problem, RecipeError, first_line
from workbench.recipe import Recipe
from workbench.registry.tasks import ALL_TASKS
from workbench.registry.technique import Technique
from workbench.registry.techniques import get
from workbench.training.adaptation.meters import MemoryMeter, count_parameters
from workbench.training.adaptation.optimizer import make_optimizer, optimizer_facts
from workbench.training.adaptation.plain_module import (
    FAST_PATH,
    adapt_module,
    copy_sharing_parameters,
    fast_path_layers,
    in_one_sentence,
)
from workbench.training.adaptation.running_stats import moving_statistics
from workbench.training.inputs.array_rows import Rows
from workbench.training.inputs.collate import fixed_batches
from workbench.training.inputs.limits import count_steps
from workbench.training.inputs.row_order import shuffled
from workbench.training.inputs.split import split_rows
from workbench.training.loop import train
from workbench.training.module_evaluate import evaluate_module
from workbench.training.prepared import Prepared, loop_arguments
from workbench.training.runtime.accelerator import plain_accelerator
from workbench.training.runtime.rng import Randomness
from workbench.training.speedups.apply import computing_notes, guard, set_up
from workbench.training.speedups.comparison import first_batches

PACKAGES = ("torch", "peft", "accelerate", "safetensors")


ORTHOGONAL = "orth_reg_weight does nothing here: PEFT adds its penalty to a loss that the model itself returns."


class LossOutput(NamedTuple):
    """The loss of a batch, a number, and the module's outputs."""

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
        if isinstance(loss, torch.nn.Module):
            loss = copy.deepcopy(loss).requires_grad_(False)
        self.loss = loss

    def forward(self, inputs, targets, labels=None, attention_mask=None) -> LossOutput:
        """Return the loss and the outputs of a batch of :class:`Rows`."""
        outputs = self.module(*inputs)
        return LossOutput(self.loss(outputs, targets), outputs)


@dataclass(frozen=True)
class ModuleInputs:
    """A module with its loss and its rows, as they come from the notebook.

    Parameters
    ----------
    module : torch.nn.Module
    loss : callable
        Takes outputs and targets, returns the mean over the rows.
    rows : Rows
    eval_rows : Rows or None
        None splits a share of ``rows`` off.
    """

    module: torch.nn.Module
    loss: Callable
    rows: Rows
    eval_rows: Rows | None


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


def task_for(inputs: ModuleInputs) -> str:
    """Try a module, its loss and its data together, and return the task's name.

    Returns
    -------
    {"module", "module_classify"}

    Raises
    ------
    RecipeError
        They do not go together.
    """
    module = inputs.module
    model = WithLoss(copy_sharing_parameters(module), inputs.loss).eval()
    batch = _first_batch(inputs.rows, next(module.parameters()).device)
    with torch.no_grad():
        try:
            outputs = model.module(*batch["inputs"])
        except Exception as error:
            allowed = f"what {type(module).__name__} takes"
            shapes = [tuple(part.shape) for part in batch["inputs"]]
            raise RecipeError(
                [Problem("data", allowed, shapes, first_line(error).rstrip("."))]
            ) from error
        try:
            loss = model.loss(outputs, batch["targets"])
        except Exception as error:
            allowed = "a function of the module's outputs and the targets"
            hint = f"it raised: {first_line(error).rstrip('.')}"
            raise RecipeError([Problem("loss", allowed, loss_name(inputs.loss), hint)]) from error
    if not torch.is_tensor(loss) or loss.dim():
        got = f"a tensor of shape {tuple(loss.shape)}" if torch.is_tensor(loss) else type(loss)
        allowed = "a function that returns one number as a tensor, the mean over the rows"
        hint = f"it returned {got}"
        raise RecipeError([Problem("loss", allowed, loss_name(inputs.loss), hint)])
    return "module_classify" if _are_classes(outputs, batch["targets"]) else "module"


def prepare_module(recipe: Recipe, inputs: ModuleInputs) -> Prepared[ModulePlan]:
    """Make a run over a module ready to step; see :func:`workbench.training.prepare.prepare`."""
    recipe = recipe.resolved()
    technique = get(recipe.technique)
    rows, eval_rows = _split(recipe, inputs)
    max_steps = count_steps(recipe, len(rows))
    randomness = Randomness(recipe.seed)
    with randomness:
        adapted, config, selected = adapt_module(
            inputs.module, technique, recipe.technique_args, max_steps
        )
    optimizer = make_optimizer(optimizer_facts(recipe, technique), adapted)
    model = WithLoss(adapted, inputs.loss)
    accelerator = plain_accelerator()
    set_up(recipe, model)
    model.to(accelerator.device)
    loader = shuffled(rows.order, recipe, rows.batch)
    guard_notes = guard(recipe, model, first_batches(loader, 1, accelerator.device)[0])
    _try_step(model, rows, technique, type(inputs.module).__name__, recipe.seed)
    # What a technique does after a step is about the adapted module and not about its loss.
    arguments = loop_arguments(recipe, technique, adapted, optimizer, max_steps)
    model, optimizer, loader = accelerator.prepare(model, optimizer, loader)
    evaluate = _evaluation(recipe, model, eval_rows, accelerator.device)
    steps = train(
        accelerator,
        model,
        optimizer,
        train_loader=loader,
        evaluate=evaluate,
        **arguments,
    )
    plan = ModulePlan(
        recipe=recipe.to_dict(),
        module=repr(inputs.module),
        loss=loss_name(inputs.loss),
        trainable=technique.trainable,
        selected=selected,
        optimizer=optimizer_facts(recipe, technique),
        config_class=technique.config,
        config=config,
        data={"train": inputs.rows.name, "eval": inputs.eval_rows and inputs.eval_rows.name},
        max_steps=max_steps,
        threads=torch.get_num_threads(),
        device=str(accelerator.device),
        versions={name: importlib.metadata.version(name) for name in PACKAGES},
        notes=[*_notes(recipe, technique, adapted, config), *guard_notes],
    )
    return Prepared(
        plan=plan,
        model=adapted,
        tokenizer=None,
        steps=steps,
        evaluate=evaluate,
        loop_kwargs={},
        randomness=randomness,
        meter=MemoryMeter(
            model,
            optimizer,
            inputs.module,
            accumulates=recipe.gradient_accumulation_steps > 1,
        ),
        parameters=count_parameters(adapted, inputs.module),
        notes=list(plan.notes),
        initial_state=None,
        largest_batch_step=1,
        shared_resources=(),
        # The module and its loss may draw from any generator.
        own_thread_rng=False,
    )


def loss_name(loss: Any) -> str:
    """Name a loss as its author would."""
    if isinstance(loss, torch.nn.Module) or not hasattr(loss, "__qualname__"):
        return repr(loss)
    return f"{loss.__module__}.{loss.__qualname__}"


def _split(recipe: Recipe, inputs: ModuleInputs) -> tuple[Rows, Rows]:
    """Return the rows to train and to evaluate on."""
    rows, eval_rows = inputs.rows, inputs.eval_rows
    if eval_rows is None:
        train, held_out = split_rows(list(rows.order), recipe.eval_fraction, recipe.seed)
        if not train:
            allowed = "small enough to leave rows to train on"
            hint = "give more rows, or eval_data"
            raise RecipeError([Problem("eval_fraction", allowed, recipe.eval_fraction, hint)])
        rows, eval_rows = rows.only(train), rows.only(held_out)
    train_rows = rows.only(rows.order[: recipe.max_train_samples])
    return train_rows, eval_rows.only(eval_rows.order[: recipe.max_eval_samples])


def _first_batch(rows: Rows, device: torch.device) -> dict[str, Any]:
    """Return a batch of two rows, to try a module on."""
    return send_to_device(rows.batch(list(rows.order[:2])), device)


def _evaluation(
    recipe: Recipe, model: torch.nn.Module, rows: Rows, device: torch.device
) -> Callable[[int], Any]:
    """Return the function of a step's number that evaluates the model."""
    size = recipe.per_device_eval_batch_size
    batches = fixed_batches(list(rows.order), size, rows.batch, device)
    classifies = ALL_TASKS[recipe.task].metric == "accuracy"
    return partial(evaluate_module, model, batches, classifies)


def _notes(
    recipe: Recipe, technique: Technique, adapted: torch.nn.Module, config: dict[str, Any]
) -> list[str]:
    notes = []
    if technique.trainable == "adapter" and fast_path_layers(adapted):
        notes.append(FAST_PATH)
    if config.get("orth_reg_weight"):
        notes.append(ORTHOGONAL)
    return [*notes, *computing_notes(recipe)]


def _try_step(model: WithLoss, rows: Rows, technique: Technique, name: str, seed: int) -> None:
    """See that the model trains and evaluates, and that gradients reach what it trains; leave none."""
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    batch = _first_batch(rows, trained[0].device)
    # As in training, where some techniques do more; but no statistics are gathered over so few rows.
    model.train(not moving_statistics(model.module))
    with Randomness(seed):
        loss = in_one_sentence(technique, name, lambda: model(**batch).loss)
        if loss.requires_grad:
            in_one_sentence(technique, name, loss.backward)
        with torch.no_grad():
            in_one_sentence(technique, name, lambda: model.eval()(**batch))
    if all(parameter.grad is None for parameter in trained):
        allowed = "one whose trained parameters affect the loss"
        hint = "the loss does not depend on its trained parameters: name other target_modules"
        raise RecipeError([Problem("technique", allowed, technique.name, hint)])
    for parameter in trained:
        parameter.grad = None


def _are_classes(outputs: Any, targets: Any) -> bool:
    """Tell whether outputs are scores of shape (rows, classes, ...), and targets of shape (rows, ...)."""
    return (
        torch.is_tensor(outputs)
        and torch.is_tensor(targets)
        and targets.dtype == torch.long
        and outputs.dim() > 1
        and outputs.is_floating_point()
        and outputs.shape[:1] + outputs.shape[2:] == targets.shape
    )
