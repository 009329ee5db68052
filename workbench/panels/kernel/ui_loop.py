"""Threads behind a panel: one that writes widgets, one that inspects recipes.

Two threads that set traits of one widget lose updates or fail, so every widget has one writer.
What a person fills in is written by the thread that handles the person's message; everything that
the panel shows by itself is written by one :class:`UiLoop`.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from IPython import get_ipython

T = TypeVar("T")


def on_main_thread(job: Callable[[], object]) -> None:
    """Call a function in the kernel's main thread, between two messages; at once without a kernel."""
    kernel = getattr(get_ipython(), "kernel", None)
    loop = getattr(kernel, "io_loop", None)
    if loop is None:
        job()
    else:
        loop.add_callback(job)


class UiLoop:
    """One thread that runs small jobs in order, and ticks while there is something to follow.

    Parameters
    ----------
    tick : callable
        Called again and again; returns whether to go on ticking.
    failed : callable
        Called with the exception of a job that failed; the loop continues.
    period : callable, optional
        Returns the seconds until the next tick, asked after each. Faster than a few times a second,
        messages to the browser are lost.
    """

    def __init__(
        self,
        tick: Callable[[], bool],
        failed: Callable[[Exception], None],
        period: Callable[[], float] = lambda: 0.5,
    ):
        self._tick, self._failed, self._period = tick, failed, period
        self._jobs: queue.SimpleQueue[Callable[[], object] | None] = queue.SimpleQueue()
        self._start = threading.Lock()
        self._thread: threading.Thread | None = None

    def post(self, job: Callable[[], object]) -> None:
        """Run a job in the UI loop's thread, after those that were posted before."""
        self._jobs.put(job)
        self._begin()

    def wake(self) -> None:
        """Tick now, and go on ticking while there is something to follow."""
        self._jobs.put(None)
        self._begin()

    def flush(self, timeout: float = 30) -> bool:
        """Wait until all jobs posted so far are done; return whether they are."""
        done = threading.Event()
        self.post(done.set)
        return done.wait(timeout)

    def _begin(self) -> None:
        with self._start:
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._work, name="panel UI loop", daemon=True
                )
                self._thread.start()

    def _work(self) -> None:
        follows, due = False, 0.0
        while True:
            try:
                job = self._jobs.get(timeout=max(due - time.monotonic(), 0) if follows else None)
            except queue.Empty:
                job = None
            if job is not None:
                self._guard(job)
                continue
            follows = bool(self._guard(self._tick))
            due = time.monotonic() + self._period()

    def _guard(self, job: Callable[[], object]) -> object:
        try:
            return job()
        except Exception as error:  # noqa: BLE001 (a thread that dies would freeze the panel)
            self._failed(error)
            return None


class Debouncer(Generic[T]):
    """One thread that works on the newest request, a moment after requests stop coming.

    Parameters
    ----------
    work : callable
        Called with the request and ``stale``, which returns whether a newer request has come.
    failed : callable
        Called with the exception of work that failed; the thread continues.
    pause : float
        Seconds without a new request before the work begins.
    """

    def __init__(
        self,
        work: Callable[[T, Callable[[], bool]], None],
        failed: Callable[[Exception], None],
        pause: float = 0.12,
    ):
        self._work, self._failed, self._pause = work, failed, pause
        self._change = threading.Condition()
        self._number = self._done = 0
        self._request: T | None = None
        self._thread: threading.Thread | None = None

    def ask(self, request: T) -> None:
        """Make a request; it replaces an earlier one."""
        with self._change:
            self._request = request
            self._number += 1
            self._change.notify_all()
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._loop, name="panel inspector", daemon=True
                )
                self._thread.start()

    def wait(self, timeout: float = 60) -> bool:
        """Wait until the newest request is done; return whether it is."""
        with self._change:
            return self._change.wait_for(lambda: self._done == self._number, timeout)

    def _loop(self) -> None:
        while True:
            with self._change:
                self._change.wait_for(lambda: self._done != self._number)
                number = self._number
                # While a slider is dragged a request comes every few milliseconds.
                while self._change.wait_for(lambda: self._number != number, self._pause):  # noqa: B023
                    number = self._number
                request = self._request
            if request is None:
                continue
            try:
                self._work(request, lambda: self._number != number)  # noqa: B023
            except Exception as error:  # noqa: BLE001 (a thread that dies would freeze the panel)
                self._failed(error)
            with self._change:
                self._done = number
                self._change.notify_all()
