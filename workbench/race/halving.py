"""Stopping the losers early: successive halving, after a rule that can be read in a sentence."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from workbench.display.wording import joined
from workbench.errors import Problem, RecipeError
from workbench.recipe import Recipe
from workbench.registry.tasks import ALL_TASKS
from workbench.runs.question import Question, in_words, question_of
from workbench.runs.run import Run
from workbench.settings.values import value_problems
from workbench.training.events import Evaluation, Event, State, TrainStep

# What a rule can count, and the events that it counts.
BY: dict[str, type[Evaluation | TrainStep]] = {"evaluations": Evaluation, "steps": TrainStep}
# Steps over which a training loss is averaged where there is no evaluation yet.
LATELY = 10


@dataclass(frozen=True)
class SuccessiveHalving:
    """Successive halving (arXiv 1502.07943): from time to time, only the best runs continue.

    Runs are compared when all that are still training have come so far, by what each had shown at that
    point: its latest evaluation, or the training loss of its last steps while one of them has no
    evaluation yet. Only runs with the same task and the same evaluation rows are compared.

    Parameters
    ----------
    at : int or sequence of int, default (1, 2, 4, 8)
        When to compare the runs; one number means again and again after as many.
    by : {"evaluations", "steps"}
        What ``at`` counts.
    keep : float, default 0.5
        Fraction of the runs that continue, rounded up.
    least : int, default 1
        Smallest number of runs that continue.
    metric : str, optional
        The score of an evaluation that ranks the runs; None uses the task's own metric.

    Examples
    --------
    >>> print(SuccessiveHalving(at=2, keep=0.25))
    After every 2 evaluations, the best 25% of the runs that are still training continue, \
ranked by the task's metric; the others are stopped and their trained weights are saved.
    """

    at: int | Sequence[int] = (1, 2, 4, 8)
    by: str = "evaluations"
    keep: float = 0.5
    least: int = 1
    metric: str | None = None

    def __post_init__(self) -> None:
        problems = value_problems("by", self.by, str, {"choices": tuple(BY)})
        problems += value_problems("keep", self.keep, float, {"gt": 0, "lt": 1})
        problems += value_problems("least", self.least, int, {"ge": 1})
        marks = [self.at] if isinstance(self.at, int) else list(self.at)
        if not marks or any(
            isinstance(mark, bool) or not isinstance(mark, int) or mark < 1 for mark in marks
        ):
            problems.append(Problem("at", "a number of at least 1, or several", self.at))
        if problems:
            raise RecipeError(problems)

    def __str__(self) -> str:
        unit = self.by
        if isinstance(self.at, int):
            when = f"After every {self.at} {unit}" if self.at > 1 else f"After every {unit[:-1]}"
        else:
            marks = sorted(self.at)
            when = f"After {joined(list(map(str, marks)))} {unit if marks != [1] else unit[:-1]}"
        least = "" if self.least == 1 else f" (at least {self.least})"
        metric = self.metric.replace("_", " ") if self.metric else "the task's metric"
        return (
            f"{when}, the best {self.keep:.0%} of the runs that are still training "
            f"continue{least}, ranked by {metric}; the others are stopped and their trained "
            "weights are saved."
        )

    def is_mark(self, count: int) -> bool:
        """Tell whether to look after so many."""
        return count % self.at == 0 if isinstance(self.at, int) else count in self.at


def halving_problems(halving: SuccessiveHalving | None, recipes: Sequence[Recipe]) -> list[Problem]:
    """Return why runs of these recipes cannot be judged against each other."""
    if halving is None:
        return []
    if not isinstance(halving, SuccessiveHalving):
        return [Problem("halving", "a SuccessiveHalving (or None)", halving)]
    questions = {question_of(recipe, {}).asked for recipe in recipes}
    if len(questions) == len(recipes) > 1:
        why = "no two of the runs have the same task and data, so their metrics cannot be compared"
        return [Problem("halving", "None for this race", str(halving), why)]
    return []


def halving_notes(halving: SuccessiveHalving | None, members: Sequence[Run]) -> list[str]:
    """Say what a rule means for these runs: who is judged against whom, as far as is known."""
    if halving is None:
        return []
    questions_in_words = {
        run.question: in_words(run.recipe, run.plan) for run in list(members) if run.plan
    }
    if len(questions_in_words) < 2:
        return [str(halving)]
    here = f"there are {len(questions_in_words)} groups here ({'; '.join(sorted(questions_in_words.values()))})"
    return [
        str(halving),
        f"Only runs with the same task and evaluation data are compared with each other: {here}.",
    ]


class HalvingRule:
    """Carries out a rule of halving on the runs of a race.

    Parameters
    ----------
    rule : SuccessiveHalving
    members : list of Run
        The race's own list: runs may be added to it.
    """

    def __init__(self, rule: SuccessiveHalving, members: Sequence[Run]):
        self.rule, self.members = rule, members
        self._lock = threading.Lock()
        self._counted = BY[rule.by]
        # What each run had shown when it came to a mark: its evaluation's figure, and its loss.
        self._shown: dict[int, dict[Run, tuple[float | None, float]]] = {}
        self._judged: set[tuple[int, Run]] = set()
        self._out: set[Run] = set()

    def hear(self, run: Run, event: Event) -> list[tuple[Run, str]]:
        """Take in what befell a run; return whom to stop, and why."""
        with self._lock:
            # An evaluation because of a stop is at no mark.
            if isinstance(event, self._counted) and not run.stopping:
                count = self._count(run)
                if self.rule.is_mark(count):
                    self._shown.setdefault(count, {})[run] = self._show(run)
            elif not isinstance(event, State):
                return []
            return [loser for mark in sorted(self._shown) for loser in self._look(mark)]

    def _show(self, run: Run) -> tuple[float | None, float]:
        task = ALL_TASKS[run.recipe.task]
        metric = self.rule.metric or task.metric
        higher = task.higher_is_better and metric != "loss"
        losses = [step.loss for step in run.events.of(TrainStep)[-LATELY:]]
        loss = sum(losses) / len(losses) if losses else math.inf
        evaluation = run.events.latest(Evaluation)
        figure = evaluation.figure(metric) if evaluation else None
        if figure is None:
            return None, loss
        return (-figure if higher else figure), loss

    def _look(self, mark: int) -> list[tuple[Run, str]]:
        """HalvingRule those that have come to a mark, each among the runs that are asked the same."""
        groups: dict[Question, list[Run]] = {}
        for run in self._shown[mark]:
            if (mark, run) not in self._judged:
                groups.setdefault(run.question, []).append(run)
        return [
            loser for question, new in groups.items() for loser in self._rank(mark, question, new)
        ]

    def _rank(self, mark: int, question: Question, new: Sequence[Run]) -> list[tuple[Run, str]]:
        """HalvingRule some runs at a mark, once nobody who is going and asked the same has yet to come."""
        shown = self._shown[mark]
        coming = [
            run
            for run in self.members
            if run not in shown
            and run not in self._out
            and run.state in ("preparing", "running")
            and run.question.may_equal(question)
        ]
        if any(not self._is_past(run, mark) for run in coming):
            return []
        going = [
            run for run in new if run not in self._out and run.state not in ("failed", "stopped")
        ]
        self._judged |= {(mark, run) for run in new}
        evaluated = all(shown[run][0] is not None for run in going)
        scores = {run: shown[run][0] if evaluated else shown[run][1] for run in going}
        ranked = sorted(going, key=lambda run: _worst_last(scores[run]))
        continuing = max(self.rule.least, math.ceil(self.rule.keep * len(ranked)))
        losers = [run for run in ranked[continuing:] if not run.ended]
        self._out |= set(losers)
        unit = self.rule.by if mark > 1 else self.rule.by[:-1]
        end = f"of {len(ranked)}; the best {continuing} continued."
        return [
            (run, f"Stopped after {mark} {unit}: rank {1 + ranked.index(run)} {end}")
            for run in losers
        ]

    def _is_past(self, run: Run, mark: int) -> bool:
        """Whether a run has come farther than a mark that it did not show itself at, as a clone does."""
        return self._count(run) > mark

    def _count(self, run: Run) -> int:
        # At each step of each run: no walk over what has happened so far.
        return len(run.events.of(self._counted))


def _worst_last(score: float | None) -> float:
    return math.inf if score is None or math.isnan(score) else score
