"""torch's intra-op threads, for one of Python's threads and no other."""

from __future__ import annotations

import threading
from collections.abc import Callable

import torch


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


def _in_new_thread(act: Callable[[], None]) -> None:
    thread = threading.Thread(target=act)
    thread.start()
    thread.join()
