"""What surrounds the loading of a model: silence, and one sentence when it fails."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterator

from workbench.errors import ModelError, WorkbenchError, is_out_of_memory
from workbench.quiet import quiet_loggers, quiet_warnings
from workbench.sources.models.folders import brings_code

_thread = threading.local()
_lock = threading.Lock()
_inside = 0
_handlers: list[logging.Handler] = []
_loads = 0
_bars = True


def _passes(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.ERROR or not getattr(_thread, "quiet", False)


@contextlib.contextmanager
def quiet_thread() -> Iterator[None]:
    """Keep transformers from warning in this thread, and libraries from what nobody can do about.

    What a thread prints lands in whichever cell ran last. Other threads may go on being warned, and
    handlers, loggers and filters are as they were once nobody is inside.
    """
    with quiet_loggers(), quiet_warnings():
        import transformers

        before = getattr(_thread, "quiet", False)
        _thread.quiet = True
        transformers.utils.logging.get_logger()  # makes the handler
        _enter()
        try:
            yield
        finally:
            _leave()
            _thread.quiet = before


def _enter() -> None:
    global _inside
    with _lock:
        if _inside == 0:
            _handlers.extend(logging.getLogger("transformers").handlers)
            for handler in _handlers:
                handler.addFilter(_passes)
        _inside += 1


def _leave() -> None:
    global _inside
    with _lock:
        _inside -= 1
        if _inside == 0:
            for handler in _handlers:
                handler.removeFilter(_passes)
            _handlers.clear()


@contextlib.contextmanager
def quiet_transformers() -> Iterator[None]:
    """Keep transformers from warning in this thread, and from drawing bars in any."""
    global _loads, _bars
    with quiet_thread():
        import transformers

        log = transformers.utils.logging
        with _lock:
            # Bars are switched for the whole process, so the last one out switches them back.
            if _loads == 0:
                _bars = log.is_progress_bar_enabled()
                log.disable_progress_bar()
            _loads += 1
        try:
            yield
        finally:
            with _lock:
                _loads -= 1
                if _loads == 0 and _bars:
                    log.enable_progress_bar()


@contextlib.contextmanager
def loading(name: str) -> Iterator[None]:
    """Load quietly, and turn what a library raises into one sentence about the model.

    Parameters
    ----------
    name : str
        The model, as the user gave it.

    Raises
    ------
    ModelError
    """
    try:
        with quiet_transformers():
            yield
    except WorkbenchError:
        raise
    except Exception as error:
        if is_out_of_memory(error):
            raise
        if "trust_remote_code" in str(error):
            raise brings_code(name) from error
        reason = (str(error).strip().splitlines() or [""])[0].rstrip(".")
        if not isinstance(error, ValueError | RuntimeError | OSError):
            reason = f"{type(error).__name__} {reason}"
        if isinstance(error, ImportError):
            # What follows the first sentence is about installing it in general.
            reason = f"{reason.partition('. ')[0]}: install that package, or newer versions"
        raise ModelError(f"The model {name!r} cannot be loaded: {reason}.") from error
