"""What a run is at: written by the run's thread, read by any."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from workbench.recipe import Recipe
from workbench.runs.diagnosis import Diagnosis
from workbench.runs.event_log import EventLog
from workbench.runs.listeners import Listeners, Notes
from workbench.runs.question import Question, question_of
from workbench.training.events import Evaluation, Event

ENDED = ("finished", "stopped", "failed")


class RunState:
    """A run's state and figures.

    Parameters
    ----------
    recipe : Recipe

    Notes
    -----
    :class:`workbench.runs.run.Run` describes the attributes. They are written by the run's own thread, except
    for notes and listeners, which any thread may add. Whatever other threads read is replaced whole or
    only appended to, so that it may be read at any moment; whoever needs weights and progress of one and
    the same step holds ``stepping``.
    """

    def __init__(self, recipe: Recipe):
        self.recipe = recipe
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
        self.base: Any = (
            None  # the pristine one, as long as there is a model that shares its tensors
        )
        self.shared: tuple[Any, ...] = ()
        self.stepping = threading.Lock()
        self.error: BaseException | None = None
        self.diagnosis: Diagnosis | None = None
        self.details = ""
        self.named = threading.Event()
        self._notes = Notes()
        self._listeners = Listeners(self._notes)

    def __repr__(self) -> str:
        step, total = self.progress
        return f"{type(self).__name__}({self.name!r}, {self.state}, step {step} of {total})"

    @property
    def name(self) -> str:
        """Return the run's name: that of its folder once it has one."""
        return self.path.name if self.path else self.recipe.name or self.recipe.technique

    @property
    def losses(self) -> list[float]:
        """Return the training loss of each step so far, in nats per target."""
        return self.events.losses

    @property
    def evaluations(self) -> list[Evaluation]:
        """Return the evaluations so far, the earliest first."""
        return self.events.evaluations

    @property
    def question(self) -> Question:
        """Return its task and evaluation data: only runs with the same ones can be ranked."""
        return question_of(self.recipe, self.plan)

    @property
    def ended(self) -> bool:
        """Return whether the run has finished, was stopped or has failed."""
        return self.state in ENDED

    @property
    def notes(self) -> list[str]:
        """Return the notes about the run, in sentences, in the order in which they were added."""
        return self._notes.all()

    def add_notes(self, *notes: str) -> None:
        """Add notes about the run, from any thread; a note that is there already is not repeated."""
        self._notes.add(*notes)

    def subscribe(self, listener: Callable[[Self, Event], object]) -> None:
        """Call ``listener(run, event)`` for each event, in the run's thread: it must be quick."""
        self._listeners.add(listener)

    def notify(self, event: Event) -> None:
        """Tell all listeners of an event."""
        self._listeners.notify(self, event)

    def forget_listeners(self) -> None:
        """Drop all listeners after the last event."""
        self._listeners.clear()
