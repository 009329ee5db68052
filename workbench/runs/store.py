"""A run on disk is a folder that a person can read.

::

    runs/lora-reviews-1/
        recipe.yaml      what was asked for
        plan.json        what that meant: paths, columns, the technique's full configuration
        metrics.jsonl    one event a line, written as it happens
        result.json      how it ended; written last and whole, so its absence means "cut off"
        adapter/         what was learnt (model/ after full fine-tuning)

A kill at any moment loses at most the step in hand. Nothing here imports torch.
"""

from __future__ import annotations

import contextlib
import json
import os
import warnings
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbench.errors import RecipeError, StoreError
from workbench.recipe import Recipe
from workbench.registry.tasks import task_of
from workbench.runs.ask import Answer, ask
from workbench.runs.diagnosis import Diagnosis, diagnose
from workbench.runs.event_log import EventLog
from workbench.runs.run_folder import METRICS, PLAN, RECIPE, RESULT
from workbench.training.events import Evaluation, Event, read_event

# Fields of plans by the names that earlier versions wrote.
_PLAN_KEYS = {
    "fresh": "new_parameters",
    "trains": "trainable",
    "selects": "selector",
    "injects": "initializer",
    "restarts": "saves_difference",
    "wires": "forward_hook",
    "whole": "full_precision_modules",
}


@dataclass(frozen=True)
class Record:
    """A run as read from its folder.

    Parameters
    ----------
    path : Path
        The folder.
    recipe : Recipe
    plan : dict
        See :class:`workbench.training.plan.Plan`; empty if the run ended before it had one.
    events : EventLog
        All events in order.
    result : dict
        ``state`` and the final figures; ``{"state": "interrupted"}`` if the process ended before the run.
    """

    path: Path
    recipe: Recipe
    plan: dict[str, Any] = field(repr=False)
    events: EventLog = field(repr=False)
    result: dict[str, Any]

    @property
    def name(self) -> str:
        """Return the name of the run's folder."""
        return self.path.name

    @property
    def state(self) -> str:
        """``finished``, ``stopped``, ``failed`` or ``interrupted``."""
        return self.result["state"]

    @property
    def losses(self) -> list[float]:
        """Return the training loss of each step, in nats."""
        return self.events.losses

    @property
    def evaluations(self) -> list[Evaluation]:
        """Return the evaluations of the run, in order."""
        return self.events.evaluations

    @property
    def diagnosis(self) -> Diagnosis | None:
        """Why it did not learn, as far as its events show; see :mod:`workbench.runs.diagnosis`."""
        return diagnose(self.recipe, self.plan, self.events)

    def ask(self, content: Any, max_new_tokens: int | None = None) -> Answer | list[Answer]:
        """Return the answer of the saved weights, beside the base model's; see :meth:`workbench.Run.ask`."""
        return ask(self, content, max_new_tokens=max_new_tokens)


def load_run(path: str | os.PathLike) -> Record:
    """Read a run from its folder.

    Parameters
    ----------
    path : path
        The run's folder.

    Returns
    -------
    Record
        The recipe, the plan, all events and the result.

    Raises
    ------
    StoreError
        The folder does not exist or contains no run, or one of its files is damaged.
    RecipeError
        Its recipe cannot be read.
    """
    path = Path(path)
    if not path.is_dir():
        raise StoreError(
            f"The run folder must be an existing folder, but {str(path)!r} is not one."
        )
    if not (path / RECIPE).is_file():
        raise StoreError(
            f"The run folder must contain a {RECIPE}, but {str(path)!r} has none: give a folder "
            "that a run was saved in."
        )
    recipe = Recipe.from_yaml(path / RECIPE)
    names = (recipe.model, recipe.data, recipe.technique)
    if task_of(recipe.task) is None or not all(isinstance(name, str) for name in names):
        raise _damaged(path / RECIPE)
    plan = _read_json(path / PLAN, {})
    plan = {_PLAN_KEYS.get(name, name): value for name, value in plan.items()}
    result = _read_json(path / RESULT, {"state": "interrupted"}, required={"state"})
    return Record(path, recipe, plan, EventLog(_events(path / METRICS)), result)


def load_runs(root: str | os.PathLike) -> list[Record]:
    """Read all runs of a folder, in the order in which they were started.

    A run with damaged files is left out with a warning.

    Parameters
    ----------
    root : path
        The folder that contains the runs' folders.

    Returns
    -------
    list of Record

    Raises
    ------
    StoreError
        The folder does not exist.
    """
    root = Path(root)
    if not root.is_dir():
        raise StoreError(f"The folder of runs must exist, but {str(root)!r} does not.")
    folders = [path.parent for path in root.glob(f"*/{RECIPE}")]
    folders.sort(key=lambda path: ((path / RECIPE).stat().st_mtime_ns, path.name))
    records = []
    for path in folders:
        try:
            records.append(load_run(path))
        except (RecipeError, StoreError) as error:
            warnings.warn(f"The run in {str(path)!r} is left out: {error}", stacklevel=2)
    return records


def _events(path: Path) -> Iterator[Event]:
    if not path.is_file():
        return
    # A kill may have cut the last line short, and a disk may have hurt any other.
    for line in path.read_text(encoding="utf-8", errors="replace").split("\n"):
        with contextlib.suppress(ValueError):
            yield read_event(json.loads(line))


def _read_json(
    path: Path, default: dict[str, Any], required: Collection[str] = ()
) -> dict[str, Any]:
    if not path.is_file():
        return default
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        content = None
    if not isinstance(content, dict) or not set(required) <= set(content):
        raise _damaged(path)
    return content


def _damaged(path: Path) -> StoreError:
    return StoreError(f"The file {str(path)!r} is damaged: delete or restore it.")
