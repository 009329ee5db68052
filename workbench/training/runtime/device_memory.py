"""What a device has left, and what is given back to it."""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path

import psutil
import torch

from workbench.errors import Problem, RecipeError

_GROUP = Path("/sys/fs/cgroup")
_M_ARENA_MAX = -8  # as malloc.h has it
_HAS_GLIBC = sys.platform == "linux" and hasattr(ctypes.CDLL(None), "malloc_trim")


def device_of(name: str | None) -> str:
    """Return the device that a run will use, or the one that was asked for.

    Raises
    ------
    RecipeError
        There is no such device here.
    """
    there = ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",)
    if name is not None and name not in there:
        allowed = " or ".join(map(repr, there))
        hint = "PyTorch finds no CUDA GPU here" if name == "cuda" else ""
        raise RecipeError([Problem("device", allowed, name, hint)])
    return name or there[-1]


def available(device: str) -> int:
    """Return the bytes that a device has left for a run."""
    if device == "cuda":
        return torch.cuda.mem_get_info()[0]
    left = [psutil.virtual_memory().available]
    limit, used = (_read(_GROUP / f"memory.{name}") for name in ("max", "current"))
    if limit is not None and used is not None:  # a container may have less than its machine
        left.append(limit - used)
    process = psutil.Process()
    if hasattr(process, "rlimit"):  # and a process less than either (ulimit -v), on Linux
        limit, _ = process.rlimit(psutil.RLIMIT_AS)
        if limit != psutil.RLIM_INFINITY:
            left.append(limit - process.memory_info().vms)
    return max(0, min(left))


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


def give_back_all_memory() -> None:
    """Give back what a GPU's allocator keeps as well, which makes the next steps wait."""
    give_back_memory()
    if torch.cuda.is_initialized():
        torch.cuda.empty_cache()


def _read(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):  # no control group, or no limit
        return None
