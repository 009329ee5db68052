"""What threads that train side by side must not have each for itself: cores, and places to keep memory."""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Callable

import torch

_M_ARENA_MAX = -8  # as malloc.h has it
_HAS_GLIBC = sys.platform == "linux" and hasattr(ctypes.CDLL(None), "malloc_trim")


def use_threads(number: int) -> None:
    """Let this thread compute with so many intra-op threads.

    torch keeps one number for each thread and one that new threads begin with, and sets both at once:
    the second is put back here.
    """
    # A thread takes the number to begin with when it first computes or asks, which would be too late.
    torch.get_num_threads()
    fresh: list[int] = []
    _in_new_thread(lambda: fresh.append(torch.get_num_threads()))
    torch.set_num_threads(number)
    _in_new_thread(lambda: torch.set_num_threads(fresh[0]))


def share_arenas(number: int) -> None:
    """Let all threads of this process keep what they have freed in so many places together.

    glibc gives each thread an arena of its own, which goes on holding the activations of that thread's
    last step: with many runs that is most of the memory, although few step at the same time. Arenas
    that there are already stay. Other C libraries have none.
    """
    if _HAS_GLIBC:
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, number)


def give_back_memory() -> None:
    """Give the system what this process has freed; it costs a millisecond or so for 100 MB."""
    if _HAS_GLIBC:
        ctypes.CDLL(None).malloc_trim(0)


def _in_new_thread(act: Callable[[], None]) -> None:
    thread = threading.Thread(target=act)
    thread.start()
    thread.join()
