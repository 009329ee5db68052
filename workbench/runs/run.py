"""One run in this process: started, paused, resumed, stopped and waited for from any thread."""

from __future__ import annotations

import os
import threading
import traceback
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from workbench.errors import TrainingError, is_out_of_memory
from workbench.recipe import Recipe
from workbench.runs.barrier import NOBODY
from workbench.runs.ending import save, summary
from workbench.runs.failures import explain, let_go, make_room
from workbench.runs.step_scheduler import Gate
from workbench.runs.store import Record, RunFolder, load_run
from workbench.sources.lookup import SharedTables, check, load_data

# Runs that belong to no race take turns with each other, so that two in a notebook go on alike.
_ALONE = Gate()
# One run at a time is made ready: that loads models, and draws from all of the default generators.
_PREPARING = threading.Lock()

ENDED = ("finished", "stopped", "failed")

# The events that come from a run's steps.
TOLD_BY_STEPS = ("train", "evaluating", "eval")
AGAIN = (
    "Memory ran out while other runs stepped too: it began again, and steps alone until one of them is "
    "over."
)


class Run:
    """A recipe being carried out in a thread.

    Parameters
    ----------
    recipe : Recipe
        Checked here; all its problems are raised at once.
    runs : path, default "runs"
        Folder in which the run's own folder is made.
    gate : Gate, optional
        Where it asks for its turns; without one it takes turns with whatever else trains here.
    tables : SharedTables, optional
        Where its data may have been read already, for a panel or for other runs.

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
    shared : tuple
        What other runs can use too for as long as somebody holds it: its base and its encoded rows.
    stepping : threading.Lock
        Held while a step changes the weights and the progress.
    error : Exception or None
        Why it failed.
    """

    def __init__(
        self,
        recipe: Recipe,
        runs: str | os.PathLike = "runs",
        *,
        gate: Gate | None = None,
        tables: SharedTables | None = None,
    ):
        self.recipe = self._check(recipe)
        self.gate = gate or _ALONE
        self.meeting = NOBODY
        self._load_data = tables.load if tables is not None else load_data
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
        self.shared: tuple[Any, ...] = ()
        self.stepping = threading.Lock()
        self.error: BaseException | None = None
        self.details = ""
        self.named = threading.Event()  # its folder was made, or could not be
        self._go = threading.Event()
        self._go.set()
        self._stop = threading.Event()
        self._listeners: list[Callable[[Run, dict[str, Any]], None]] = []
        self._thread: threading.Thread | None = None
        self._folder: RunFolder | None = None
        self._began: Any = None
        self._asides: list[str] = []
        self._known = 0

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
            self.gate.call_out(self)

    def resume(self) -> None:
        """Go on after a pause."""
        self._go.set()

    def stop(self) -> None:
        """End after the step in hand, and keep what was learnt."""
        self._stop.set()
        self._go.set()
        self.gate.call_out(self)

    def join(self, timeout: float | None = None) -> None:
        """Wait until the run is over, however it ends."""
        if self._thread is None:
            raise TrainingError("The run was not started: call start() first.")
        self._thread.join(timeout)

    def wait(self, timeout: float | None = None) -> Run:
        """Wait until the run is over; raise what made it fail.

        An interrupt (Ctrl-C, "Interrupt Kernel") while waiting stops the run, saves it and goes on
        as KeyboardInterrupt.
        """
        try:
            self.join(timeout)
        except KeyboardInterrupt:
            self.stop()
            self.join()
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

        return prepare(self.recipe, self._load_data)

    # -- the run's own thread -----------------------------------------------------------------------

    def _work(self) -> None:
        state = "failed"
        try:
            try:
                self._folder = RunFolder(self.runs, self.recipe)
                self.path = self._folder.path
            finally:
                self.named.set()
            self._emit({"event": "state", "state": "preparing"})
            state = self._carry_out()
        except BaseException as error:  # noqa: BLE001 (a thread has nobody above it to tell)
            self._blame(error)
        self.meeting.excuse(self)
        self.gate.leave(self)
        self.shared = ()
        self.state = self._finish(state)
        self._tell({"event": "state", "state": self.state})

    def _carry_out(self) -> str:
        try:
            return self._go_through()
        except BaseException as error:
            # Others may have had the memory. What one of them began together cannot be taken up again.
            can_begin_again = is_out_of_memory(error) and not self.plan.get("fused")
            if not (can_begin_again and self.gate.step_alone(self)):
                raise
            self.model = self._began = None
            make_room(error)
        self._asides.append(AGAIN)
        self._change("preparing")
        # Its steps so far come again as they were, and are not told twice.
        self._known = sum(event["event"] in TOLD_BY_STEPS for event in self.events)
        return self._carry_out()

    def _go_through(self) -> str:
        prepared = self._prepare()
        return "stopped" if prepared is None else self._train(prepared)

    def _blame(self, error: BaseException) -> None:
        """Keep what went wrong; the first thing that did is the one to tell."""
        details = "".join(traceback.format_exception(error))
        let_go(error)
        if is_out_of_memory(error):
            self.model = self._began = None
            make_room(error)
        if self.error is None:
            self.error = explain(error, self.recipe, self.state)
            self.details = details

    def _prepare(self) -> Any:
        from workbench.training.runtime.intra_op_threads import use_threads
        from workbench.training.runtime.quiet_loading import hush_thread

        hush_thread()
        if self.gate.threads is not None:
            use_threads(self.gate.threads)
        while not self._stopping():
            if not self._go.is_set():
                self._rest("preparing")
                continue
            with _PREPARING, self.gate.turn(self, free=True) as turn:
                prepared = self._make_ready() if turn.granted else None
            if prepared is not None:
                self.meeting.come(self, prepared, self._stopping)
                return prepared
        return None

    def _tell_of(self, prepared: Any) -> None:
        self.shared = prepared.shared
        self.plan = prepared.plan.to_dict()
        self.notes = [*prepared.notes, *self._asides]
        self.parameters = prepared.parameters
        self.model, self.tokenizer = prepared.model, prepared.tokenizer
        self._began = prepared.began
        self.progress = (0, prepared.plan.max_steps)
        self._open_folder().write_plan(self.plan)
        prepared.meter.phase("load")
        self.memory = prepared.meter.read()
        self._emit({"event": "parameters", **prepared.parameters})
        self._emit({"event": "memory", "step": 0, **self.memory})

    def _train(self, prepared: Any) -> str:
        counted = {1, prepared.fullest}
        try:
            self._tell_of(prepared)
            self._change("running")
            while not self._stopping():
                if not self._go.is_set():
                    self._rest("running")
                    continue
                event: dict[str, Any] | None = {}
                with self.gate.turn(self) as turn:
                    if turn.granted and self._go.is_set() and not self._stopping():
                        event = self._step(prepared, counted)
                        turn.told(event, shares=prepared.plan.fused > 0)
                if event is None:
                    return "finished"
                if event:
                    self._take(event, prepared)
            return "stopped"
        finally:
            prepared.steps.close()
            self.memory = prepared.meter.read()

    def _stopping(self) -> bool:
        # Where a run begins again it first comes to where it was: what it has told it keeps.
        return self._stop.is_set() and not self._known

    def _rest(self, then: str) -> None:
        self._change("paused")
        self.meeting.excuse(self)
        self.gate.rest(self)
        self._go.wait()
        if not self._stopping():
            self._change(then)

    def _step(self, prepared: Any, counted: set[int]) -> dict[str, Any] | None:
        drawing = prepared.randomness.beside() if prepared.beside else prepared.randomness
        counting = self.progress[0] + 1 in counted
        with self.stepping, drawing, prepared.meter.counting() if counting else nullcontext():
            event = next(prepared.steps, None)
            if event is not None and event["event"] == "train":
                self.progress = (event["step"], prepared.plan.max_steps)
        return event

    def _take(self, event: dict[str, Any], prepared: Any) -> None:
        """Note and tell what a turn has given, unless that is known from before."""
        tell = self._emit if not self._known else lambda event: None
        self._known = max(0, self._known - 1)
        tell(event)
        if event["event"] == "eval" or (event["event"] == "train" and event["step"] == 1):
            prepared.meter.phase(event["event"])
            self.memory = prepared.meter.read()
            tell({"event": "memory", "step": event["step"], **self.memory})

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
            state = self._attempt(lambda: save(self, self._open_folder(), self._began), state)
        return self._attempt(lambda: self._conclude(state), state)

    def _attempt(self, act: Callable[[], None], state: str) -> str:
        try:
            act()
        except BaseException as error:  # noqa: BLE001
            self._blame(error)
            return "failed"
        return state

    def _conclude(self, state: str) -> None:
        self.result = summary(self, state)
        self._open_folder().finish(self.result)

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
