"""What the list of runs of a race shows of each run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from workbench.display.colours import PALETTE
from workbench.display.units import number, size, time
from workbench.panels.run.run_view import RunView
from workbench.race.leaderboard import Standing
from workbench.runs.run import Run


def rows(
    shown: Sequence[RunView],
    leaderboard: Sequence[Standing],
    differs: Sequence[str],
    selected: Run | None,
) -> list[dict[str, Any]]:
    """Describe runs in the order in which they were added.

    Parameters
    ----------
    shown : sequence of RunView
    leaderboard : sequence of Standing
        Of the same runs, in any order.
    differs : sequence of str
        How each run differs from the first, in the order of ``shown``.
    selected : Run or None
    """
    places = {id(standing.run): standing for standing in leaderboard}
    return [
        _row(view, places[id(view.run)], words, chosen=view.run is selected)
        for view, words in zip(shown, differs, strict=True)
        if id(view.run) in places
    ]


def _row(view: RunView, standing: Standing, differs: str, *, chosen: bool) -> dict[str, Any]:
    run = view.run
    step, total = run.progress
    loss = view.train.loss if view.train else None
    return {
        "id": view.number,
        "colour": view.colour,
        "again": view.number // len(PALETTE) % 2 == 1,
        "name": run.name,
        "differs": "" if _repeats(differs, run.name) else differs,
        "chosen": chosen,
        "place": standing.place,
        "state": run.state,
        "stopping": run.stopping,
        "word": view.state,
        "verdict": view.verdict,
        "done": round(step / total, 3) if total else 0,
        "step": f"{step:,} of {total:,}" if total else "",
        "reason": standing.reason,
        "warning": str(run.diagnosis or ""),
        "loss": number(loss),
        # Before its first evaluation a run is ranked by its loss, which has its own column.
        "score": number(standing.score, 3) if view.evaluation else "",
        # What the columns are sorted by, where the text would not do.
        "values": {
            "place": standing.place,
            "run": view.number,
            "progress": step / total if total else 0,
            "loss": _finite(loss),
            "score": _finite(standing.score) if view.evaluation else None,
            "left": _finite(standing.left),
            "memory": run.memory.get("peak"),
        },
        "metric": _metric(view, standing),
        "left": "" if run.ended or run.stopping or not standing.left else time(standing.left),
        "memory": size(run.memory["peak"]) if run.memory else "",
    }


def _repeats(differs: str, name: str) -> bool:
    """Tell whether what sets a run apart stands in its name already, as in those of a grid.

    Examples
    --------
    >>> _repeats("r 4 · learning_rate 0.003", "lora-learning_rate-0.003-r-4"), _repeats("r 4", "lora-r-40")
    (True, False)
    """
    words = [word.replace(" ", "-") for word in differs.split(" · ")]
    return all(f"-{word}-" in f"-{name}-" for word in words)


def _metric(view: RunView, standing: Standing) -> str:
    """Say what a score is, and of which step, where that is not a run's last one."""
    if view.evaluation is None:
        return "not evaluated" if view.run.ended and view.run.progress[0] else ""
    at = "" if view.score_step is None else f" at step {view.score_step:,}"
    return f"{standing.metric.replace('_', ' ')}{at}"


def _finite(value: float | None) -> float | None:
    """Leave out what JSON has no number for."""
    return value if value is not None and math.isfinite(value) else None
