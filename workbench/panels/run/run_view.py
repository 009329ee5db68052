"""The panel's view of a run: its new events, and the latest of each kind."""

from __future__ import annotations

import statistics
import time
from collections import deque

from workbench.display.colours import PALETTE
from workbench.panels.chart.chart import LiveChart
from workbench.panels.chart.curves import RunCurves
from workbench.panels.run.earlier import EarlierRun
from workbench.runs.run import Run
from workbench.runs.shown_as import ShownAs, read_shown_as
from workbench.runs.time_left import time_left
from workbench.training.events import Evaluating, Evaluation, Event, TrainStep

# The states in words for the user.
STATE_NAMES = {
    "ready": "waiting",
    "preparing": "loading",
    "running": "training",
    "paused": "paused",
    "finished": "finished",
    "stopped": "stopped",
    "failed": "failed",
    "interrupted": "interrupted",
}


class RunView:
    """One run, read a few times a second by the panel's UI loop.

    Parameters
    ----------
    run : Run or EarlierRun
    number : int
        A number that no other run of the panel has or had, which chooses its colour.

    Attributes
    ----------
    label : str
        What the run is called in the panel.
    given : str or None
        The name that a person gave it.
    differs : str
        What sets it apart from the other runs.
    hidden : bool
        Whether it is left out of the table and the chart.
    """

    def __init__(self, run: Run | EarlierRun, number: int):
        self.run, self.number, self.key = run, number, f"run-{number}"
        self.train: TrainStep | None = None
        self.evaluation: Evaluation | None = None
        self.evaluating: Evaluating | None = None
        self.ranks: list[tuple[int, int]] = []  # step, and trainable parameters still in use
        self.ended = False
        shown = read_shown_as(run.path) if run.path else ShownAs()
        self.given, self.hidden = shown.label, shown.hidden
        self.label, self.differs = run.name, ""
        self._read = 0
        self._curves = RunCurves(self.key, run.recipe)
        self._in_chart = False
        self.first: float | None = None  # seconds of the first step
        self._paces: deque[float] = deque(maxlen=40)
        self._speeds: deque[float] = deque(maxlen=10)
        self._marks: deque[tuple[float, int]] = deque(maxlen=40)

    def read(self, chart: LiveChart) -> None:
        """Read the new events of the run and add their points to the chart."""
        if not self._in_chart and self.hidden:
            chart.hide(self.key)
        self._in_chart = True
        # The state is read first: what comes after it in time is then read too.
        self.ended = self.run.ended
        new = self.run.events[self._read :]
        self._read += len(new)
        self._curves.add(chart, self.label, new, self.run.plan)
        for event in new:
            self._note(event)
        self._mark()

    def call(self, label: str, chart: LiveChart) -> None:
        """Call the run something else, in the chart too."""
        self.label = label
        if self._in_chart:
            self._curves.add(chart, label, (), self.run.plan)

    def _note(self, event: Event) -> None:
        self.evaluating = event if isinstance(event, Evaluating) else None
        if isinstance(event, TrainStep):
            if self.train is not None:
                self._paces.append(event.seconds - self.train.seconds)
            else:
                self.first = event.seconds
            self.train = event
            if "trainable" in event.extra:
                self.ranks.append((event.step, event.extra["trainable"]))
            if event.tokens_per_second is not None:
                self._speeds.append(event.tokens_per_second)
        elif isinstance(event, Evaluation):
            self.evaluation = event

    def _mark(self) -> None:
        """Record how far the run is now; a pause does not count."""
        if self.run.state != "running":
            self._marks.clear()
        else:
            self._marks.append((time.monotonic(), self.run.progress[0]))

    @property
    def speed(self) -> float | None:
        """Mean tokens per second over the last steps."""
        return sum(self._speeds) / len(self._speeds) if self._speeds else None

    @property
    def pace(self) -> float | None:
        """Median seconds of the last steps; None before five were timed."""
        return statistics.median(self._paces) if len(self._paces) >= 5 else None

    @property
    def left(self) -> float | None:
        """Seconds left at the recent pace; None as long as the pace is unknown."""
        return time_left(list(self._marks), self.run.progress[1])

    @property
    def colour(self) -> str:
        """The colour of its curves, its row and its points."""
        return PALETTE[self.number % len(PALETTE)]

    @property
    def state(self) -> str:
        """The state in a word."""
        state = self.run.state
        if self.evaluating and state == "running":
            return "evaluating before stopping" if self.run.stopping else "evaluating"
        return "stopping" if self.run.stopping else STATE_NAMES[state]

    @property
    def verdict(self) -> str:
        """What is wrong with what was learned, in a word; empty where nothing is."""
        diagnosis = self.run.diagnosis
        return "" if diagnosis is None or self.run.state == "failed" else diagnosis.kind

    @property
    def score_step(self) -> int | None:
        """The step of its score, where that is not the last step of a run that has ended."""
        if self.evaluation is None or not self.run.ended:
            return None
        return self.evaluation.step if self.evaluation.step < self.run.progress[0] else None

    @property
    def css(self) -> str:
        """The classes of what is in the colour of its state: a run that does not learn is not green."""
        return f"wb-{self.run.state}" + (" wb-warned" if self.run.diagnosis else "")
