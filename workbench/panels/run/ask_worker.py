"""A thread that asks runs: a person's question first, examples while there is none."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field


@dataclass(eq=False)
class Job:
    """Something to do for a person, which can be taken back.

    Parameters
    ----------
    work : callable
        Called with a function that returns whether nobody wants the result any more.
    """

    work: Callable[[Callable[[], bool]], None]
    cancelled: threading.Event = field(default_factory=threading.Event)


class AskWorker:
    """Does one job at a time, in a thread that is started with the first.

    Parameters
    ----------
    failed : callable
        Called with the exception of a job that failed; the thread continues.
    """

    def __init__(self, failed: Callable[[Exception], object]):
        self._failed = failed
        self._changed = threading.Condition()
        self._question: Job | None = None
        self._others: deque[Job] = deque()
        self._current: Job | None = None
        self._again: Job | None = None  # a job that makes way for a question, and comes after it
        self._thread: threading.Thread | None = None

    def ask(self, work: Callable[[Callable[[], bool]], None]) -> None:
        """Do this next; what is being done makes way for it."""
        with self._changed:
            current = self._current
            if current is not None:
                current.cancelled.set()
                if current is not self._question and current is not self._again:
                    self._others.appendleft(Job(current.work))
            self._question = Job(work)
            self._begin()

    def fill(self, works: Iterable[Callable[[Callable[[], bool]], None]]) -> None:
        """Do these while there is no question, in place of those that were to be done."""
        with self._changed:
            self._drop_others()
            self._others = deque(map(Job, works))
            self._begin()

    def cancel(self) -> None:
        """Do nothing of all that was to be done."""
        with self._changed:
            self._drop_others()
            if self._question is not None:
                self._question.cancelled.set()
            self._question = None
            self._changed.notify_all()

    def wait(self, timeout: float = 60) -> bool:
        """Wait until there is nothing left to do; return whether there is not."""
        with self._changed:
            return self._changed.wait_for(self._is_idle, timeout)

    def _is_idle(self) -> bool:
        return self._question is None and not self._others and self._current is None

    def _drop_others(self) -> None:
        self._others.clear()
        if self._current is not None and self._current is not self._question:
            self._current.cancelled.set()
            self._again = self._current  # it is not wanted after a question either

    def _begin(self) -> None:
        self._changed.notify_all()
        if self._thread is None:
            self._thread = threading.Thread(target=self._loop, name="try it", daemon=True)
            self._thread.start()

    def _loop(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._question is not None or self._others)
                job = self._question or self._others.popleft()
                self._current = job
            try:
                job.work(job.cancelled.is_set)
            except Exception as error:  # noqa: BLE001 (a thread that dies would leave questions open)
                self._failed(error)
            with self._changed:
                if self._question is job:
                    self._question = None
                self._current = self._again = None
                self._changed.notify_all()
