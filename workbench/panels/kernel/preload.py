"""The heavy libraries, loaded in the background while a person reads the panel."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable

from workbench import imports

MODULES = (
    *imports.LIBRARIES,
    "workbench.training.prepare",
    "workbench.training.inspection.skeleton",
    "workbench.training.inspection.look.rows",
    "workbench.runs.run",
)

_lock = threading.Lock()
_waiting: list[Callable[[], None]] = []
_ready = threading.Event()
_thread: threading.Thread | None = None
problem = ""


def ready() -> bool:
    """Return whether the libraries are loaded."""
    return _ready.is_set()


def load(then: Callable[[], None]) -> None:
    """Load the libraries in a thread unless that has begun, and call ``then`` afterwards."""
    global _thread
    with _lock:
        if not _ready.is_set():
            _waiting.append(then)
            if _thread is None:
                _thread = threading.Thread(target=_work, name="libraries", daemon=True)
                _thread.start()
            return
    then()


def _work() -> None:
    global problem
    try:
        imports.load(*MODULES)
    except Exception:  # noqa: BLE001 (shown in the panel)
        problem = traceback.format_exc()
    with _lock:
        _ready.set()
        waiting = _waiting[:]
        _waiting.clear()
    for then in waiting:
        then()
