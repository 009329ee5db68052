"""What a benchmark has measured, printed and written as it comes, so that an end halfway loses nothing."""

from __future__ import annotations

import json
import statistics
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any


class Report:
    """Prints lines and keeps figures, both in files too where there is a folder for them.

    Parameters
    ----------
    folder : Path or None
        Where ``gpu.txt`` and ``gpu.json`` are written.
    budget : float
        Seconds that the whole benchmark may take.
    """

    def __init__(self, folder: Path | None, budget: float):
        self._folder, self._budget = folder, budget
        self._began = time.perf_counter()
        self.figures: dict[str, Any] = {}
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "gpu.txt").write_text("")

    @property
    def left(self) -> float:
        """The seconds that are left."""
        return self._budget - (time.perf_counter() - self._began)

    def say(self, line: str = "") -> None:
        """Print a line at once."""
        print(line, flush=True)
        if self._folder is not None:
            with (self._folder / "gpu.txt").open("a") as file:
                file.write(line + "\n")

    def keep(self, *path: str, **figures: Any) -> None:
        """Store figures under a path of names."""
        place = self.figures
        for name in path:
            place = place.setdefault(name, {})
        place.update(figures)
        if self._folder is not None:
            (self._folder / "gpu.json").write_text(json.dumps(self.figures, indent=1) + "\n")

    def section(self, name: str, seconds: float, measure: Callable[[], None]) -> None:
        """Measure a section where its seconds are left; what fails in it is said, and nothing else lost."""
        self.say(f"\n{name} ({self._budget - self.left:.0f} s)")
        if self.left < seconds:
            why = f"skipped: it takes about {seconds:.0f} s and {self.left:.0f} s are left"
            self.say(f"  {why}")
            self.keep(name, skipped=why)
            return
        began = time.perf_counter()
        try:
            measure()
        except Exception as error:  # noqa: BLE001 (the other sections are still to come)
            lines = "".join(traceback.format_exception(error)).strip().splitlines()[-14:]
            self.say("  failed:\n" + "\n".join(f"    {line}" for line in lines))
            self.keep(name, failed=lines)
        self.keep(name, seconds=round(time.perf_counter() - began, 1))


def spread(values: Sequence[float], form: str = ".2f") -> str:
    """Write a median with the lowest and the highest."""
    return f"{statistics.median(values):{form}} ({min(values):{form}} to {max(values):{form}})"


def summary(values: Sequence[float]) -> dict[str, float]:
    """Return a median with the lowest and the highest as plain data."""
    return {"median": statistics.median(values), "lowest": min(values), "highest": max(values)}
