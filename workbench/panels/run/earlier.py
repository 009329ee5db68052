"""Runs that are in a panel's folder from before, such as from before the kernel was restarted."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from workbench.errors import RecipeError, StoreError
from workbench.recipe import Recipe
from workbench.runs.diagnosis import Diagnosis
from workbench.runs.event_log import EventLog
from workbench.runs.run import started_here
from workbench.runs.store import RECIPE, Record, load_run
from workbench.training.events import Memory, Parameters, TrainStep

SHOWN = 8  # as many as there are colours


class EarlierRun:
    """A saved run, to be shown like one that has ended in this kernel.

    Parameters
    ----------
    record : Record
    """

    error: BaseException | None = None
    details = ""
    ended, stopping = True, False

    def __init__(self, record: Record):
        self.path: Path = record.path
        self.name: str = record.name
        self.recipe: Recipe = record.recipe
        self.state: str = record.state
        self.plan: dict[str, Any] = record.plan
        self.events: EventLog = record.events
        self.diagnosis: Diagnosis | None = record.diagnosis
        result = record.result
        error = [result["error"]] if result.get("error") else []
        self.notes: list[str] = [*error, *result.get("notes", [])]
        parameters, memory = self.events.latest(Parameters), self.events.latest(Memory)
        self.parameters: Mapping[str, Any] = result.get("parameters") or parameters or {}
        self.memory: Mapping[str, Any] = result.get("memory") or (memory.figures if memory else {})
        last = self.events.latest(TrainStep)
        step = last.step if last else 0
        self.progress: tuple[int, int] = (step, record.plan.get("max_steps", step))

    def __repr__(self) -> str:
        step, total = self.progress
        return f"EarlierRun({self.name!r}, {self.state}, step {step} of {total})"

    def pause(self) -> None:
        """Do nothing, because the run ended in an earlier kernel."""

    def resume(self) -> None:
        """Do nothing, because the run ended in an earlier kernel."""

    def stop(self, evaluate: bool = True) -> None:
        """Do nothing, because the run ended in an earlier kernel."""


def earlier_runs(
    folder: str | os.PathLike, most: int = SHOWN, shown: Collection[Path] = ()
) -> tuple[list[EarlierRun], int]:
    """Read the newest runs of a folder that were not started in this kernel.

    Parameters
    ----------
    folder : path
    most : int
        How many to read at most.
    shown : collection of Path
        Folders of runs to leave out, as they are shown already.

    Returns
    -------
    list of EarlierRun
        The oldest first.
    int
        How many older ones there are.
    """
    here = started_here() | {path.resolve() for path in shown}
    paths = [
        path.parent
        for path in Path(folder).glob(f"*/{RECIPE}")
        if path.parent.resolve() not in here
    ]
    paths.sort(key=lambda path: ((path / RECIPE).stat().st_mtime_ns, path.name))
    runs = []
    for path in paths[-most:]:
        try:
            runs.append(EarlierRun(load_run(path)))
        except (RecipeError, StoreError, OSError):
            continue  # a damaged folder must not hide the others
    return runs, max(len(paths) - most, 0)
