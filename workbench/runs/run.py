"""One run in this process: started, paused, resumed, stopped and waited for from any thread."""

from __future__ import annotations

import os
import threading
import traceback
import weakref
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from workbench import imports
from workbench.errors import TrainingError, is_out_of_memory
from workbench.recipe import Recipe
from workbench.runs.barrier import NO_BARRIER
from workbench.runs.event_log import EventLog
from workbench.runs.failures import explain, let_go, make_room
from workbench.runs.question import Question, question_of
from workbench.runs.step_scheduler import StepScheduler
from workbench.runs.store import Record, RunFolder, load_run, summary
from workbench.sources.lookup import SharedTables, check, load_data
from workbench.training.events import (
    Evaluating,
    Evaluation,
    Event,
    Memory,
    Parameters,
    State,
    TrainStep,
    read_event,
)

# Runs that belong to no race take turns with each other, so that two in a notebook go on alike.
_ALONE = StepScheduler()
# One run at a time is made ready: that loads models, and draws from all of the default generators.
_PREPARING = threading.Lock()

# Those started in this process, as long as somebody has them.
_STARTED: weakref.WeakSet[Run] = weakref.WeakSet()

ENDED = ("finished", "stopped", "failed")

# The events that come from a run's steps.
TOLD_BY_STEPS = (TrainStep, Evaluating, Evaluation)
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
    scheduler : StepScheduler, optional
        Where it asks for its turns; without one it takes turns with whatever else trains here.
    tables : SharedTables, optional
        Where its data may have been read already, for a panel or for other runs.

    Attributes
    ----------
    state : str
        ``ready``, ``preparing``, ``running``, ``paused``, ``finished``, ``stopped`` or ``failed``.
    events : EventLog
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

    Notes
    -----
    All that it holds is written by its own thread, but for three things, which any thread may do:
    ask it to pause, resume or stop (events, looked at between steps), subscribe, and add notes (under
    a lock). Whatever is read elsewhere is replaced whole or only appended to, so that it may be read
    at any moment; whoever needs weights and progress of one and the same step holds ``stepping``.
    """

    def __init__(
        self,
        recipe: Recipe,
        runs: str | os.PathLike = "runs",
        *,
        scheduler: StepScheduler | None = None,
        tables: SharedTables | None = None,
    ):
        self.recipe = self._check(recipe)
        self.scheduler = scheduler or _ALONE
        self.barrier = NO_BARRIER
        self._load_data = tables.load if tables is not None else load_data
        self.runs = Path(runs)
        self.state = "ready"
        self.path: Path | None = None
        self.plan: dict[str, Any] = {}
        self.events = EventLog()
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
        self._listeners: list[Callable[[Run, Event], None]] = []
        self._thread: threading.Thread | None = None
        self._folder: RunFolder | None = None
        self._began: Any = None
        self._notes: list[str] = []
        self._noting = threading.Lock()
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
        return self.events.losses

    @property
    def evaluations(self) -> list[Evaluation]:
        """The evaluations so far."""
        return self.events.evaluations

    @property
    def notes(self) -> list[str]:
        """What there is to know about it, in sentences, in the order in which it became known."""
        with self._noting:
            return list(self._notes)

    def add_notes(self, *notes: str) -> None:
        """Note something about the run, from any thread; what is noted already stays as it is."""
        with self._noting:
            self._notes += [note for note in dict.fromkeys(notes) if note not in self._notes]

    @property
    def question(self) -> Question:
        """What it is asked: only runs that are asked the same can be ranked."""
        return question_of(self.recipe, self.plan)

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

    def subscribe(self, listener: Callable[[Run, Event], None]) -> None:
        """Call ``listener(run, event)`` for each event, in the run's thread: it must be quick."""
        self._listeners.append(listener)

    # -- controls, safe from any thread -----------------------------------------------------------

    def start(self) -> Run:
        """Begin in a thread of this process; returns at once."""
        if self._thread is not None:
            raise TrainingError(f"The run {self.name!r} was started already: make another one.")
        # Here and not in the thread, which could be in the way of what a cell imports meanwhile.
        imports.load(*imports.LIBRARIES, "workbench.training.prepare")
        self.state = "preparing"
        _STARTED.add(self)
        self._thread = threading.Thread(target=self._work, name=f"run {self.name}", daemon=True)
        self._thread.start()
        return self

    def pause(self) -> None:
        """Rest after the step in hand."""
        if not self.ended:
            self._go.clear()
            self.scheduler.withdraw(self)

    def resume(self) -> None:
        """Go on after a pause."""
        self._go.set()

    def stop(self) -> None:
        """End after the step in hand, and keep what was learnt."""
        self._stop.set()
        self._go.set()
        self.scheduler.withdraw(self)

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
            self._emit(State("preparing"))
            state = self._carry_out()
        except BaseException as error:  # noqa: BLE001 (a thread has nobody above it to tell)
            self._blame(error)
        self.barrier.release(self)
        self.scheduler.leave(self)
        self.shared = ()
        self.state = self._finish(state)
        self._tell(State(self.state))

    def _carry_out(self) -> str:
        try:
            return self._go_through()
        except BaseException as error:
            # Others may have had the memory. What one of them began together cannot be taken up again.
            can_begin_again = is_out_of_memory(error) and not self.plan.get("fused")
            if not (can_begin_again and self.scheduler.step_alone(self)):
                raise
            self.model = self._began = None
            make_room(error)
        self.add_notes(AGAIN)
        self._change("preparing")
        # Its steps so far come again as they were, and are not told twice.
        self._known = sum(len(self.events.of(kind)) for kind in TOLD_BY_STEPS)
        return self._carry_out()

    def _go_through(self) -> str:
        from workbench.training.runtime.quiet_loading import quiet_thread

        with quiet_thread():
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

        if self.scheduler.threads is not None:
            use_threads(self.scheduler.threads)
        while not self._stopping():
            if not self._go.is_set():
                self._rest("preparing")
                continue
            with _PREPARING, self.scheduler.slot(self, free=True) as slot:
                prepared = self._make_ready() if slot.granted else None
            if prepared is not None:
                self.barrier.arrive(self, prepared, self._stopping)
                return prepared
        return None

    def _tell_of(self, prepared: Any) -> None:
        self.shared = prepared.shared_resources
        self.plan = prepared.plan.to_dict()
        self.add_notes(*prepared.notes)
        self.parameters = prepared.parameters
        self.model, self.tokenizer = prepared.model, prepared.tokenizer
        self._began = prepared.initial_state
        self.progress = (0, prepared.plan.max_steps)
        self._open_folder().write_plan(self.plan)
        prepared.meter.phase("load")
        self.memory = prepared.meter.read()
        self._emit(Parameters.from_items(dict(prepared.parameters)))
        self._emit(Memory(0, self.memory))

    def _train(self, prepared: Any) -> str:
        counted = {1, prepared.largest_batch_step}
        try:
            self._tell_of(prepared)
            self._change("running")
            while not self._stopping():
                if not self._go.is_set():
                    self._rest("running")
                    continue
                with self.scheduler.slot(self) as slot:
                    if not (slot.granted and self._go.is_set() and not self._stopping()):
                        continue
                    event = self._step(prepared, counted)
                    slot.charge(event, shares=prepared.plan.fused > 0)
                if event is None:
                    return "finished"
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
        self.barrier.release(self)
        self.scheduler.rest(self)
        self._go.wait()
        if not self._stopping():
            self._change(then)

    def _step(self, prepared: Any, counted: set[int]) -> Event | None:
        drawing = prepared.randomness.beside() if prepared.own_thread_rng else prepared.randomness
        counting = self.progress[0] + 1 in counted
        with self.stepping, drawing, prepared.meter.counting() if counting else nullcontext():
            items = next(prepared.steps, None)
            event = None if items is None else read_event(items)
            if isinstance(event, TrainStep):
                self.progress = (event.step, prepared.plan.max_steps)
        return event

    def _take(self, event: Event, prepared: Any) -> None:
        """Note and tell what a turn has given, unless that is known from before."""
        tell = self._emit if not self._known else lambda event: None
        self._known = max(0, self._known - 1)
        tell(event)
        if isinstance(event, Evaluation) or (isinstance(event, TrainStep) and event.step == 1):
            prepared.meter.phase(event.kind)
            self.memory = prepared.meter.read()
            tell(Memory(event.step, self.memory))

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

    def _save(self) -> None:
        """Save what was learnt, from what it began with where that is needed."""
        # A run that was stopped before it was ready has no plan, and has learnt nothing.
        trainable = self.plan.get("trainable", "nothing")
        if trainable == "nothing":
            return
        # Here and not at the top: whoever reads runs needs neither torch nor peft.
        from workbench.registry.techniques import get
        from workbench.training.adaptation.checkpoint import save
        from workbench.training.runtime.quiet_loading import quiet_transformers

        name = "model" if trainable == "all" else "adapter"
        with self._open_folder().saving(name) as half, quiet_transformers():
            save(self.model, self.tokenizer, get(self.recipe.technique), half, self._began)

    def _conclude(self, state: str) -> None:
        self.result = summary(
            state,
            self.events,
            error=self.error,
            parameters=self.parameters,
            memory=self.memory,
            adapter_bytes=self._open_folder().weights_bytes(),
            notes=self.notes,
        )
        self._open_folder().finish(self.result)

    def _open_folder(self) -> RunFolder:
        if self._folder is None:
            raise TrainingError("The run has no folder yet: start it first.")
        return self._folder

    def _change(self, state: str) -> None:
        self.state = state
        self._emit(State(state, self.progress[0]))

    def _emit(self, event: Event) -> None:
        self.events.append(event)
        if not isinstance(event, Evaluating):
            self._open_folder().append(event)
        self._tell(event)

    def _tell(self, event: Event) -> None:
        for listener in list(self._listeners):
            try:
                listener(self, event)
            except Exception:  # noqa: BLE001 (whoever watches must not be able to break a run)
                self._listeners.remove(listener)
                self.add_notes(f"A listener was dropped: {traceback.format_exc(limit=1)}")


def started_here() -> set[Path]:
    """Return the folders of runs that were started in this process and are not forgotten yet."""
    return {run.path.resolve() for run in list(_STARTED) if run.path is not None}
