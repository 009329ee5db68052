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
import errno
import json
import math
import os
import re
import shutil
import time
import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbench.errors import RecipeError, StoreError
from workbench.recipe import Recipe
from workbench.registry.tasks import task_of
from workbench.runs.diagnosis import Diagnosis, diagnose
from workbench.runs.event_log import EventLog
from workbench.training.events import Evaluation, Event, TrainStep, read_event

RECIPE, PLAN, METRICS, RESULT = "recipe.yaml", "plan.json", "metrics.jsonl", "result.json"
WEIGHTS = ("adapter", "model")


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


class RunFolder:
    """A run's folder, while the run is going on.

    Parameters
    ----------
    root : path
        Folder that holds the runs; made if it is missing.
    recipe : Recipe
    """

    def __init__(self, root: str | os.PathLike, recipe: Recipe):
        with _disk(root):
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
        with _disk(self.path):
            write_whole(self.path / PLAN, _json(plan, indent=2))

    def append(self, event: Event) -> None:
        """Add one event to the log, and see that it reaches the file."""
        with _disk(self.path):
            self._metrics.write(_json(event.to_dict()) + "\n")
            self._metrics.flush()

    @contextlib.contextmanager
    def saving(self, name: str) -> Iterator[Path]:
        """Give a folder to save weights into, which gets its name only when all is written."""
        half = self.path / f".{name}-unfinished"
        with _disk(self.path):
            try:
                yield half
                os.replace(half, self.path / name)
            except BaseException:
                # What is left of it would take room on a disk that may be full.
                shutil.rmtree(half, ignore_errors=True)
                raise

    def weights_bytes(self) -> int:
        """Return what the saved weights take on disk; 0 where none are."""
        saved = [self.path / name for name in WEIGHTS if (self.path / name).is_dir()]
        return directory_bytes(saved[0]) if saved else 0

    def finish(self, result: dict[str, Any]) -> None:
        """Write how the run ended. From here on the folder counts as a run."""
        self.close()
        with _disk(self.path):
            write_whole(self.path / RESULT, _json(result, indent=2))

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
    named = (recipe.model, recipe.data, recipe.technique)
    if task_of(recipe.task) is None or not all(isinstance(name, str) for name in named):
        raise _damaged(path / RECIPE)
    plan = _read_json(path / PLAN, {})
    plan = {_PLAN_KEYS.get(name, name): value for name, value in plan.items()}
    result = _read_json(path / RESULT, {"state": "interrupted"}, needed={"state"})
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
    found = [path.parent for path in root.glob(f"*/{RECIPE}")]
    found.sort(key=lambda path: ((path / RECIPE).stat().st_mtime_ns, path.name))
    records = []
    for path in found:
        try:
            records.append(load_run(path))
        except (RecipeError, StoreError) as error:
            warnings.warn(f"The run in {str(path)!r} is left out: {error}", stacklevel=2)
    return records


def directory_bytes(path: Path) -> int:
    """Add up the sizes of a folder's files."""
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())


def write_whole(path: Path, text: str) -> None:
    """Write a file so that it is there whole or not at all."""
    half = path.with_name(f".{path.name}-unfinished")
    try:
        half.write_text(text, encoding="utf-8")
        os.replace(half, path)
    except BaseException:
        half.unlink(missing_ok=True)
        raise


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


def _events(path: Path) -> Iterator[Event]:
    if not path.is_file():
        return
    # A kill may have cut the last line short, and a disk may have hurt any other.
    for line in path.read_text(encoding="utf-8", errors="replace").split("\n"):
        with contextlib.suppress(ValueError):
            yield read_event(json.loads(line))


def _read_json(path: Path, absent: dict[str, Any], needed: Collection[str] = ()) -> dict[str, Any]:
    if not path.is_file():
        return absent
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        found = None
    if not isinstance(found, dict) or not set(needed) <= set(found):
        raise _damaged(path)
    return found


def _damaged(path: Path) -> StoreError:
    return StoreError(f"The file {str(path)!r} is damaged: delete or restore it.")


def _json(value: Any, indent: int | None = None) -> str:
    return json.dumps(_plain(value), indent=indent, ensure_ascii=False, allow_nan=False)


def _plain(value: Any) -> Any:
    """Make a value fit for JSON: what it has no word for becomes text."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return str(value)


@contextlib.contextmanager
def _disk(path: str | os.PathLike) -> Iterator[None]:
    """Say in a sentence what the disk refused."""
    try:
        yield
    except Exception as error:
        number = _refusal(error)
        if isinstance(error, StoreError) or number is None:
            raise
        reason = {
            errno.ENOSPC: "the disk is full: free some space, or give another folder",
            errno.EDQUOT: "your disk quota is used up: free some space, or give another folder",
            errno.EACCES: "you may not write there: give another folder",
            errno.EROFS: "it cannot be written to: give another folder",
        }.get(number, os.strerror(number) if number else str(error))
        raise StoreError(
            f"The run could not be saved in {os.fspath(path)!r}, because {reason}."
        ) from error


def _refusal(error: Exception) -> int | None:
    """Return the number of what the disk refused, 0 if it has none; None if it was not the disk."""
    if isinstance(error, OSError):
        return error.errno or 0
    # Libraries written in Rust, safetensors among them, have errors of their own for it.
    told = re.search(r"\(os error (\d+)\)", str(error))
    return int(told[1]) if told else None
