"""Carry out one recipe and wait for it."""

from __future__ import annotations

import os

from workbench.recipe import Recipe
from workbench.runs.run import Run


def train(recipe: Recipe, runs: str | os.PathLike = "runs", *, progress: bool = True) -> Run:
    """Carry out a recipe and return the finished run.

    Parameters
    ----------
    recipe : Recipe
    runs : path, default "runs"
        Folder in which the run's own folder is made.
    progress : bool, default True
        Show a bar on a terminal or in a notebook, plain lines elsewhere.

    Raises
    ------
    RecipeError
        With all that is wrong with the recipe.
    TrainingError
        The run failed; what it had is in its folder.
    """
    run = Run(recipe, runs).start()
    if not progress:
        return run.wait()
    from workbench.runs.progress import follow

    return follow(run)
