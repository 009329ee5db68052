"""The curves of one run in a chart, made of its events."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from workbench.panels.chart.chart import LiveChart
from workbench.panels.chart.metrics import LOWER, in_words
from workbench.recipe import Recipe
from workbench.registry.tasks import ALL_TASKS
from workbench.runs.baseline import majority_share
from workbench.training.events import Evaluation, Event, Memory, Parameters, TrainStep

# Figures of a step that have a curve each, or are an axis.
OF_A_STEP = ("learning_rate", "grad_norm", "tokens_per_second", "tokens", "seconds")


class RunCurves:
    """The curves of one run: its losses, scores and what else its events say.

    Parameters
    ----------
    key : str
        The run's name in the chart; its series are ``"<key>/train"``, ``"<key>/eval"`` and
        ``"<key>/<figure>"``.
    recipe : Recipe
    """

    def __init__(self, key: str, recipe: Recipe):
        self.key = key
        self._task = ALL_TASKS[recipe.task]
        self._name = ""
        self._started: set[str] = set()
        self._trainable: int | None = None
        self._majority = False

    def add(
        self, chart: LiveChart, name: str, events: Sequence[Event], plan: Mapping[str, Any]
    ) -> None:
        """Add the points of new events to a chart.

        Parameters
        ----------
        chart : LiveChart
        name : str
            The run's name by now.
        events : sequence of Event
            Those that are new.
        plan : mapping
            The run's plan, as far as it is known.
        """
        if not self._started:
            self._declare(chart, name)
        if name != self._name:
            chart.rename(self.key, name)
            self._name = name
        steps = [event for event in events if isinstance(event, TrainStep)]
        evaluations = [event for event in events if isinstance(event, Evaluation)]
        if steps:
            self._add_steps(chart, steps)
        if evaluations:
            self._add_evaluations(chart, evaluations)
        self._add_counts(chart, events)
        if not self._majority and (share := majority_share(self._task.metric, plan)) is not None:
            self._majority = True
            chart.set_reference(self.key, "score", "majority baseline", share)

    def _declare(self, chart: LiveChart, name: str) -> None:
        """Add the curves that every run has, so that their plots are there from the start."""
        self._name = name
        self._start(chart, "train", "loss", self._task.title)
        self._start(chart, "eval", "loss", self._task.title, style="points")
        if self._task.metric != "loss":
            self._start(chart, self._task.metric, "score", score_title(self._task), style="points")

    def _start(
        self, chart: LiveChart, figure: str, metric: str, group: str = "", style: str = "line"
    ) -> None:
        if figure not in self._started:
            self._started.add(figure)
            key = f"{self.key}/{figure}"
            chart.add_series(key, self._name, style=style, metric=metric, group=group)

    def _append(
        self, chart: LiveChart, figure: str, points: Iterable[tuple[float, float | None]]
    ) -> None:
        known = [(x, y) for x, y in points if y is not None]
        if known:
            xs, ys = zip(*known, strict=True)
            chart.append(f"{self.key}/{figure}", xs, ys)

    def _add_steps(self, chart: LiveChart, steps: Sequence[TrainStep]) -> None:
        self._append(chart, "train", [(event.step, event.loss) for event in steps])
        for figure in OF_A_STEP:
            if figure not in self._started:
                unit = self._task.unit if figure in ("tokens", "tokens_per_second") else ""
                self._start(chart, figure, figure, unit)
                if figure in ("tokens", "seconds"):
                    self._append(chart, figure, [(0, 0)])
            self._append(chart, figure, [(event.step, getattr(event, figure)) for event in steps])

    def _add_evaluations(self, chart: LiveChart, evaluations: Sequence[Evaluation]) -> None:
        self._append(chart, "eval", [(event.step, event.loss) for event in evaluations])
        names = dict.fromkeys(name for event in evaluations for name in event.scores)
        for name in names:
            if name == "loss":
                continue
            self._start(chart, name, name, style="points")  # unless it is the task's own
            self._append(
                chart, name, [(event.step, event.scores.get(name)) for event in evaluations]
            )
        first = evaluations[0]
        score = first.scores.get(self._task.metric)
        if first.step == 0 and score is not None and math.isfinite(score):
            chart.set_reference(self.key, "score", "before training", score)

    def _add_counts(self, chart: LiveChart, events: Sequence[Event]) -> None:
        """Add what memory holds, and how many parameters are trained."""
        # Before the first step there are neither gradients nor activations.
        memory = [
            (event.step, event.peak) for event in events if isinstance(event, Memory) and event.step
        ]
        if memory:
            self._start(chart, "memory", "memory", style="points")
            self._append(chart, "memory", memory)
        counts: list[tuple[float, float | None]] = []
        for event in events:
            if isinstance(event, Parameters):
                self._trainable = event.trainable
                counts.append((0, event.trainable))
            elif isinstance(event, TrainStep) and "trainable" in event.extra:
                self._trainable = None
                counts.append((event.step, event.extra["trainable"]))
        steps = [event.step for event in events if isinstance(event, TrainStep)]
        if steps and self._trainable is not None:
            counts.append((steps[-1], self._trainable))  # the number has not changed
        if counts:
            self._start(chart, "trainable", "trainable")
            self._append(chart, "trainable", counts)


def score_title(task: Any) -> str:
    """Name a task's metric, and say so where less of it is better.

    Examples
    --------
    >>> score_title(ALL_TASKS["classify"]), score_title(ALL_TASKS["lm"])
    ('Accuracy', 'Perplexity (lower is better)')
    """
    return in_words(task.metric) + ("" if task.higher_is_better else f" {LOWER}")
