"""Which techniques fit the current base, tested by a separate process.

Testing them all takes seconds; in the kernel it would slow down the notebook and its runs, and would use
the random generators of those runs.
"""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable

from workbench.recipe import Recipe
from workbench.training.inspection.compatibility.result import Compatibility
from workbench.training.inspection.compatibility.worker import read_fits, start_trying

# What the answers depend on, but for the techniques' arguments.
SETTINGS = ("model", "revision", "trust_remote_code", "task", "quantization", "convert_conv1d")
PATIENCE = 0.7  # seconds between two reports


class CompatibilityWorker:
    """Tries all techniques on a recipe's base in the background.

    Parameters
    ----------
    report : callable
        Called from a background thread with all results so far, ``{technique: Compatibility}``, whenever there
        are more.
    """

    def __init__(self, report: Callable[[dict[str, Compatibility]], None]):
        self._report = report
        self._lock = threading.Lock()
        self._key: tuple | None = None
        self._process: subprocess.Popen | None = None

    def ask(self, recipe: Recipe, version: object = None, num_labels: int | None = None) -> None:
        """Restart if the recipe names another base, task or quantization.

        Parameters
        ----------
        recipe : Recipe
            A recipe whose base exists.
        version : object
            A value that changes when the files of the base do.
        num_labels : int, optional
            The number of labels of the data, on which the size of a new head depends.
        """
        key = (*(getattr(recipe, name) for name in SETTINGS), version, num_labels)
        with self._lock:
            if key == self._key:
                return
            self._key = key
            if self._process is not None:
                self._process.kill()
            self._process = process = start_trying(
                {name: getattr(recipe, name) for name in SETTINGS} | {"num_labels": num_labels}
            )
        self._report({})
        threading.Thread(target=self._read, args=(key, process), name="fits", daemon=True).start()

    def stop(self) -> None:
        """End the running process."""
        with self._lock:
            self._key = None
            if self._process is not None:
                self._process.kill()

    def _read(self, key: tuple, process: subprocess.Popen) -> None:
        results: dict[str, Compatibility] = {}
        reported = time.monotonic()
        with process:
            for fit in read_fits(process.stdout or ()):
                results[fit.technique] = fit
                if time.monotonic() - reported > PATIENCE:
                    self._report_if_current(key, results)
                    reported = time.monotonic()
        self._report_if_current(key, results)

    def _report_if_current(self, key: tuple, results: dict[str, Compatibility]) -> None:
        with self._lock:
            current = key == self._key
        if current:
            self._report(dict(results))
