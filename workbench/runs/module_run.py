"""A plain ``torch.nn.Module`` from the notebook: adapted, or trained as any other run.

What is trained is a copy; the module keeps its bits. Nothing here imports torch before it is used.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from workbench import imports
from workbench.errors import Problem, RecipeError
from workbench.recipe import FIELDS, Recipe
from workbench.registry.techniques import find
from workbench.runs.run import Run
from workbench.settings.conflicts import LAYERED

if TYPE_CHECKING:
    import torch

# A module comes with its data; of these settings only the ones that choose rows mean something.
ROWS = ("eval_fraction", "max_train_samples", "max_eval_samples")
MEANT = tuple(
    name
    for name, spec in FIELDS.items()
    if spec.metadata["group"] in ("run", "technique", "training") or name in ROWS
)


class ModuleRun(Run):
    """A module being adapted in a thread: a :class:`~workbench.Run` over what the notebook holds.

    It is started, paused, stopped, followed, stored and compared like any other run. Its ``model`` is
    the adapted copy. It cannot be exported: a script could not load the module.

    Parameters
    ----------
    module : torch.nn.Module
        Never changed: the run's model shares its frozen tensors, so do not write into those while
        the run goes on.
    data : tuple of array-like, or torch.utils.data.Dataset
        Inputs and targets with one row per example, such as ``(x, y)``; with several inputs
        ``(a, b, y)``, which the module is called with in that order. Numbers with a fraction are
        brought to the module's dtype, whole ones to int64.
    loss : callable
        Takes the module's outputs and the targets, returns the mean over the rows.
    eval_data : like ``data``, optional
        None keeps ``eval_fraction`` of the rows for evaluation.
    recipe : Recipe, optional
        Where technique and training settings come from; its base and data are not looked at.
    runs : path, default "runs"
        Folder in which the run's own folder is made.
    **settings
        The recipe's settings and the technique's arguments, as :meth:`Recipe.replace` takes them.

    Raises
    ------
    RecipeError
        With what is wrong with the settings, or why module, loss and data do not go together.

    Notes
    -----
    ``tokens`` in its events are rows. Without ``target_modules``, the linear layers are wrapped, and
    the convolutions where the technique can: of the repeated blocks if there are some, else all but
    the last. Running statistics (batch normalisation) stay as they are unless everything is trained.
    """

    def __init__(
        self,
        module: torch.nn.Module,
        data: Any,
        loss: Callable[[Any, Any], torch.Tensor],
        *,
        eval_data: Any = None,
        recipe: Recipe | None = None,
        runs: str | os.PathLike = "runs",
        **settings: Any,
    ):
        made = _recipe(recipe, settings)
        # Here and not at the top: whoever reads runs needs no torch.
        imports.load(*imports.LIBRARIES, "workbench.training.prepare")
        from workbench.training.inputs.array_rows import make_rows
        from workbench.training.prepare_module import Given, task_for

        _check_module(module, loss)
        dtype = next(parameter.dtype for parameter in module.parameters())
        rows = make_rows("data", data, dtype)
        held = None if eval_data is None else make_rows("eval_data", eval_data, dtype)
        self._given = Given(module, loss, rows, held)
        kind = type(module).__name__
        super().__init__(
            replace(
                made,
                name=made.name or f"{made.technique}-{kind}",
                model=kind,
                task=task_for(self._given),
                data=rows.name,
                eval_data=held.name if held else None,
            ),
            runs,
        )

    @staticmethod
    def _check(recipe: Recipe) -> Recipe:
        return recipe

    def _make_ready(self) -> Any:
        from workbench.training.prepare_module import prepare_module

        return prepare_module(self.recipe, self._given)


def train_module(
    module: torch.nn.Module,
    data: Any,
    loss: Callable[[Any, Any], torch.Tensor],
    *,
    progress: bool = True,
    **settings: Any,
) -> Run:
    """Train a module by a technique and return the finished run.

    Parameters
    ----------
    module, data, loss
        See :class:`ModuleRun`, which starts without waiting.
    progress : bool, default True
        Show a bar on a terminal or in a notebook, plain lines elsewhere.
    **settings
        Whatever else :class:`ModuleRun` takes.

    Examples
    --------
    >>> import tempfile, torch, workbench as wb
    >>> x = torch.randn(64, 8, generator=torch.Generator().manual_seed(0))
    >>> y = (x.sum(1) > 0).long()
    >>> net = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.ReLU(), torch.nn.Linear(16, 2))
    >>> loss = torch.nn.functional.cross_entropy
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     run = wb.train_module(net, (x, y), loss, r=4, max_steps=5, runs=folder, progress=False)
    >>> run.state, len(run.losses), run.parameters["trainable"]
    ('finished', 5, 96)
    """
    run = ModuleRun(module, data, loss, **settings).start()
    if not progress:
        return run.wait()
    from workbench.runs.progress import follow

    return follow(run)


def adapt(
    module: torch.nn.Module,
    technique: str = "lora",
    *,
    max_steps: int | None = None,
    **args: Any,
) -> torch.nn.Module:
    """Adapt a copy of a module for a training loop of one's own.

    Parameters
    ----------
    module : torch.nn.Module
        Keeps its bits: the copy shares its frozen tensors and has its own of whatever is trained.
    technique : str, default "lora"
    max_steps : int, optional
        Optimizer steps to come, for techniques that plan over them.
    **args
        The technique's arguments, under PEFT's names; see :class:`ModuleRun` for the layers that are
        wrapped without ``target_modules``.

    Returns
    -------
    torch.nn.Module
        What is to be trained requires gradients and nothing else does. After PEFT's techniques it is a
        ``PeftModel``, with ``save_pretrained`` and all.

    Raises
    ------
    RecipeError, ModelError
        The technique cannot adapt this module, or its arguments are wrong.

    Examples
    --------
    >>> import torch, workbench as wb
    >>> net = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.ReLU(), torch.nn.Linear(16, 2))
    >>> adapted = wb.adapt(net, "lora", r=4)
    >>> sum(parameter.numel() for parameter in adapted.parameters() if parameter.requires_grad)
    96
    """
    recipe = _recipe(None, {"technique": technique, "technique_args": args, "max_steps": max_steps})
    imports.load(*imports.LIBRARIES, "workbench.training.prepare")
    from workbench.registry.techniques import get
    from workbench.training.adaptation.plain_module import adapt_module

    _check_module(module)
    given = recipe.resolved().technique_args
    return adapt_module(module, get(technique), given, max_steps)[0]


def _recipe(recipe: Recipe | None, settings: Mapping[str, Any]) -> Recipe:
    """Make the recipe, and raise all that is wrong with its technique and training settings."""
    taken = {name: getattr(recipe, name) for name in MEANT} if recipe else {}
    other = [
        Problem(name, "left out for a module, which brings its own base and data", settings[name])
        for name in settings
        if name in FIELDS and name not in MEANT
    ]
    made = Recipe(**taken).replace(
        **{k: v for k, v in settings.items() if k not in FIELDS or k in MEANT}
    )
    other += [
        Problem(
            name,
            "False for a module",
            True,
            "it is about the layers and rows of a model of transformers",
        )
        for name in LAYERED
        if getattr(made, name) is True
    ]
    technique = find(made.technique)
    # A task that it serves: which one it will be stands in no setting.
    found = replace(made, task=technique.tasks[0]).problems() if technique else made.problems()
    if found or other:
        raise RecipeError([*other, *found])
    return made


def _check_module(module: Any, loss: Any = len) -> None:
    import torch

    found = []
    if not isinstance(module, torch.nn.Module) or isinstance(module, type):
        found.append(Problem("module", "a torch.nn.Module", type(module).__name__))
    elif not any(True for _ in module.parameters()):
        found.append(Problem("module", "one that has parameters", type(module).__name__))
    elif any(isinstance(part, torch.nn.UninitializedParameter) for part in module.parameters()):
        why = "put a batch through its lazy layers first"
        found.append(Problem("module", "one that has its parameters", type(module).__name__, why))
    if not callable(loss):
        found.append(Problem("loss", "a function of outputs and targets", loss))
    if found:
        raise RecipeError(found)
