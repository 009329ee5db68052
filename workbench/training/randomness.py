"""Each run owns its randomness.

A run's generators are put in place before each of its steps and put away after it, so its losses
are the same bits alone, among others, paused and resumed, or in its exported script.
"""

from __future__ import annotations

import random
import threading
from typing import Any, Self

import numpy as np
import torch

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
            _restore(self._outer)

    def __enter__(self) -> Self:
        _LOCK.acquire()
        self._outer = _states()
        _restore(self._own)
        return self

    def __exit__(self, *_: object) -> None:
        self._own = _states()
        _restore(self._outer)
        _LOCK.release()


def seed_all(seed: int) -> None:
    """Seed every default generator that a run may draw from."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


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
