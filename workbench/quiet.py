"""Silence around what libraries say each time that the workbench loads or calls them, and nothing after."""

from __future__ import annotations

import contextlib
import logging
import re
import threading
import warnings
from collections.abc import Iterator
from typing import Any

# What these say at each start is that kernels for other machines are not here, or how they compute.
CHATTER = (
    "bitsandbytes.backends.cpu.ops",
    "bitsandbytes.autograd._functions",
    "torchao",
    "torch.utils._pytree",
)
# What the user of a run can do nothing about; the words would land in whichever cell ran last.
WARNINGS: tuple[tuple[str, type[Warning]], ...] = (
    # peft still asks transformers by the old name.
    (".*is_gradient_checkpointing.*", FutureWarning),
    # transformers gives generate() positions of its own, which virtual tokens have no use for.
    ("Position ids are not supported", UserWarning),
    # peft sees by itself which way round a layer keeps its weights.
    ("fan_in_fan_out is set to False", UserWarning),
    # bitsandbytes before 0.50 checks sizes by a name that torch is to give up.
    ("_check_is_size", FutureWarning),
)
_lock = threading.Lock()
_inside = 0
_placed: list[tuple[list[Any], Any]] = []


@contextlib.contextmanager
def quiet_loggers() -> Iterator[None]:
    """Keep :data:`CHATTER` from saying anything below an error in this thread.

    Examples
    --------
    >>> before = logging.getLogger("torchao").filters[:]
    >>> with quiet_loggers():
    ...     logging.getLogger("torchao").warning("no kernel")
    >>> logging.getLogger("torchao").filters == before
    True
    """
    own = threading.get_ident()

    def passes(record: logging.LogRecord) -> bool:
        return record.levelno >= logging.ERROR or record.thread != own

    loggers = [logging.getLogger(name) for name in CHATTER]
    for logger in loggers:
        logger.addFilter(passes)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(passes)


@contextlib.contextmanager
def quiet_warnings() -> Iterator[None]:
    """Ignore :data:`WARNINGS`, and no others, as long as somebody is inside.

    Filters are the whole process's. These are put before the others by the first who comes and taken out
    by the last who goes, where ``warnings.catch_warnings`` would put back what others have changed.

    Examples
    --------
    >>> before = warnings.filters[:]
    >>> with quiet_warnings():
    ...     warnings.warn("fan_in_fan_out is set to False but ...", stacklevel=1)
    >>> warnings.filters == before
    True
    """
    global _inside
    with _lock:
        if _inside == 0:
            for message, category in WARNINGS:
                _place(message, category)
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0:
                _take_out()


def _place(message: str, category: type[Warning]) -> None:
    """Put a filter before the others, unless the user has the same already."""
    if ("ignore", re.compile(message, re.IGNORECASE), category, None, 0) in warnings.filters:
        return
    warnings.filterwarnings("ignore", message=message, category=category)
    _placed.append((warnings.filters, warnings.filters[0]))  # type: ignore[arg-type]


def _take_out() -> None:
    """Take the filters out of the list that they are in, and of one that stands in its place."""
    for filters, entry in _placed:
        current: list[Any] = warnings.filters  # type: ignore[assignment]  # typeshed hides that it is a list
        for place in (filters, current):
            with contextlib.suppress(ValueError):
                place.remove(entry)
    _placed.clear()
