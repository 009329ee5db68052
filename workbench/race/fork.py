"""Clone and change: a run made from another one, from its start or from what that has learnt so far."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

from workbench.errors import Problem, RecipeError, TrainingError
from workbench.recipe import Recipe
from workbench.runs.run import Run

# What must stay as it is where weights are taken along.
SAME = ("model", "revision", "quantization", "convert_conv1d", "task", "technique")


def clone_recipe(run: Run, weights: bool, changes: dict[str, Any]) -> Recipe:
    """Return a run's recipe with changes, and with its current weights to start from if asked.

    Raises
    ------
    RecipeError
        The changes are wrong, or do not go with the run's weights.
    TrainingError
        The run has no weights.
    """
    recipe = run.recipe.replace(**{"name": None, **changes}).check()
    if not weights:
        return recipe
    found = [
        Problem(name, f"{mine!r} as in {run.name!r}, whose weights are used", theirs)
        for name, (mine, theirs) in run.recipe.resolved().diff(recipe.resolved()).items()
        if name in SAME
    ]
    if found:
        raise RecipeError(found)
    if run.model is None or run.path is None or run.plan.get("trainable") == "nothing":
        raise TrainingError(
            f"The run {run.name!r} is {run.state} and has no weights to start from."
        )
    # Here and not at the top: whoever reads runs needs no torch.
    from workbench.training.adaptation.warm_start import learnt_shapes, shape_problem
    from workbench.training.inspection.skeleton import adapt_shapes, first_rows, shapes_of

    full = recipe.resolved()
    shapes, new_parameters = shapes_of(full, run.load_data)
    rows = first_rows(full, run.load_data)
    adapted, _ = adapt_shapes(full, copy.deepcopy(shapes), new_parameters, rows)
    problem = shape_problem(learnt_shapes(run.model), learnt_shapes(adapted), recipe.technique)
    if problem:
        raise RecipeError([problem])
    return recipe.replace(start_from=str(keep_weights(run)))


def keep_weights(run: Run) -> Path:
    """Keep what a run has learnt so far, between two of its steps; return the folder to start from."""
    from workbench.training.adaptation.warm_start import learnt, save_learnt

    with run.stepping:
        step, state = run.progress[0], learnt(run.model)
    folder = Path(run.record().path).resolve() / f"at-step-{step}"
    save_learnt(state, folder)
    return folder
