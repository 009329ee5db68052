"""One run in this process: started, paused, resumed, stopped and waited for from any thread."""

from __future__ import annotations

import os
import threading
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench import imports
from workbench.errors import TrainingError
from workbench.recipe import Recipe
from workbench.runs.ask import Answer, ask
from workbench.runs.barrier import NO_BARRIER
from workbench.runs.controls import Controls
from workbench.runs.execution import Execution
from workbench.runs.run_state import RunState
from workbench.runs.step_scheduler import StepScheduler
from workbench.runs.store import Record, load_run
from workbench.sources.lookup import SharedTables, check, load_data

if TYPE_CHECKING:
    from workbench.training.prepared import Prepared

# Runs that belong to no race take turns with each other, so that two in a notebook advance alike.
_ALONE = StepScheduler()

# Those started in this process, as long as anything refers to them.
_STARTED: weakref.WeakSet[Run] = weakref.WeakSet()


class Run(RunState):
    """The training of a recipe in a thread of its own.

    Parameters
    ----------
    recipe : Recipe
        Checked here; all its problems are raised at once.
    runs : path, default "runs"
        Folder in which the run's own folder is made.
    scheduler : StepScheduler, optional
        Decides which run does the next step; by default one that all runs of the process share.
    tables : SharedTables, optional
        Cache of data that was read already, for a panel or for other runs.

    Attributes
    ----------
    state : str
        ``ready``, ``preparing``, ``running``, ``paused``, ``finished``, ``stopped`` or ``failed``.
    path : Path or None
        The run's folder, once it has one.
    plan : dict
        See :class:`workbench.training.plan.Plan`; empty until the run is prepared.
    events : EventLog
        All events so far. Only the run's thread appends to it.
    parameters : dict
        Numbers of trainable, total and added parameters, once the run is prepared.
    memory : dict
        The latest memory figures in bytes.
    result : dict
        What ``result.json`` holds, at the end.
    progress : tuple of int
        Steps done, and steps in all.
    model, tokenizer
        The adapted model and the tokenizer (or image processor), once the run is prepared.
    shared : tuple
        The base and the encoded rows, which other runs can use as long as a reference to them exists.
    stepping : threading.Lock
        Locked while a step changes the weights and the progress.
    error : Exception or None
        Why it failed.
    diagnosis : Diagnosis or None
        Why it does not learn, as far as its events show by now; see :mod:`workbench.runs.diagnosis`.
    details : str
        The error's traceback, as text.
    named : threading.Event
        Set once the run's folder was made, or could not be.
    load_data : callable
        Reads a recipe's data, from ``tables`` if they hold it.
    barrier : PreparationBarrier
        Where the run waits for others before its first step; set it before the run starts.

    Raises
    ------
    RecipeError
        With all problems of the recipe.

    Notes
    -----
    All methods may be called from any thread. Only the run's own thread writes its attributes; notes
    and listeners may be added from any (see :class:`workbench.runs.run_state.RunState`). Attributes that
    other threads read are replaced as a whole or only appended to, so they can be read at any moment. To
    read weights and progress of one and the same step, hold ``stepping``.
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
        """Return the run as read from its folder."""
        if self.path is None:
            why = "it could not start" if self.ended else "start it first"
            raise TrainingError(f"The run {self.name!r} has no folder: {why}.")
        return load_run(self.path)

    def start(self) -> Run:
        """Start the run in a thread of this process and return; the first run loads the libraries before."""
        if self._thread is not None:
            raise TrainingError(f"The run {self.name!r} was already started: create another one.")
        # Here and not in the thread, which could be in the way of what a cell imports meanwhile.
        imports.load(*imports.LIBRARIES, "workbench.training.prepare")
        _STARTED.add(self)
        self.state = "preparing"
        self._execution = Execution(
            self, self.runs, self._prepare, self._controls, self.scheduler, self.barrier
        )
        work = self._execution.carry_out
        self._thread = threading.Thread(target=work, name=f"run {self.name}", daemon=True)
        self._thread.start()
        return self

    def pause(self) -> None:
        """Pause the run after its current step."""
        if not self.ended:
            self._controls.resumed.clear()
            self.scheduler.withdraw(self)

    def resume(self) -> None:
        """Continue the run after a pause."""
        self._controls.resumed.set()

    def stop(self, evaluate: bool = True) -> None:
        """End the run after its current step, evaluate it, and save its trained weights.

        Parameters
        ----------
        evaluate : bool, default True
            Whether to evaluate the weights of the last step, so that the run has a metric; an evaluation that
            would take more than 20 seconds is left out. False ends one that is under way after a stop.
        """
        if not evaluate:
            self._controls.evaluation_skipped.set()
        self._controls.stopped.set()
        self._controls.resumed.set()
        self.scheduler.withdraw(self)

    @property
    def stopping(self) -> bool:
        """Return whether the run was stopped and has not ended yet."""
        under_way = self.state in ("preparing", "running", "paused")
        return under_way and self._controls.stopped.is_set()

    def join(self, timeout: float | None = None) -> None:
        """Wait until the run has ended, in whatever way."""
        if self._thread is None:
            raise TrainingError("The run was not started: call start() first.")
        self._thread.join(timeout)

    def wait(self, timeout: float | None = None) -> Run:
        """Wait until the run has ended; raise the error of a run that failed.

        An interrupt (Ctrl-C, "Interrupt Kernel") while waiting stops the run, saves it and is raised again
        as KeyboardInterrupt.
        """
        try:
            self.join(timeout)
        except KeyboardInterrupt:
            self.stop(evaluate=False)
            self.join()
            raise
        if self.error is not None:
            raise self.error
        return self

    def ask(self, content: Any, max_new_tokens: int | None = None) -> Answer | list[Answer]:
        """Predict or generate for a text: the run's answer beside that of its base model.

        A run that is training is asked between two of its steps; its losses stay the same bits.

        Parameters
        ----------
        content : str, path, bytes or list
            A text; for image classification the path of an image, or the bytes of its file; for
            ``instruct`` the messages before an answer too, as dicts with role and content; or a list of
            several.
        max_new_tokens : int, optional
            How many tokens to generate at most, for tasks that generate; None takes the recipe's number,
            and 60 for texts that are continued.

        Returns
        -------
        Answer
            Its ``text``, ``label``, ``probabilities`` or ``tags`` are the run's, those of ``answer.base``
            the base model's; for a list a list of them.

        Raises
        ------
        TrainingError
            The run has no model yet, or cannot predict for another reason.
        RecipeError
            An argument is wrong.

        Examples
        --------
        >>> run.ask("a lovely film")  # doctest: +SKIP
        Answer to 'a lovely film'
          base  positive 0.507 · negative 0.493  (its new head is not trained)
          run   positive 0.981 · negative 0.019
        """
        return ask(self, content, max_new_tokens=max_new_tokens)

    # -- what a run over a module does otherwise ----------------------------------------------------

    @staticmethod
    def _check(recipe: Recipe) -> Recipe:
        return check(recipe)

    def _prepare(self) -> Prepared:
        # Here and not at the top: whoever reads runs needs neither torch nor peft.
        from workbench.training.prepare import prepare

        return prepare(self.recipe, self.load_data)


def started_here() -> set[Path]:
    """Return the folders of runs that were started in this process and are still in use."""
    return {run.path.resolve() for run in list(_STARTED) if run.path is not None}


def are_training() -> bool:
    """Tell whether any run of this process is loading or training now."""
    return any(run.state in ("preparing", "running") for run in list(_STARTED))
