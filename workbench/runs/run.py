"""One run in this process: started, paused, resumed, stopped and waited for from any thread."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.errors import TrainingError
from workbench.recipe import Recipe
from workbench.runs.barrier import NO_BARRIER
from workbench.runs.execution import Controls, Execution
from workbench.runs.run_state import RunState
from workbench.runs.step_scheduler import StepScheduler
from workbench.runs.store import Record, load_run
from workbench.sources.lookup import SharedTables, check, load_data

if TYPE_CHECKING:
    from workbench.training.prepared import Prepared

# Runs that belong to no race take turns with each other, so that two in a notebook advance alike.
_ALONE = StepScheduler()


class Run(RunState):
    """A recipe being carried out in a thread.

    What it is at can be read from any thread, and every method may be called from any.

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
    path : Path or None
        The run's folder, once it has one.
    plan : dict
        See :class:`workbench.training.plan.Plan`; empty until the run is prepared.
    events : EventLog
        Every event so far. Appended to by the run's thread only.
    parameters : dict
        Trainable, total and injected parameters, once the run is prepared.
    memory : dict
        The latest memory figures in bytes.
    result : dict
        What ``result.json`` holds, at the end.
    progress : tuple of int
        Steps done, and steps in all.
    model, tokenizer
        What is trained, once the run is prepared.
    shared : tuple
        What other runs can use too for as long as somebody holds it: its base and its encoded rows.
    stepping : threading.Lock
        Held while a step changes the weights and the progress.
    error : Exception or None
        Why it failed.
    details : str
        The error's traceback, as text.
    named : threading.Event
        Set once the run's folder was made, or could not be.
    load_data : callable
        Reads a recipe's data, from ``tables`` if they hold it.
    barrier : PreparationBarrier
        Where it waits for others before its first step; to be set before it starts.
    """

    def __init__(
        self,
        recipe: Recipe,
        runs: str | os.PathLike = "runs",
        *,
        scheduler: StepScheduler | None = None,
        tables: SharedTables | None = None,
    ):
        super().__init__(self._check(recipe))
        self.runs = Path(runs)
        self.scheduler = scheduler or _ALONE
        self.barrier = NO_BARRIER
        self.load_data = tables.load if tables is not None else load_data
        self._controls = Controls()
        self._execution: Execution | None = None
        self._thread: threading.Thread | None = None

    def record(self) -> Record:
        """Return the run as its folder has it."""
        if self.path is None:
            why = "it could not begin" if self.ended else "start it first"
            raise TrainingError(f"The run {self.name!r} has no folder: {why}.")
        return load_run(self.path)

    def start(self) -> Run:
        """Begin in a thread of this process; returns at once."""
        if self._thread is not None:
            raise TrainingError(f"The run {self.name!r} was started already: make another one.")
        self.state = "preparing"
        self._execution = Execution(
            self, self.runs, self._prepare, self._controls, self.scheduler, self.barrier
        )
        work = self._execution.carry_out
        self._thread = threading.Thread(target=work, name=f"run {self.name}", daemon=True)
        self._thread.start()
        return self

    def pause(self) -> None:
        """Pause after the step in hand."""
        if not self.ended:
            self._controls.resumed.clear()
            self.scheduler.withdraw(self)

    def resume(self) -> None:
        """Go on after a pause."""
        self._controls.resumed.set()

    def stop(self) -> None:
        """End after the step in hand, and keep what was learnt."""
        self._controls.stopped.set()
        self._controls.resumed.set()
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

    # -- what a run over a module does otherwise ----------------------------------------------------

    @staticmethod
    def _check(recipe: Recipe) -> Recipe:
        return check(recipe)

    def _prepare(self) -> Prepared:
        # Here and not at the top: whoever reads runs needs neither torch nor peft.
        from workbench.training.prepare import prepare

        return prepare(self.recipe, self.load_data)
