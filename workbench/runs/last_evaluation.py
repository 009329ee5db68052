"""The evaluation of a run that is stopped: its last steps would have no metric without one."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from workbench.display.units import time as in_words
from workbench.runs.event_log import EventLog
from workbench.training.events import Evaluating, Evaluation, Event

if TYPE_CHECKING:
    from workbench.training.prepared import Prepared

# Whoever stops a run wants it to end: an evaluation that takes longer is left out.
MOST_SECONDS = 20.0
# The first batches may be slower than the others: for so long nothing is concluded from them.
TRIAL_SECONDS = 2.0


class LastEvaluation:
    """Evaluates what a stopped run has learnt, if its last step is not evaluated yet.

    Parameters
    ----------
    prepared : Prepared
        Its ``steps`` become the events of the evaluation; one that has begun goes on.
    events : EventLog
        The run's events so far.
    step : int
        The last step that was taken.

    Attributes
    ----------
    is_over : bool
        Whether there is nothing left to evaluate, or no time for it.
    note : str
        Why there is no evaluation of the last step; empty where there is one.
    """

    def __init__(self, prepared: Prepared, events: EventLog, step: int):
        self._step, self._latest = step, events.latest(Evaluation)
        self._began, self._batches = time.monotonic(), 0
        self.note = ""
        is_evaluated = self._latest is not None and self._latest.step == step
        self.is_over = prepared.evaluate is None or step == 0 or is_evaluated
        if self.is_over or isinstance(events[-1], Evaluating):
            return
        if self._latest is not None:
            self._leave_out_if_long(self._latest.seconds or 0.0)
        if not self.is_over and prepared.evaluate is not None:
            # Runs that train together go on without this one.
            prepared.steps.close()  # type: ignore[attr-defined]
            prepared.steps = prepared.evaluate(step)

    def hear(self, event: Event | None) -> None:
        """Take in the next event of the evaluation."""
        if not isinstance(event, Evaluating):
            self.is_over = True
            return
        self._batches += 1
        elapsed = time.monotonic() - self._began
        if elapsed > TRIAL_SECONDS:
            self._leave_out_if_long(elapsed * (1 + (event.total - event.done) / self._batches))

    def skip(self, why: str) -> None:
        """Leave it out, and say why."""
        self.is_over = True
        known = (
            f"its metric is that of step {self._latest.step:,}"
            if self._latest
            else "it has no metric"
        )
        self.note = f"Not evaluated after its last step ({self._step:,}), as {why}: {known}."

    def _leave_out_if_long(self, seconds: float) -> None:
        if seconds > MOST_SECONDS:
            self.skip(f"that would have taken about {in_words(seconds)}")
