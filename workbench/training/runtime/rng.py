"""Each run owns its randomness.

A run's generators are put in place before each of its steps and put away after it, so its losses
are the same bits alone, among others, paused and resumed, or in its exported script. There are two
ways to do so, and a run may change between them at any step: in the place of the default generators,
which one run at a time can have, or beside them, which runs can do side by side.
"""

from __future__ import annotations

import contextlib
import functools
import random
import threading
from collections.abc import Iterator, Mapping
from typing import Any, Self

import numpy as np
import torch

from workbench.training.runtime import thread_rng

# The default generators are shared by all threads, so only one of them may hold a state of its own.
_LOCK = threading.RLock()


class Randomness:
    """The states of Python's, NumPy's and torch's default generators, as one run left them.

    Parameters
    ----------
    seed : int
        What all of them start from.

    Examples
    --------
    >>> torch.manual_seed(1).initial_seed()
    1
    >>> own, before = Randomness(7), torch.get_rng_state()
    >>> with own:
    ...     first = torch.rand(1)
    >>> bool((torch.get_rng_state() == before).all())
    True
    >>> with own:
    ...     second = torch.rand(1)
    >>> _ = torch.manual_seed(7)
    >>> bool(first == torch.rand(1)) and bool(second == torch.rand(1))
    True
    """

    def __init__(self, seed: int):
        with _LOCK:
            self._outer = _states()
            seed_all(seed)
            self._own = _states()
            self._draws = torch.Generator()
            self._draws.set_state(torch.get_rng_state())
            _restore(self._outer)

    def __enter__(self) -> Self:
        _LOCK.acquire()
        self._outer = _states()
        _restore(self._own)
        torch.set_rng_state(self._draws.get_state())
        return self

    def __exit__(self, *_: object) -> None:
        self._own = _states()
        self._draws.set_state(torch.get_rng_state())
        _restore(self._outer)
        _LOCK.release()

    @contextlib.contextmanager
    def beside(self) -> Iterator[None]:
        """Put torch's numbers on the CPU in place for this thread only.

        For what draws no others: Python's, NumPy's and CUDA's generators stay as they are.
        """
        with thread_rng.drawing_from(self._draws):
            yield


def seed_all(seed: int) -> None:
    """Seed every default generator that a run may draw from."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def may_step_beside(plan: Mapping[str, Any]) -> bool:
    """Tell whether a run's steps draw nothing but torch's numbers on the CPU, from where they are told.

    Recomputed activations put the default generator's state back, and compiled steps draw past
    torch's operators.
    """
    recipe = plan["recipe"]
    elsewhere = recipe.get("gradient_checkpointing") or recipe.get("torch_compile")
    return plan["device"] == "cpu" and not elsewhere and beside_obstacle() is None


@functools.cache
def beside_obstacle() -> str | None:
    """Say why no run can step while others do here, but only in turn; None where they can."""
    with Randomness(0):  # what is tried must draw from nobody's numbers
        return thread_rng.obstacle()


def beside_notes() -> list[str]:
    """Say so where runs step in turn for want of a way to draw beside one another."""
    why = beside_obstacle()
    return [f"Runs do their steps one at a time here, with the same losses: {why}."] if why else []


def _states() -> tuple[Any, ...]:
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else None
    return random.getstate(), np.random.get_state(), torch.get_rng_state(), cuda


def _restore(states: tuple[Any, ...]) -> None:
    python, numpy, cpu, cuda = states
    random.setstate(python)
    np.random.set_state(numpy)
    torch.set_rng_state(cpu)
    if cuda is not None:
        torch.cuda.set_rng_state_all(cuda)
