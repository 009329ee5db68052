"""What surrounds the loading of a model: silence, and one sentence when it fails."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterator

import transformers

from workbench.errors import ModelError, WorkbenchError, is_out_of_memory
from workbench.sources.models.folders import brings_code

_thread = threading.local()
_lock = threading.Lock()
_loads = 0
_bars = True


def hush_thread() -> None:
    """Keep transformers from warning in this thread, to its end.

    What a thread prints lands in whichever cell ran last. Other threads may go on being warned.
    """
    _thread.quiet = True


def _passes(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.ERROR or not getattr(_thread, "quiet", False)


transformers.utils.logging.get_logger()  # makes the handler
for handler in logging.getLogger("transformers").handlers:
    handler.addFilter(_passes)


@contextlib.contextmanager
def quiet_transformers() -> Iterator[None]:
    """Keep transformers from warning in this thread, and from drawing bars in any."""
    global _loads, _bars
    log = transformers.utils.logging
    before = getattr(_thread, "quiet", False)
    _thread.quiet = True
    with _lock:
        # Bars are switched for the whole process, so the last one out switches them back.
        if _loads == 0:
            _bars = log.is_progress_bar_enabled()
            log.disable_progress_bar()
        _loads += 1
    try:
        yield
    finally:
        _thread.quiet = before
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
        raise ModelError(f"The model {name!r} cannot be loaded: {reason}.") from error
