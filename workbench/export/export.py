"""Write a run as a script."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from workbench.errors import Problem, RecipeError, StoreError, TrainingError
from workbench.export.script import script
from workbench.recipe import Recipe
from workbench.registry.tasks import MODULE_TASKS
from workbench.runs.disk import write_whole
from workbench.runs.run import Run
from workbench.runs.store import Record, load_run
from workbench.sources.datasets.locate import checksum


def export(
    run: Run | Record | Recipe | str | os.PathLike,
    path: str | os.PathLike,
    *,
    overwrite: bool = False,
) -> Path:
    """Write a run as a script that does not need PEFT Workbench and gives the same losses, to the last bit.

    Exporting the same run to the same path again changes nothing and is not an error. A file with other
    content, such as a script that was edited since, is not overwritten by default. Where the data has
    changed since the run, a warning says so.

    Parameters
    ----------
    run : Run, Record, Recipe or path
        A run, finished or not; the folder of one; or a recipe that was not run.
    path : path
        The script's file. Missing folders are created.
    overwrite : bool, default False
        Replace a file with other content.

    Returns
    -------
    Path
        The script.

    Raises
    ------
    RecipeError
        ``run`` is none of these, or the recipe has problems.
    TrainingError
        The run failed before its model and data were known, or it is over a module of the notebook.
    StoreError
        The file cannot be written or has other content, or there is no such run.

    Examples
    --------
    >>> import workbench as wb
    >>> run = wb.train(wb.Recipe(max_steps=20))  # doctest: +SKIP
    >>> wb.export(run, "train.py")  # doctest: +SKIP
    PosixPath('train.py')
    """
    path = Path(path)
    with _writing(path):
        _check_file(path)
    plan, source = _plan(run)
    for sentence in changes(plan):
        warnings.warn(sentence, stacklevel=2)
    text = script(plan, source, path)
    with _writing(path):
        if not overwrite and path.exists():
            _check_same(path, text)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text)
    return path


def changes(plan: Mapping[str, Any]) -> Iterator[str]:
    """Say which files and folders of data are no longer what the run has read."""
    for path, known in plan["data"]["sha256"].items():
        if not Path(path).exists():
            what = "is no longer there"
        elif checksum(path) != known:
            what = "has changed since the run"
        else:
            continue
        kind = "folder" if Path(path).is_dir() else "file"
        yield f"The data {kind} {path!r} {what}, so the script will not give the run's losses."


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Say in a sentence what the disk refused."""
    try:
        yield
    except StoreError:
        raise
    except OSError as error:
        raise StoreError(
            f"The script could not be written to {str(path)!r} "
            f"({error.strerror or error}): give a path that you may write to."
        ) from error


def _check_file(path: Path) -> None:
    if path.is_dir():
        raise StoreError(
            f"path must be a file, but {str(path)!r} is a folder: "
            f"give a file in it, such as {str(path / 'train.py')!r}."
        )


def _check_same(path: Path, text: str) -> None:
    if path.read_bytes() != text.encode():
        raise StoreError(
            f"path must be a new file, but {str(path)!r} exists and has other content: "
            "give another name, or pass overwrite=True to replace it."
        )


def _plan(run: Any) -> tuple[Mapping[str, Any], str]:
    """Return the plan of what is to be exported, and what that is in words."""
    if isinstance(run, Recipe):
        # Here and not at the top: looking up models and data takes torch and transformers.
        from workbench.training.resolve import resolve

        name = run.name or f"{run.technique}-{Path(run.data).stem}"
        return resolve(run).plan.to_dict(), f"the recipe {name}"
    if isinstance(run, str | os.PathLike):
        run = load_run(run)
    if not isinstance(run, Run | Record):
        raise RecipeError([Problem("run", "a run, a run's folder or a recipe", run)])
    if not run.plan:
        raise TrainingError(
            f"The run {run.name!r} is {run.state} and has no plan yet, so there is nothing to "
            "export: export its recipe instead."
        )
    if run.recipe.task in MODULE_TASKS:
        raise TrainingError(
            f"The run {run.name!r} adapted a {run.recipe.model} that was made in the notebook, with data from "
            "there, so no script can repeat it: keep the notebook, and load the trained adapter with "
            "PeftModel.from_pretrained onto the same module."
        )
    return run.plan, f"the run {run.name}"
