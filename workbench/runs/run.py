"""One run in this process: started, paused, resumed, stopped and waited for from any thread."""

from __future__ import annotations

import os
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from workbench.catalog.lookup import check
from workbench.errors import TrainingError
from workbench.recipe import Recipe
from workbench.runs.failures import explain
from workbench.runs.store import WEIGHTS, Record, RunFolder, directory_bytes, load_run

# One step at a time in this process: torch's default generators are shared by all threads, and a
# run that steps while they hold another run's state would change both runs' losses.
_STEP = threading.Lock()

ENDED = ("finished", "stopped", "failed")


class Run:
    """A recipe being carried out in a thread.

    Parameters
    ----------
    recipe : Recipe
        Checked here; all its problems are raised at once.
    runs : path, default "runs"
        Folder in which the run's own folder is made.

    Attributes
    ----------
    state : str
        ``ready``, ``preparing``, ``running``, ``paused``, ``finished``, ``stopped`` or ``failed``.
    events : list of dict
        Every event so far. Appended to by the run's thread only.
    parameters : dict
        Trainable, total and injected parameters, once the run is prepared.
    memory : dict
        The latest memory figures in bytes.
    model, tokenizer
        What is trained, once the run is prepared.
    error : Exception or None
        Why it failed.
    """

    def __init__(self, recipe: Recipe, runs: str | os.PathLike = "runs"):
        self.recipe = self._check(recipe)
        self.runs = Path(runs)
        self.state = "ready"
        self.path: Path | None = None
        self.plan: dict[str, Any] = {}
        self.events: list[dict[str, Any]] = []
        self.notes: list[str] = []
        self.parameters: dict[str, Any] = {}
        self.memory: dict[str, Any] = {}
        self.result: dict[str, Any] = {}
        self.progress: tuple[int, int] = (0, 0)
        self.model: Any = None
        self.tokenizer: Any = None
        self.error: BaseException | None = None
        self.details = ""
        self._go = threading.Event()
        self._go.set()
        self._stop = threading.Event()
        self._listeners: list[Callable[[Run, dict[str, Any]], None]] = []
        self._thread: threading.Thread | None = None
        self._folder: RunFolder | None = None
        self._began: Any = None

    def __repr__(self) -> str:
        step, total = self.progress
        return f"Run({self.name!r}, {self.state}, step {step} of {total})"

    # -- what can be asked of it ------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The run's name: that of its folder once it has one."""
        return self.path.name if self.path else self.recipe.name or self.recipe.technique

    @property
    def losses(self) -> list[float]:
        """The training loss of each step so far."""
        return [event["loss"] for event in list(self.events) if event["event"] == "train"]

    @property
    def evaluations(self) -> list[dict[str, Any]]:
        """The evaluations so far."""
        return [event for event in list(self.events) if event["event"] == "eval"]

    @property
    def ended(self) -> bool:
        """Whether the run is over, however it ended."""
        return self.state in ENDED

    def record(self) -> Record:
        """Return the run as its folder tells it."""
        if self.path is None:
            why = "it could not begin" if self.ended else "start it first"
            raise TrainingError(f"The run {self.name!r} has no folder: {why}.")
        return load_run(self.path)

    def subscribe(self, listener: Callable[[Run, dict[str, Any]], None]) -> None:
        """Call ``listener(run, event)`` for each event, in the run's thread: it must be quick."""
        self._listeners.append(listener)

    # -- controls, safe from any thread -----------------------------------------------------------

    def start(self) -> Run:
        """Begin in a thread of this process; returns at once."""
        if self._thread is not None:
            raise TrainingError(f"The run {self.name!r} was started already: make another one.")
        self.state = "preparing"
        self._thread = threading.Thread(target=self._work, name=f"run {self.name}", daemon=True)
        self._thread.start()
        return self

    def pause(self) -> None:
        """Rest after the step in hand."""
        if not self.ended:
            self._go.clear()

    def resume(self) -> None:
        """Go on after a pause."""
        self._go.set()

    def stop(self) -> None:
        """End after the step in hand, and keep what was learnt."""
        self._stop.set()
        self._go.set()

    def wait(self, timeout: float | None = None) -> Run:
        """Wait until the run is over; raise what made it fail.

        An interrupt (Ctrl-C, "Interrupt Kernel") while waiting stops the run, saves it and goes on
        as KeyboardInterrupt.
        """
        if self._thread is None:
            raise TrainingError("The run was not started: call start() first.")
        try:
            self._thread.join(timeout)
        except KeyboardInterrupt:
            self.stop()
            self._thread.join()
            raise
        if self.error is not None:
            raise self.error
        return self

    # -- what a run over something else than a recipe's base does in its own way ----------------------

    @staticmethod
    def _check(recipe: Recipe) -> Recipe:
        return check(recipe)

    def _make_ready(self) -> Any:
        # Here and not at the top: whoever reads runs needs neither torch nor peft.
        from workbench.training.prepare import prepare

        return prepare(self.recipe)

    # -- the run's own thread -----------------------------------------------------------------------

    def _work(self) -> None:
        state = "failed"
        try:
            self._folder = RunFolder(self.runs, self.recipe)
            self.path = self._folder.path
            self._emit({"event": "state", "state": "preparing"})
            state = self._train(self._prepare())
        except BaseException as error:  # noqa: BLE001 (a thread has nobody above it to tell)
            self._blame(error)
        self.state = self._finish(state)
        self._tell({"event": "state", "state": self.state})

    def _blame(self, error: BaseException) -> None:
        """Keep what went wrong; the first thing that did is the one to tell."""
        if self.error is None:
            self.error = explain(error, self.recipe, self.state)
            self.details = "".join(traceback.format_exception(error))

    def _prepare(self) -> Any:
        from workbench.training.loading import hush_thread

        hush_thread()
        with _STEP:
            prepared = self._make_ready()
        self.plan = prepared.plan.to_dict()
        self.notes = prepared.notes
        self.parameters = prepared.parameters
        self.model, self.tokenizer = prepared.model, prepared.tokenizer
        self._began = prepared.began
        self.progress = (0, prepared.plan.max_steps)
        self._open_folder().write_plan(self.plan)
        prepared.meter.phase("load")
        self.memory = prepared.meter.read()
        self._emit({"event": "parameters", **prepared.parameters})
        self._emit({"event": "memory", "step": 0, **self.memory})
        return prepared

    def _train(self, prepared: Any) -> str:
        self._change("running")
        counted = {1, prepared.fullest}
        try:
            while True:
                if not self._go.is_set() and not self._stop.is_set():
                    self._change("paused")
                    self._go.wait()
                    if not self._stop.is_set():
                        self._change("running")
                if self._stop.is_set():
                    return "stopped"
                event = self._step(prepared, counted)
                if event is None:
                    return "finished"
                if event["event"] == "train":
                    self.progress = (event["step"], prepared.plan.max_steps)
                self._emit(event)
                if event["event"] == "eval" or (event["event"] == "train" and event["step"] == 1):
                    prepared.meter.phase(event["event"])
                    self.memory = prepared.meter.read()
                    self._emit({"event": "memory", "step": event["step"], **self.memory})
        finally:
            prepared.steps.close()
            self.memory = prepared.meter.read()

    def _step(self, prepared: Any, counted: set[int]) -> dict[str, Any] | None:
        with _STEP, prepared.randomness:
            if self.progress[0] + 1 in counted:
                with prepared.meter.counting():
                    return next(prepared.steps, None)
            return next(prepared.steps, None)

    def _finish(self, state: str) -> str:
        """Save what was learnt, then how the run ended, even if the weights cannot be saved."""
        if self._folder is None:
            return state
        if self.error is not None and self._folder.discard():
            self._folder = self.path = None
            return state
        # A loss that is not finite stops a run before it changes the weights.
        diverged = isinstance(getattr(self.error, "__cause__", None), FloatingPointError)
        if state != "failed" or (diverged and self.losses):
            state = self._attempt(self._save, state)
        return self._attempt(lambda: self._conclude(state), state)

    def _attempt(self, act: Callable[[], None], state: str) -> str:
        try:
            act()
        except BaseException as error:  # noqa: BLE001
            self._blame(error)
            return "failed"
        return state

    def _conclude(self, state: str) -> None:
        self.result = self._summary(state)
        self._open_folder().finish(self.result)

    def _save(self) -> None:
        from workbench.training.loading import quiet_transformers
        from workbench.training.save import save

        trains = self.plan["trains"]
        if trains == "nothing":
            return
        name = "model" if trains == "all" else "adapter"
        with self._open_folder().saving(name) as folder, quiet_transformers():
            save(self.model, self.tokenizer, trains, folder, self._began)

    def _summary(self, state: str) -> dict[str, Any]:
        steps = [event for event in self.events if event["event"] == "train"]
        final = self.evaluations[-1] if self.evaluations else {}
        folder = self._open_folder().path
        saved = [folder / name for name in WEIGHTS if (folder / name).is_dir()]
        return {
            "state": state,
            "error": str(self.error) if self.error else None,
            "steps": len(steps),
            "seconds": steps[-1]["seconds"] if steps else 0.0,
            "train_loss": steps[-1]["loss"] if steps else None,
            "evaluation": {key: value for key, value in final.items() if key != "event"},
            "parameters": self.parameters,
            "memory": self.memory,
            "adapter_bytes": directory_bytes(saved[0]) if saved else 0,
            "notes": self.notes,
            "finished_at": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        }

    def _open_folder(self) -> RunFolder:
        if self._folder is None:
            raise TrainingError("The run has no folder yet: start it first.")
        return self._folder

    def _change(self, state: str) -> None:
        self.state = state
        self._emit({"event": "state", "state": state, "step": self.progress[0]})

    def _emit(self, event: dict[str, Any]) -> None:
        self.events.append(event)
        if event["event"] != "evaluating":
            self._open_folder().append(event)
        self._tell(event)

    def _tell(self, event: dict[str, Any]) -> None:
        for listener in list(self._listeners):
            try:
                listener(self, event)
            except Exception:  # noqa: BLE001 (whoever watches must not be able to break a run)
                self._listeners.remove(listener)
                self.notes.append(f"A listener was dropped: {traceback.format_exc(limit=1)}")


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
