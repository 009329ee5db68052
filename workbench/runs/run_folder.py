"""A run's folder, while the run is going on; :mod:`workbench.runs.store` reads it afterwards."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from workbench.recipe import Recipe
from workbench.runs.disk import disk_errors, to_json, write_whole
from workbench.runs.event_log import EventLog
from workbench.training.events import Evaluation, Event, TrainStep

RECIPE, PLAN, METRICS, RESULT = "recipe.yaml", "plan.json", "metrics.jsonl", "result.json"
WEIGHTS = ("adapter", "model")


class RunFolder:
    """A run's folder, while the run is going on.

    Parameters
    ----------
    root : path
        Folder that holds the runs; made if it is missing.
    recipe : Recipe
    """

    def __init__(self, root: str | os.PathLike, recipe: Recipe):
        with disk_errors(root):
            Path(root).mkdir(parents=True, exist_ok=True)
            self.path = _new_folder(Path(root), recipe)
            try:
                write_whole(self.path / RECIPE, recipe.to_yaml())
                self._metrics = (self.path / METRICS).open("a", encoding="utf-8")
            except BaseException:
                shutil.rmtree(self.path, ignore_errors=True)
                raise

    def write_plan(self, plan: dict[str, Any]) -> None:
        """Keep what the recipe meant."""
        with disk_errors(self.path):
            write_whole(self.path / PLAN, to_json(plan, indent=2))

    def append(self, event: Event) -> None:
        """Add one event to the log, and see that it reaches the file."""
        with disk_errors(self.path):
            self._metrics.write(to_json(event.to_dict()) + "\n")
            self._metrics.flush()

    @contextlib.contextmanager
    def saving(self, name: str) -> Iterator[Path]:
        """Yield a folder to save weights into, which gets its name only when all is written."""
        unfinished = self.path / f".{name}-unfinished"
        with disk_errors(self.path):
            try:
                yield unfinished
                os.replace(unfinished, self.path / name)
            except BaseException:
                # What was written so far would take space on a disk that may be full.
                shutil.rmtree(unfinished, ignore_errors=True)
                raise

    def weights_bytes(self) -> int:
        """Return what the saved weights take on disk; 0 where none are."""
        saved = [self.path / name for name in WEIGHTS if (self.path / name).is_dir()]
        return directory_bytes(saved[0]) if saved else 0

    def finish(self, result: dict[str, Any]) -> None:
        """Write how the run ended. From here on the folder counts as a run."""
        self.close()
        with disk_errors(self.path):
            write_whole(self.path / RESULT, to_json(result, indent=2))

    def close(self) -> None:
        """Let go of the log file, whatever happened."""
        with contextlib.suppress(OSError):
            self._metrics.close()

    def discard(self) -> bool:
        """Remove the folder of a run that has no plan yet, as it never began; say whether it did."""
        if (self.path / PLAN).exists():
            return False
        self.close()
        shutil.rmtree(self.path, ignore_errors=True)
        return True


def summary(
    state: str,
    events: EventLog,
    *,
    error: BaseException | None,
    parameters: Mapping[str, Any],
    memory: Mapping[str, Any],
    adapter_bytes: int,
    notes: Sequence[str],
) -> dict[str, Any]:
    """Return what ``result.json`` tells of a run that ends in this state.

    Parameters
    ----------
    state : str
        ``finished``, ``stopped`` or ``failed``.
    events : EventLog
        All that happened.
    error : Exception or None
        Why it failed.
    parameters, memory : mapping
        What was counted; empty where it never was.
    adapter_bytes : int
        What the saved weights take on disk.
    notes : sequence of str
        What there is to know about the run.
    """
    last, evaluation = events.latest(TrainStep), events.latest(Evaluation)
    figures = evaluation.to_dict() if evaluation else {}
    return {
        "state": state,
        "error": str(error) if error else None,
        "steps": len(events.of(TrainStep)),
        "seconds": last.seconds if last else 0.0,
        "train_loss": last.loss if last else None,
        "evaluation": {name: value for name, value in figures.items() if name != "event"},
        "parameters": parameters,
        "memory": memory,
        "adapter_bytes": adapter_bytes,
        "notes": list(notes),
        "finished_at": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
    }


def directory_bytes(path: Path) -> int:
    """Add up the sizes of a folder's files."""
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())


def _new_folder(root: Path, recipe: Recipe) -> Path:
    stem = recipe.name or f"{recipe.technique}-{Path(recipe.data).stem}"
    stem = re.sub(r"[^\w.-]+", "-", stem).strip("-.") or "run"
    path = root / stem
    number = 1
    # A recipe's own name is kept as it is while it is free; made-up names are numbered from 1.
    if recipe.name is None:
        path = root / f"{stem}-{number}"
    while True:
        try:
            path.mkdir()
            return path
        except FileExistsError:
            number += 1
            path = root / f"{stem}-{number}"
