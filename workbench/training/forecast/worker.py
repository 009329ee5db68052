"""A process of its own that makes memory forecasts.

A dry run is a second of Python, which would take its time from whatever trains in this process, and
memory, which may have run out here. Recipes go in and forecasts come out as JSON, one object a line.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from typing import Any, Self

from workbench.recipe import Recipe
from workbench.training.runtime.worker_process import start

MODULE = "workbench.training.forecast.worker"


def answers(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Answer each line, a recipe as JSON, with its forecast as plain data, or its ``problem``."""
    # Here and not at the top: whoever only asks needs no torch.
    from workbench.training.forecast.forecast import forecast

    for line in lines:
        try:
            yield forecast(Recipe.from_dict(json.loads(line))).to_dict()
        except Exception as error:  # noqa: BLE001 (the next recipe may be right)
            yield {"problem": str(error)}


class ForecastProcess:
    """Answers one recipe after another, until it is closed."""

    def __init__(self) -> None:
        self._process = start(MODULE, stdin=subprocess.PIPE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def ended(self) -> bool:
        """Whether it is over, such as ended by the system when memory ran out."""
        return self._process.poll() is not None

    def ask(self, recipe: Recipe, timeout: float | None = None) -> dict[str, Any]:
        """Return a recipe's forecast as plain data, or its ``problem`` where there is none.

        Parameters
        ----------
        recipe : Recipe
        timeout : float, optional
            Seconds after which the process is ended, and a problem is the answer.
        """
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        timer = threading.Timer(timeout, self._process.kill) if timeout is not None else None
        if timer is not None:
            timer.daemon = True
            timer.start()
        try:
            stdin.write(json.dumps(recipe.to_dict()) + "\n")
            stdin.flush()
            return json.loads(stdout.readline())
        except (OSError, ValueError):
            self.close()
            return {
                "problem": "The process that makes memory forecasts ended before it returned a "
                "result."
            }
        finally:
            if timer is not None:
                timer.cancel()

    def close(self) -> None:
        """End the process and release its pipes."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                pipe.close()  # type: ignore[union-attr]


if __name__ == "__main__":
    for answer in answers(sys.stdin):
        print(json.dumps(answer), flush=True)
