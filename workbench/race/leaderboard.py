"""Where each run of a race stands."""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.display.units import time
from workbench.recipe import Recipe
from workbench.registry.tasks import ALL_TASKS
from workbench.runs.run import Run


@dataclass(frozen=True)
class Standing:
    """One run's place in its race.

    Parameters
    ----------
    run : Run
    place : int or None
        Counted from 1, among the runs that were asked the same; equal scores share a place. None for
        a run that has failed, or has shown nothing yet.
    score : float or None
        What it is placed by.
    metric : str
        What ``score`` is: the task's own metric at the latest evaluation, or before the first one
        the ``loss`` of the latest step.
    state : str
        The run's state.
    left : float or None
        Seconds that are left for it, at the pace at which it went lately; None where nobody knows.
    reason : str
        Why it left the race before its end.
    """

    run: Run
    place: int | None
    score: float | None
    metric: str
    state: str
    left: float | None
    reason: str


def question(recipe: Recipe) -> tuple[object, ...]:
    """Return what a run is asked: only runs that are asked the same can be placed against each other.

    A language model's loss is per token, which is another thing with another tokenizer.
    """
    base = (recipe.model, recipe.revision) if recipe.task == "lm" else None
    return recipe.task, recipe.data, recipe.data_revision, recipe.eval_data, base


def standings(
    members: Sequence[Run], left: Callable[[Run], float | None], reason: Callable[[Run], str]
) -> list[Standing]:
    """Return the standings: the first of each question first, then those without a place.

    Parameters
    ----------
    members : sequence of Run
    left, reason : callable
        Return for a run the seconds that are left, and why it left.
    """
    scores = {run: _score(run) for run in members}
    ranks = {run: _rank(run, *scores[run]) for run in members}
    fields: dict[tuple[object, ...], list[tuple[int, float]]] = {}
    for run in members:
        fields.setdefault(question(run.recipe), []).append(ranks[run])
    for field in fields.values():
        field.sort()
    found = []
    for run in members:
        metric, score = scores[run]
        # As many as are better stand before it in its field.
        better = bisect.bisect_left(fields[question(run.recipe)], ranks[run])
        place = None if score is None or run.state == "failed" else 1 + better
        found.append(Standing(run, place, score, metric, run.state, left(run), reason(run)))
    return sorted(found, key=lambda one: (one.place is None, one.place or 0))


def _score(run: Run) -> tuple[str, float | None]:
    metric = ALL_TASKS[run.recipe.task].metric
    evaluation = _latest(run, "eval")
    if evaluation is not None:
        return metric, evaluation[metric]
    step = _latest(run, "train")
    return "loss", step["loss"] if step else None


def _latest(run: Run, kind: str) -> dict[str, Any] | None:
    # From the end: a panel asks every second, and a long run has many events.
    return next((event for event in reversed(run.events) if event["event"] == kind), None)


def _rank(run: Run, metric: str, score: float | None) -> tuple[int, float]:
    """Order runs: those that were evaluated, then those that have a loss, then those that failed."""
    if score is None or run.state == "failed" or not math.isfinite(score):
        return 2, 0.0
    task = ALL_TASKS[run.recipe.task]
    up = task.higher_is_better and metric == task.metric
    return int(metric != task.metric), -score if up else score


def as_text(found: Sequence[Standing]) -> str:
    """Write standings as a table."""
    lines = [("", "run", "state", "step", "score", "left", "")]
    for one in found:
        step, total = one.run.progress
        score = "" if one.score is None else f"{one.metric.replace('_', ' ')} {one.score:.4g}"
        place = "" if one.place is None else f"{one.place}."
        steps = f"{step:,} of {total:,}"
        lines.append((place, one.run.name, one.state, steps, score, time(one.left), one.reason))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
