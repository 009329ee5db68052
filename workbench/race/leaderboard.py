"""The ranking of the runs of a race."""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from workbench.display.units import time
from workbench.registry.tasks import ALL_TASKS
from workbench.runs.question import Question, in_words
from workbench.runs.run import Run
from workbench.training.events import Evaluation, TrainStep


@dataclass(frozen=True)
class Standing:
    """The rank of one run in its race, with its latest figures.

    Parameters
    ----------
    run : Run
    place : int or None
        Rank, counted from 1, among the runs with the same task and evaluation data; equal scores have
        the same rank. None for a run that has failed or has no metric yet.
    score : float or None
        The value by which it is ranked.
    metric : str
        What ``score`` is: the task's own metric at the latest evaluation, or before the first one the
        ``loss`` of the latest step.
    state : str
        The run's state.
    left : float or None
        Estimated seconds until its end, from the duration of its recent steps; None if unknown.
    reason : str
        Why it ended before its last step.
    asked : str
        The task and evaluation data, in words, of the runs with which it is ranked.
    """

    run: Run
    place: int | None
    score: float | None
    metric: str
    state: str
    left: float | None
    reason: str
    asked: str


def leaderboard(
    members: Sequence[Run], left: Callable[[Run], float | None], reason: Callable[[Run], str]
) -> list[Standing]:
    """Return the leaderboard: the first of each question first, then those without a place.

    Parameters
    ----------
    members : sequence of Run
    left, reason : callable
        Return for a run the seconds that are left, and why it left.
    """
    scores = {run: _score(run) for run in members}
    ranks = {run: _rank(run, *scores[run]) for run in members}
    questions = {run: run.question for run in members}
    fields: dict[Question, list[tuple[int, float]]] = {}
    for run in members:
        fields.setdefault(questions[run], []).append(ranks[run])
    for field in fields.values():
        field.sort()
    standings = []
    for run in members:
        metric, score = scores[run]
        # As many as are better stand before it in its field.
        better = bisect.bisect_left(fields[questions[run]], ranks[run])
        place = None if score is None or run.state == "failed" else 1 + better
        asked = in_words(run.recipe, run.plan)
        standings.append(
            Standing(run, place, score, metric, run.state, left(run), reason(run), asked)
        )
    return sorted(standings, key=lambda standing: (standing.place is None, standing.place or 0))


def _score(run: Run) -> tuple[str, float | None]:
    metric = ALL_TASKS[run.recipe.task].metric
    evaluation = run.events.latest(Evaluation)
    if evaluation is not None:
        return metric, evaluation.figure(metric)
    step = run.events.latest(TrainStep)
    return "loss", step.loss if step else None


def _rank(run: Run, metric: str, score: float | None) -> tuple[int, float]:
    """Order runs: those that were evaluated, then those that have a loss, then those that failed."""
    if score is None or run.state == "failed" or not math.isfinite(score):
        return 2, 0.0
    task = ALL_TASKS[run.recipe.task]
    up = task.higher_is_better and metric == task.metric
    return int(metric != task.metric), -score if up else score


def as_text(standings: Sequence[Standing]) -> str:
    """Write leaderboard as a table, which says among whom a place is where several things are asked."""
    several = (
        len({standing.run.question for standing in standings if standing.place is not None}) > 1
    )
    lines = [("", "run", "state", "step", "metric", "time left", "", "among" if several else "")]
    for standing in standings:
        step, total = standing.run.progress
        score = (
            ""
            if standing.score is None
            else f"{standing.metric.replace('_', ' ')} {standing.score:.4g}"
        )
        place = "" if standing.place is None else f"{standing.place}."
        steps = f"{step:,} of {total:,}"
        among = standing.asked if several and standing.place is not None else ""
        left = time(standing.left)
        lines.append(
            (place, standing.run.name, standing.state, steps, score, left, standing.reason, among)
        )
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
