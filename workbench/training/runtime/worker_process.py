"""Modules that work in processes of their own, beside whatever trains in this one."""

from __future__ import annotations

import atexit
import contextlib
import os
import subprocess
import sys
import weakref
from typing import Any

_processes: weakref.WeakSet[subprocess.Popen] = weakref.WeakSet()


@atexit.register
def _end_all() -> None:
    for process in list(_processes):
        process.kill()


def start(module: str, *arguments: str, stdin: int = subprocess.DEVNULL) -> subprocess.Popen[Any]:
    """Start a module as a script, at a lower priority; it ends with this process at last.

    Parameters
    ----------
    module : str
        Its name: it answers in JSON, one object a line.
    *arguments : str
    stdin : int
        As :class:`subprocess.Popen` takes it; standard output is a pipe of text.
    """
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", module, *arguments],
        stdin=stdin,
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
