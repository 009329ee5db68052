"""A run's own thread: it prepares the run, steps it in turn with others, and saves what was learnt."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import TrainingError, first_line, is_out_of_memory
from workbench.runs.barrier import PreparationBarrier
from workbench.runs.controls import Controls
from workbench.runs.diagnosis import diagnose, is_due
from workbench.runs.failures import explain, let_go, make_room
from workbench.runs.last_evaluation import LastEvaluation
from workbench.runs.run_folder import RunFolder, summary
from workbench.runs.run_state import RunState
from workbench.runs.save_weights import save_weights
from workbench.runs.step_scheduler import StepScheduler
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

if TYPE_CHECKING:
    import torch

    from workbench.training.prepared import Prepared

# One run at a time is prepared: that loads models, and draws from all of the default generators.
_PREPARING = threading.Lock()

# The events that come from a run's steps.
STEP_EVENTS = (TrainStep, Evaluating, Evaluation)
AGAIN = (
    "Memory ran out while other runs were training too: the run started again, and does its "
    "steps alone until one of the others has ended."
)


class Execution:
    """Carries out a run, from its folder to its result.

    Parameters
    ----------
    run : RunState
        Written here and nowhere else.
    root : Path
        Folder in which the run's own folder is made.
    prepare : callable
        Returns the run as :class:`workbench.training.prepared.Prepared`.
    controls : Controls
    scheduler : StepScheduler
        Where turns are asked for.
    barrier : PreparationBarrier
        Where the run waits for others before its first step.
    """

    def __init__(
        self,
        run: RunState,
        root: Path,
        prepare: Callable[[], Prepared],
        controls: Controls,
        scheduler: StepScheduler,
        barrier: PreparationBarrier,
    ):
        self.run = run
        self.folder: RunFolder | None = None
        self._root, self._prepare_run = root, prepare
        self._controls, self._scheduler, self._barrier = controls, scheduler, barrier
        self._initial_state: dict[str, torch.Tensor] | None = None
        # Events that a run which has begun again has emitted before, and does not emit again.
        self._repeated = 0

    def carry_out(self) -> None:
        """Do all of it; whatever fails ends up in ``run.error``."""
        state = "failed"
        try:
            try:
                self.folder = RunFolder(self._root, self.run.recipe)
                self.run.path = self.folder.path
            finally:
                self.run.named.set()
            self._emit(State("preparing"))
            state = self._attempt_all()
        except BaseException as error:  # noqa: BLE001 (a thread has nobody above it to raise to)
            self._fail(error)
        self._barrier.release(self.run)
        self._scheduler.leave(self.run)
        self.run.shared = ()
        self.run.state = self._finish(state)
        self.run.notify(State(self.run.state))
        self.run.forget_listeners()

    # -- preparing and stepping -------------------------------------------------------------------

    def _attempt_all(self) -> str:
        """Prepare and train; once more where memory ran out because of other runs."""
        try:
            return self._prepare_and_train()
        except BaseException as error:
            # Others may have had the memory. Runs that train together cannot begin again one by one.
            can_begin_again = is_out_of_memory(error) and not self.run.plan.get("fused")
            if not (can_begin_again and self._scheduler.step_alone(self.run)):
                raise
            self.run.model = self.run.base = self._initial_state = None
            make_room(error)
        self.run.add_notes(AGAIN)
        self._change("preparing")
        self._repeated = sum(len(self.run.events.of(kind)) for kind in STEP_EVENTS)
        return self._attempt_all()

    def _prepare_and_train(self) -> str:
        from workbench.training.runtime.quiet_loading import quiet_thread

        with quiet_thread():
            prepared = self._prepare()
            return "stopped" if prepared is None else self._train(prepared)

    def _prepare(self) -> Prepared | None:
        """Return the prepared run; None if it was stopped before."""
        from workbench.training.runtime.intra_op_threads import use_threads

        if self._scheduler.threads is not None:
            use_threads(self._scheduler.threads)
        while not self._is_stopping():
            if not self._controls.resumed.is_set():
                self._pause("preparing")
                continue
            with _PREPARING, self._scheduler.slot(self.run, free=True) as slot:
                prepared = self._prepare_run() if slot.granted else None
            if prepared is not None:
                self._barrier.arrive(self.run, prepared, self._is_stopping)
                return prepared
        return None

    def _publish(self, prepared: Prepared) -> None:
        """Let others read what the prepared run is."""
        run, plan = self.run, prepared.plan.to_dict()
        run.shared = prepared.shared_resources
        run.plan = plan
        run.add_notes(*prepared.notes)
        run.parameters = prepared.parameters
        run.model, run.tokenizer = prepared.model, prepared.tokenizer
        run.base = next(iter(prepared.shared_resources), None)
        self._initial_state = prepared.initial_state
        run.progress = (0, prepared.plan.max_steps)
        self._open_folder().write_plan(plan)
        prepared.meter.phase("load")
        run.memory = prepared.meter.read()
        self._emit(Parameters.from_items(dict(prepared.parameters)))
        self._emit(Memory(0, run.memory))

    def _train(self, prepared: Prepared) -> str:
        steps: Any = (
            prepared.steps
        )  # a generator, or what acts as one in a group that trains together
        try:
            self._publish(prepared)
            self._change("running")
            while not self._is_stopping():
                if not self._controls.resumed.is_set():
                    self._pause("running")
                    continue
                with self._scheduler.slot(self.run) as slot:
                    if (
                        not (slot.granted and self._controls.resumed.is_set())
                        or self._is_stopping()
                    ):
                        continue
                    event = self._step(prepared)
                    slot.charge(event, shares=prepared.plan.fused > 0)
                if event is None:
                    return "finished"
                self._take(event, prepared)
            self._evaluate_last(prepared)
            done, total = self.run.progress
            # All that was left out, if anything was, is the evaluation.
            return "finished" if total and done == total else "stopped"
        finally:
            steps.close()
            self.run.memory = prepared.meter.read()

    def _evaluate_last(self, prepared: Prepared) -> None:
        """Evaluate what a stopped run has learnt, where that is quick and nobody skips it."""
        evaluation = LastEvaluation(prepared, self.run.events, self.run.progress[0])
        try:
            while not evaluation.is_over:
                if self._controls.evaluation_skipped.is_set():
                    evaluation.skip("that was skipped")
                    break
                with self._scheduler.slot(self.run) as slot:
                    if not slot.granted:
                        continue
                    event = self._step(prepared)
                if event is not None:
                    self._take(event, prepared)
                evaluation.hear(event)
        except Exception as error:  # noqa: BLE001 (what was learnt is saved, whatever happens here)
            let_go(error)
            evaluation.skip(
                f"that failed ({type(error).__name__}: {first_line(error).rstrip('.')})"
            )
        if evaluation.note:
            self.run.add_notes(evaluation.note)

    def _is_stopping(self) -> bool:
        # A run that has begun again first comes to where it was: what it has emitted must stay true.
        return self._controls.stopped.is_set() and not self._repeated

    def _pause(self, then: str) -> None:
        """Wait until the run is resumed or stopped, then change to the state that it goes on in."""
        self._change("paused")
        self._barrier.release(self.run)
        self._scheduler.rest(self.run)
        self._controls.resumed.wait()
        if not self._is_stopping():
            self._change(then)

    def _step(self, prepared: Prepared) -> Event | None:
        """Return the run's next event, for which it trains a step; None at the end."""
        randomness = prepared.randomness
        drawing = randomness.beside() if prepared.own_thread_rng else randomness
        # The meter counts what autograd keeps in the first step and in the one with the largest batch.
        counts = self.run.progress[0] + 1 in {1, prepared.largest_batch_step}
        with self.run.stepping, drawing, prepared.meter.counting() if counts else nullcontext():
            items = next(prepared.steps, None)
            event = None if items is None else read_event(items)
            if isinstance(event, TrainStep):
                self.run.progress = (event.step, prepared.plan.max_steps)
        return event

    def _take(self, event: Event, prepared: Prepared) -> None:
        """Emit a step's event, unless it was emitted before the run began again."""
        emit = self._emit if not self._repeated else lambda event: None
        self._repeated = max(0, self._repeated - 1)
        emit(event)
        if is_due(event):
            self._diagnose()
        if isinstance(event, Evaluation) or (isinstance(event, TrainStep) and event.step == 1):
            prepared.meter.phase(event.kind)
            self.run.memory = prepared.meter.read()
            emit(Memory(event.step, self.run.memory))

    def _diagnose(self) -> None:
        self.run.diagnosis = diagnose(self.run.recipe, self.run.plan, self.run.events)

    # -- ending -----------------------------------------------------------------------------------

    def _fail(self, error: BaseException) -> None:
        """Keep what went wrong; of several errors the first is the one that the user sees."""
        details = "".join(traceback.format_exception(error))
        let_go(error)
        if is_out_of_memory(error):
            self.run.model = self.run.base = self._initial_state = None
            make_room(error)
        if self.run.error is None:
            self.run.error = explain(error, self.run.recipe, self.run.state, self.run.plan)
            self.run.details = details

    def _finish(self, state: str) -> str:
        """Save what was learnt, then how the run ended, even if the weights cannot be saved."""
        if self.folder is None:
            return state
        error = self.run.error
        if error is not None and self.folder.discard():
            self.folder = self.run.path = None
            return state
        # A loss that is not finite stops a run before it changes the weights.
        diverged = isinstance(getattr(error, "__cause__", None), FloatingPointError)
        if state != "failed" or (diverged and self.run.losses):
            state = self._attempt(
                lambda: save_weights(self.run, self._open_folder(), self._initial_state), state
            )
        self._diagnose()
        if self.run.diagnosis is not None:
            self.run.add_notes(str(self.run.diagnosis))
        return self._attempt(lambda: self._conclude(state), state)

    def _attempt(self, act: Callable[[], None], state: str) -> str:
        try:
            act()
        except BaseException as error:  # noqa: BLE001 (a thread has nobody above it to raise to)
            self._fail(error)
            return "failed"
        return state

    def _conclude(self, state: str) -> None:
        self.run.result = summary(
            state,
            self.run.events,
            error=self.run.error,
            parameters=self.run.parameters,
            memory=self.run.memory,
            adapter_bytes=self._open_folder().weights_bytes(),
            notes=self.run.notes,
        )
        self._open_folder().finish(self.run.result)

    # -- events -----------------------------------------------------------------------------------

    def _open_folder(self) -> RunFolder:
        if self.folder is None:
            raise TrainingError("The run has no folder yet: start it first.")
        return self.folder

    def _change(self, state: str) -> None:
        self.run.state = state
        self._emit(State(state, self.run.progress[0]))

    def _emit(self, event: Event) -> None:
        """Add an event to the run's log, write it to the run's folder, and notify listeners."""
        self.run.events.append(event)
        if not isinstance(event, Evaluating):
            self._open_folder().append(event)
        self.run.notify(event)
