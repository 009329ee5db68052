"""Carry out one recipe and wait for it."""

from __future__ import annotations

import os

from workbench.recipe import Recipe
from workbench.runs.run import Run


def train(recipe: Recipe, runs: str | os.PathLike = "runs", *, progress: bool = True) -> Run:
    """Train and evaluate a recipe, and return the finished run.

    Parameters
    ----------
    recipe : Recipe
    runs : path, default "runs"
        Folder in which the run's own folder is made.
    progress : bool, default True
        Show the run's card in a notebook, a progress bar on a terminal, plain lines elsewhere.

    Returns
    -------
    Run
        Its ``losses``, ``evaluations``, ``model`` and ``path``, among others.

    Raises
    ------
    RecipeError
        With all problems of the recipe.
    TrainingError
        The run failed; its folder contains what was done before.
    """
    run = Run(recipe, runs).start()
    if not progress:
        return run.wait()
    from workbench.runs.progress import follow

    return follow(run)
