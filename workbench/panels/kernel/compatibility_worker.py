"""Which techniques fit the base in hand: found out by a process of its own.

Trying them all is seconds of work that would slow down both the notebook and whatever trains in it,
and would draw from the generators that a run draws from.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import threading
import time
from collections.abc import Callable
from typing import Any

from workbench.recipe import Recipe
from workbench.training.inspection.compatibility.result import Fit
from workbench.training.runtime.worker_process import start

# What the answers depend on, but for the techniques' arguments.
SETTINGS = ("model", "revision", "trust_remote_code", "task", "quantization", "convert_conv1d")
PATIENCE = 0.7  # seconds between two reports


class CompatibilityWorker:
    """Tries all techniques on a recipe's base in the background.

    Parameters
    ----------
    tell : callable
        Told what is known so far, ``{technique: Fit}``, each time that more is, from a thread of its
        own.
    """

    def __init__(self, tell: Callable[[dict[str, Fit]], None]):
        self._tell = tell
        self._lock = threading.Lock()
        self._key: tuple | None = None
        self._process: subprocess.Popen | None = None

    def ask(self, recipe: Recipe, version: object = None) -> None:
        """Begin anew if the recipe names another base, task or way to store it.

        Parameters
        ----------
        recipe : Recipe
            One whose base was found.
        version : object
            Changes when the base's files do.
        """
        key = (*(getattr(recipe, name) for name in SETTINGS), version)
        with self._lock:
            if key == self._key:
                return
            self._key = key
            if self._process is not None:
                self._process.kill()
            self._process = process = _start(recipe)
        self._tell({})
        threading.Thread(target=self._read, args=(key, process), name="fits", daemon=True).start()

    def stop(self) -> None:
        """End what is going on."""
        with self._lock:
            self._key = None
            if self._process is not None:
                self._process.kill()

    def _read(self, key: tuple, process: subprocess.Popen) -> None:
        known: dict[str, Fit] = {}
        told = time.monotonic()
        with process:
            for line in process.stdout or ():
                with contextlib.suppress(ValueError):  # the closing bracket
                    row = json.loads(line.lstrip("[, "))
                    known[row["technique"]] = _fit(row)
                if time.monotonic() - told > PATIENCE:
                    self._say(key, known)
                    told = time.monotonic()
        self._say(key, known)

    def _say(self, key: tuple, known: dict[str, Fit]) -> None:
        with self._lock:
            current = key == self._key
        if current:
            self._tell(dict(known))


def _fit(row: dict[str, Any]) -> Fit:
    del row["family"]
    return Fit(**{**row, "matched": tuple(row["matched"])})


def _start(recipe: Recipe) -> subprocess.Popen:
    flags = [f"--task={recipe.task}", "--json"]
    flags += [
        f"--{name}={value}"
        for name in ("revision", "quantization")
        if (value := getattr(recipe, name))
    ]
    flags += [
        f"--{name.replace('_', '-')}"
        for name in ("trust_remote_code", "convert_conv1d")
        if getattr(recipe, name)
    ]
    return start("fit", *flags, "--", str(recipe.model))
