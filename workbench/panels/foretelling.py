"""The memory forecast of the recipe in hand: made by a process of its own.

A dry run is a second of Python, which would take its time from whatever trains in the kernel. The
process is started when it is first needed, answers one recipe after another and ends when nothing
has been asked for a while.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable
from typing import Any

from workbench.recipe import Recipe

IDLE = 300  # seconds without a question after which the process ends: it holds torch and peft

_processes: weakref.WeakSet[subprocess.Popen] = weakref.WeakSet()


@atexit.register
def _end_all() -> None:
    for process in list(_processes):
        process.kill()


class Foretelling:
    """Forecasts in the background, of the newest recipe that was asked for.

    Parameters
    ----------
    tell : callable
        Told a recipe, and its forecast as plain data, or its ``problem`` where there is none;
        called from a thread of its own.
    """

    def __init__(self, tell: Callable[[Recipe, dict[str, Any]], None]):
        self._tell = tell
        self._change = threading.Condition()
        self._asked: Recipe | None = None
        self._thread: threading.Thread | None = None

    def ask(self, recipe: Recipe) -> None:
        """Ask for a recipe's forecast, in place of what was asked before."""
        with self._change:
            self._asked = recipe
            self._change.notify_all()
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="forecasts", daemon=True)
                self._thread.start()

    def _work(self) -> None:
        process: subprocess.Popen | None = None
        while True:
            with self._change:
                if not self._change.wait_for(lambda: self._asked is not None, IDLE):
                    self._thread = None  # the next question starts another
                    break
                recipe, self._asked = self._asked, None
            if process is None or process.poll() is not None:
                process = _start()
            answer = _answer(process, recipe)
            with self._change:
                stale = self._asked is not None
            if not stale:
                self._tell(recipe, answer)
        if process is not None:
            process.kill()


def _answer(process: subprocess.Popen, recipe: Recipe) -> dict[str, Any]:
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(json.dumps(recipe.to_dict()) + "\n")
        process.stdin.flush()
        return json.loads(process.stdout.readline())
    except (OSError, ValueError):  # it was ended, such as by the system when memory ran out
        process.kill()
        return {"problem": "The process that makes memory forecasts ended before it had answered."}


def _start() -> subprocess.Popen:
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "workbench", "forecast", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        encoding="utf-8",
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONIOENCODING": "utf-8"},
    )
    _processes.add(process)
    with contextlib.suppress(AttributeError, OSError):  # where processes have no rank
        os.setpriority(os.PRIO_PROCESS, process.pid, 10)
    return process
