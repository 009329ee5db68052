"""Who steps next: runs ask for turns, and a scheduler grants as many at once as there are workers."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, field

from workbench.training.events import Event, TrainStep

TURNS = ("steps", "tokens", "seconds")

# How long a turn is kept for a run that is behind and has yet to ask for it.
PATIENCE = 0.05


@dataclass(eq=False)
class Slot:
    """One turn to step, as its holder has it.

    Parameters
    ----------
    granted : bool
        Whether it may be used; false if the run was called out of the queue.
    tokens : int or None
        To be set to what the run has read so far; None counts the turn like the run's last one.
    seconds : float or None
        To be set to what the run has cost so far, where a turn serves others too; None takes how long
        the turn was.
    """

    granted: bool
    tokens: int | None = None
    seconds: float | None = None

    def charge(self, event: Event | None, *, shares: bool) -> None:
        """Take from a step's event what the run has read, and what it has cost if others share it."""
        if isinstance(event, TrainStep):
            self.tokens = event.tokens
            self.seconds = event.seconds if shares else None


@dataclass(eq=False)
class _Member:
    used: float
    tokens: int = 0
    seconds: float = 0.0
    lane: Hashable = None
    asked: float = field(default_factory=time.monotonic)
    last: float = 0.0
    state: str = "coming"  # or "waiting", "stepping", "away"
    alone: bool = False
    called: threading.Event = field(default_factory=threading.Event)


class StepScheduler:
    """Grants turns; of the runs that wait, the one that has used least comes first.

    Every method may be called from any thread. One lock guards the members: it is held for looking
    and counting only, never while a run steps or waits for its turn.

    Parameters
    ----------
    workers : int, default 1
        How many turns are granted at once.
    turns : {"steps", "tokens", "seconds"}
        What is shared out fairly. A batch of an evaluation counts as a step, and as many tokens as
        the run's last step.
    threads : int, optional
        torch's intra-op threads in each turn; None leaves them.

    Examples
    --------
    >>> scheduler = StepScheduler(turns="tokens")
    >>> with scheduler.slot("a run") as slot:
    ...     slot.tokens = 96
    >>> scheduler.used("a run")
    96.0
    """

    def __init__(self, workers: int = 1, turns: str = "steps", threads: int | None = None):
        self.workers, self.turns, self.threads = workers, turns, threads
        self._lock = threading.Lock()
        self._members: dict[Hashable, _Member] = {}

    def join(self, run: Hashable) -> None:
        """Count a run in. One that comes late, or back from a pause, has used as much as the least."""
        with self._lock:
            self._join(run)

    def rest(self, run: Hashable) -> None:
        """Let others go ahead of a run until it asks again; what it has used is remembered."""
        with self._lock:
            if run in self._members:
                self._members[run].state = "away"
                self._grant()

    def share_lane(self, runs: Iterable[Hashable]) -> None:
        """Let only one of these runs step at a time: what it does, it does for all of them."""
        runs = tuple(runs)
        with self._lock:
            for run in runs:
                self._join(run).lane = runs

    def leave(self, run: Hashable) -> None:
        """Forget a run that is over; what it needed is there for those that had to step alone."""
        with self._lock:
            self._members.pop(run, None)
            for member in self._members.values():
                member.alone = False
            self._grant()

    def step_alone(self, run: Hashable) -> bool:
        """Let no other run step while this one does; tell whether any could have so far."""
        with self._lock:
            member = self._join(run)
            could = self.workers > 1 and len(self._members) > 1 and not member.alone
            member.alone = True
            return could

    def withdraw(self, run: Hashable) -> None:
        """Have a run that waits in the queue go on at once, without a turn."""
        with self._lock:
            member = self._members.get(run)
            if member is not None and member.state == "waiting":
                member.state = "coming"
                member.called.set()

    def used(self, run: Hashable) -> float:
        """Return what a run has used so far."""
        with self._lock:
            return self._members[run].used

    @contextlib.contextmanager
    def slot(self, run: Hashable, *, free: bool = False) -> Iterator[Slot]:
        """Wait for a turn and hold it; a ``free`` one is not counted."""
        member = self._ask(run)
        slot = Slot(granted=member.state == "stepping")
        began = time.perf_counter()
        try:
            yield slot
        finally:
            spent = {"steps": 1, "tokens": member.last, "seconds": time.perf_counter() - began}
            if slot.tokens is not None:
                spent["tokens"], member.tokens = slot.tokens - member.tokens, slot.tokens
            if slot.seconds is not None:
                spent["seconds"], member.seconds = slot.seconds - member.seconds, slot.seconds
            with self._lock:
                if slot.granted and not free:
                    member.last = spent[self.turns]
                    member.used += member.last
                member.state, member.asked = "coming", time.monotonic()
                self._grant()

    # -- with the lock held, but for _ask ---------------------------------------------------------

    def _ask(self, run: Hashable) -> _Member:
        with self._lock:
            member = self._join(run)
            member.state, member.asked = "waiting", time.monotonic()
            member.called.clear()
            self._grant()
        while not member.called.wait(PATIENCE):
            with self._lock:
                self._grant()
        return member

    def _join(self, run: Hashable) -> _Member:
        present = [other.used for other in self._members.values() if other.state != "away"]
        member = self._members.get(run)
        if member is None:
            member = self._members[run] = _Member(min(present, default=0.0))
        elif member.state == "away":
            member.used = max(member.used, min(present, default=0.0))
        return member

    def _grant(self) -> None:
        members = self._members.values()
        stepping = [member for member in members if member.state == "stepping"]
        while len(stepping) < self.workers and not any(member.alone for member in stepping):
            taken = {member.lane for member in stepping} - {None}
            waiting = [
                member
                for member in members
                if member.state == "waiting" and member.lane not in taken
            ]
            if not waiting:
                return
            first = min(waiting, key=lambda member: (member.used, member.asked))
            if any(self._is_due(member, first) for member in members) or (first.alone and stepping):
                return
            first.state = "stepping"
            first.called.set()
            stepping.append(first)

    def _is_due(self, member: _Member, other: _Member) -> bool:
        """Whether a run that is between two turns should have its next one before another."""
        return (
            member.state == "coming"
            and member.used + member.last < other.used
            and time.monotonic() - member.asked < PATIENCE
        )
