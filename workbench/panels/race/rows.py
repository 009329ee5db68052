"""What the queue of a race shows of each run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from workbench.display.colours import PALETTE
from workbench.display.units import number, size, time
from workbench.panels.run.run_view import Followed
from workbench.race.leaderboard import Standing
from workbench.runs.run import Run


def rows(
    shown: Sequence[Followed],
    standings: Sequence[Standing],
    differs: Sequence[str],
    selected: Run | None,
) -> list[dict[str, Any]]:
    """Describe runs in the order in which they were added.

    Parameters
    ----------
    shown : sequence of Followed
    standings : sequence of Standing
        Of the same runs, in any order.
    differs : sequence of str
        What sets each run apart, in the order of ``shown``.
    selected : Run or None
    """
    places = {id(standing.run): standing for standing in standings}
    return [
        _row(followed, places[id(followed.run)], words, chosen=followed.run is selected)
        for followed, words in zip(shown, differs, strict=True)
        if id(followed.run) in places
    ]


def _row(followed: Followed, standing: Standing, differs: str, *, chosen: bool) -> dict[str, Any]:
    run = followed.run
    step, total = run.progress
    return {
        "id": followed.number,
        "colour": PALETTE[followed.number % len(PALETTE)],
        "name": run.name,
        "differs": differs,
        "chosen": chosen,
        "place": standing.place,
        "state": run.state,
        "word": followed.state,
        "done": round(step / total, 3) if total else 0,
        "step": f"{step:,} of {total:,}" if total else "",
        "reason": standing.reason,
        "loss": number(followed.train.loss if followed.train else None),
        # Before its first evaluation a run is placed by its loss, which has a column of its own.
        "score": number(standing.score, 3) if followed.evaluation else "",
        "metric": standing.metric.replace("_", " ") if followed.evaluation else "",
        "left": "" if run.ended or not standing.left else time(standing.left),
        "memory": size(run.memory["peak"]) if run.memory else "",
    }
