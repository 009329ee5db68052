"""Imports of large libraries in a background thread.

Python locks each module by itself while it is imported. Where modules import each other in a circle,
as those of transformers do, two threads can each hold a module that the other needs. Python then gives
one of them a module that is only half loaded, and it fails with an ImportError for a name that exists.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
import threading
import time
from collections.abc import Iterator
from types import FrameType

from workbench.quiet import quiet_loggers

# In parts, the largest first: between two of them a cell can import what it needs.
LIBRARIES = ("torch", "transformers.optimization", "peft")
PATIENCE = 30.0  # seconds to wait for imports of other threads


def load(*modules: str, patience: float = PATIENCE) -> None:
    """Import modules, one after another, so that no other thread imports anything meanwhile.

    Call it before code that may run in a background thread imports large libraries.

    Parameters
    ----------
    modules : str
        Their full names.
    patience : float, default 30
        Seconds to wait for imports that other threads have begun. An import may itself wait for this
        thread, so after that time the modules are imported all the same.

    Examples
    --------
    >>> load("json.decoder", "json.encoder")
    """
    for name in modules:
        if not _is_loaded(name):
            with quiet_loggers(), _no_other_imports(patience):
                importlib.import_module(name)


def _is_loaded(name: str) -> bool:
    module = sys.modules.get(name)
    spec = getattr(module, "__spec__", None)
    return module is not None and not getattr(spec, "_initializing", False)


@contextlib.contextmanager
def _no_other_imports(patience: float) -> Iterator[None]:
    try:
        # The only way to the lock that every import takes first; without it imports are as Python has them.
        import _imp
    except ImportError:
        yield
        return
    deadline = time.monotonic() + patience
    while True:
        # While this lock is held, no thread begins to import a module.
        _imp.acquire_lock()
        if not _others_import():
            break
        # A thread in the middle of an import may hold a module that is needed here.
        _imp.release_lock()
        if time.monotonic() > deadline:
            yield
            return
        time.sleep(0.02)
    try:
        yield
    finally:
        _imp.release_lock()


def _others_import() -> bool:
    """Return whether any other thread is in the middle of an import."""
    this = threading.get_ident()
    return any(_imports(frame) for thread, frame in sys._current_frames().items() if thread != this)


def _imports(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename == "<frozen importlib._bootstrap>":
            return True
        frame = frame.f_back
    return False
