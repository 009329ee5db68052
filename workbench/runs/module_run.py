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
from workbench.quiet import quiet_loggers
from workbench.recipe import FIELDS, Recipe
from workbench.registry.techniques import find
from workbench.runs.run import Run
from workbench.settings.conflicts import LAYERED

if TYPE_CHECKING:
    import torch

# A module comes with its data; of the settings about data only those that choose rows apply.
ROWS = ("eval_fraction", "max_train_samples", "max_eval_samples")
MEANT = tuple(
    name
    for name, spec in FIELDS.items()
    if spec.metadata["group"] in ("run", "technique", "training") or name in ROWS
)


class ModuleRun(Run):
    """A run that adapts a module of the notebook; otherwise like :class:`~workbench.Run`.

    It is started, paused, stopped, followed, stored and compared like any other run. Its ``model`` is
    the adapted copy. It cannot be exported: a script could not load the module.

    Parameters
    ----------
    module : torch.nn.Module
        Never changed. The run's model shares its frozen tensors, so do not write into them during the
        run.
    data : tuple of array-like, or torch.utils.data.Dataset
        Inputs and targets with one row per example, such as ``(x, y)`` with ``x`` of shape
        ``(rows, ...)`` and ``y`` of shape ``(rows, ...)``; with several inputs ``(a, b, y)``, with which
        the module is called in that order. Fractional numbers are converted to the module's dtype,
        integers to int64.
    loss : callable
        Takes the module's outputs and the targets of a batch; returns the mean over its rows.
    eval_data : like ``data``, optional
        None holds out ``eval_fraction`` of the rows for evaluation.
    recipe : Recipe, optional
        Technique and training settings; its base and data are ignored.
    runs : path, default "runs"
        Folder in which the run's own folder is made.
    **settings
        The recipe's settings and the technique's arguments, as :meth:`Recipe.replace` takes them.

    Raises
    ------
    RecipeError
        With all problems of the settings, or why module, loss and data do not work together.

    Notes
    -----
    ``tokens`` in its events are rows. Without ``target_modules``, the linear layers are wrapped, and the
    convolutions where the technique supports them: those of the repeated blocks if there are any, else
    all except the last. Running statistics (batch normalization) do not change unless all parameters are
    trained.
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
        recipe = _recipe(recipe, settings)
        # Here and not at the top: whoever reads runs needs no torch.
        imports.load(*imports.LIBRARIES, "workbench.training.prepare")
        with quiet_loggers():
            from workbench.training.inputs.array_rows import make_rows
            from workbench.training.prepare_module import ModuleInputs, task_for

        _check_module(module, loss)
        dtype = next(parameter.dtype for parameter in module.parameters())
        rows = make_rows("data", data, dtype)
        eval_rows = None if eval_data is None else make_rows("eval_data", eval_data, dtype)
        self._given = ModuleInputs(module, loss, rows, eval_rows)
        module_name = type(module).__name__
        super().__init__(
            replace(
                recipe,
                name=recipe.name or f"{recipe.technique}-{module_name}",
                model=module_name,
                task=task_for(self._given),
                data=rows.name,
                eval_data=eval_rows.name if eval_rows else None,
            ),
            runs,
        )

    @staticmethod
    def _check(recipe: Recipe) -> Recipe:
        return recipe

    def _prepare(self) -> Any:
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
    """Train a module with a technique and return the finished run.

    Parameters
    ----------
    module, data, loss
        See :class:`ModuleRun`, which starts without waiting.
    progress : bool, default True
        Show the run's card in a notebook, a progress bar on a terminal, plain lines elsewhere.
    **settings
        All other arguments of :class:`ModuleRun`.

    Returns
    -------
    Run
        Its ``model`` is the adapted copy of the module.

    Raises
    ------
    RecipeError
        With all problems of the settings, or why module, loss and data do not work together.
    TrainingError
        The run failed; its folder contains what was done before.

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
    """Adapt a copy of a module for your own training loop.

    Parameters
    ----------
    module : torch.nn.Module
        Never changed: the copy shares its frozen tensors and has its own copies of what is trained.
    technique : str, default "lora"
        Name of the technique.
    max_steps : int, optional
        Number of optimizer steps, for techniques whose schedule depends on it.
    **args
        The technique's arguments, with PEFT's names; see :class:`ModuleRun` for the layers that are
        wrapped without ``target_modules``.

    Returns
    -------
    torch.nn.Module
        Only the parameters to train require gradients. With PEFT's techniques it is a ``PeftModel``, with
        ``save_pretrained`` and its other methods.

    Raises
    ------
    RecipeError
        The technique cannot adapt this module, or its arguments are wrong.
    ModelError
        The module has no layers or parameters for this technique.

    Examples
    --------
    >>> import torch, workbench as wb
    >>> net = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.ReLU(), torch.nn.Linear(16, 2))
    >>> adapted = wb.adapt(net, "lora", r=4)
    >>> sum(parameter.numel() for parameter in adapted.parameters() if parameter.requires_grad)
    96
    """
    recipe = _recipe(None, {"technique": technique, "technique_args": args, "max_steps": max_steps})
    from workbench.registry.techniques import get
    from workbench.training.runtime.quiet_loading import quiet_thread

    imports.load(*imports.LIBRARIES, "workbench.training.prepare")
    _check_module(module)
    with quiet_thread():
        from workbench.training.adaptation.plain_module import adapt_module

        technique_args = recipe.resolved().technique_args
        return adapt_module(module, get(technique), technique_args, max_steps)[0]


def _recipe(recipe: Recipe | None, settings: Mapping[str, Any]) -> Recipe:
    """Make the recipe, and raise all that is wrong with its technique and training settings."""
    base = {name: getattr(recipe, name) for name in MEANT} if recipe else {}
    problems = [
        Problem(
            name,
            "left out for a module, which is its own base and has its own data",
            settings[name],
        )
        for name in settings
        if name in FIELDS and name not in MEANT
    ]
    combined = Recipe(**base).replace(
        **{name: value for name, value in settings.items() if name not in FIELDS or name in MEANT}
    )
    problems += [
        Problem(
            name,
            "False for a module",
            True,
            "it is for models of the transformers library",
        )
        for name in LAYERED
        if getattr(combined, name) is True
    ]
    technique = find(combined.technique)
    # Some task that the technique serves: which one it will be depends on the module and its data.
    checked = replace(combined, task=technique.tasks[0]) if technique else combined
    problems += checked.problems()
    if problems:
        raise RecipeError(problems)
    return combined


def _check_module(module: Any, loss: Any = len) -> None:
    import torch

    problems = []
    if not isinstance(module, torch.nn.Module) or isinstance(module, type):
        problems.append(Problem("module", "a torch.nn.Module", type(module).__name__))
    elif not any(True for _ in module.parameters()):
        problems.append(Problem("module", "one that has parameters", type(module).__name__))
    elif any(isinstance(part, torch.nn.UninitializedParameter) for part in module.parameters()):
        why = "run a batch through its lazy layers first"
        problems.append(
            Problem("module", "one whose parameters are initialized", type(module).__name__, why)
        )
    if not callable(loss):
        problems.append(Problem("loss", "a function of outputs and targets", loss))
    if problems:
        raise RecipeError(problems)
