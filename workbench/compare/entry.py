"""What a comparison knows of one run, whether it is going on, over, or was cut off."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbench.errors import Problem, RecipeError, StoreError
from workbench.recipe import Recipe
from workbench.registry.tasks import ALL_TASKS, Task
from workbench.registry.techniques import find
from workbench.runs.diagnosis import Diagnosis
from workbench.runs.question import Question, in_words, question_of
from workbench.runs.run import Run
from workbench.runs.store import RECIPE, Record, load_run, load_runs
from workbench.training.events import Evaluation, Memory, Parameters, TrainStep


@dataclass(frozen=True)
class Entry:
    """The figures of one run in a comparison.

    Parameters
    ----------
    name : str
        The run's name.
    path : Path or None
        Its folder.
    recipe : Recipe
        Its settings.
    state : str
        ``finished``, ``stopped``, ``failed``, ``interrupted``, or what it is doing now.
    error : str or None
        Why it failed.
    plan : dict
        See :class:`workbench.training.plan.Plan`; empty before the run has one.
    adapter_bytes : int or None
        Bytes of what it saved on disk; None while nothing is saved.
    trains, evaluations : sequence of TrainStep, of Evaluation
        Its steps and evaluations.
    parameters, memory : mapping
        Numbers of parameters, and bytes of memory; empty before they were measured.
    diagnosis : Diagnosis or None
        The verdict on a run that did not learn, as far as its events show.
    colour : str or None
        That of the run in a panel; None takes the next one.
    """

    name: str
    path: Path | None
    recipe: Recipe
    state: str
    error: str | None
    plan: dict[str, Any] = field(repr=False)
    adapter_bytes: int | None
    trains: Sequence[TrainStep] = field(repr=False)
    evaluations: Sequence[Evaluation] = field(repr=False)
    parameters: Mapping[str, Any] = field(repr=False)
    memory: Mapping[str, Any] = field(repr=False)
    diagnosis: Diagnosis | None = field(repr=False, default=None)
    colour: str | None = field(repr=False, default=None)

    @property
    def technique(self) -> str:
        """Return the title of the technique."""
        technique = find(self.recipe.technique)
        return technique.title if technique else self.recipe.technique

    @property
    def task(self) -> Task:
        """What it was trained for."""
        return ALL_TASKS[self.recipe.task]

    @property
    def metric(self) -> str:
        """The figure by which runs on this task are compared."""
        return self.task.metric

    @property
    def higher_is_better(self) -> bool:
        """Whether more of the metric is better."""
        return self.task.higher_is_better

    @property
    def scores(self) -> dict[str, float]:
        """The figures of the last evaluation, which is that of the weights on disk."""
        return dict(self.evaluations[-1].scores) if self.evaluations else {}

    @property
    def quality(self) -> float | None:
        """The task's metric; None before the first evaluation."""
        return self.evaluations[-1].figure(self.metric) if self.evaluations else None

    @property
    def evaluation_loss(self) -> float | None:
        """The loss of the last evaluation."""
        return self.evaluations[-1].loss if self.evaluations else None

    @property
    def train_loss(self) -> float | None:
        """The loss of the last step."""
        return self.trains[-1].loss if self.trains else None

    @property
    def steps(self) -> int:
        """The steps it took."""
        return self.trains[-1].step if self.trains else 0

    @property
    def seconds(self) -> float | None:
        """Time spent in training steps, evaluations aside."""
        return self.trains[-1].seconds if self.trains else None

    @property
    def tokens_per_second(self) -> float | None:
        """Tokens trained on in a second, on average over the run."""
        return self.trains[-1].tokens / self.trains[-1].seconds if self.trains else None

    @property
    def question(self) -> Question:
        """What the run was asked: only runs that were asked the same can be ranked."""
        return question_of(self.recipe, self.plan)

    @property
    def asked(self) -> str:
        """The question in words."""
        return in_words(self.recipe, self.plan)

    @property
    def max_steps(self) -> int | None:
        """The steps it was to take; None before that was known."""
        return self.plan.get("max_steps")

    @property
    def base(self) -> str:
        """The base model's name."""
        return Path(self.recipe.model).name

    @property
    def outcome(self) -> str:
        """The state in words, with how far the run got."""
        if self.state == "finished" or not self.max_steps:
            return self.state
        return f"{self.state}, step {self.steps} of {self.max_steps}"

    @property
    def verdict(self) -> str:
        """What is wrong with what was learned, in a word; empty where nothing is."""
        return self.diagnosis.kind if self.diagnosis else ""


def entries(sources: Iterable[Any]) -> list[Entry]:
    """Turn runs, records and folders into entries, in the order given.

    Raises
    ------
    StoreError
        A folder does not exist or holds no run.
    RecipeError
        Something is none of these.
    """
    entries = [_entry(run) for source in sources for run in _runs(source)]
    if not entries:
        raise RecipeError([Problem("runs", "at least one run or a folder of runs", [])])
    return _with_distinct_names(entries)


def best(group: Iterable[Entry]) -> list[Entry]:
    """Return the best of the finished runs that were asked the same; none of fewer than two.

    A run that did not learn is not the best, even if the others are worse.
    """
    rivals = [
        (quality, entry)
        for entry in group
        if entry.state == "finished"
        and (quality := entry.quality) is not None
        and math.isfinite(quality)
    ]
    if len(rivals) < 2:
        return []
    pick = max if rivals[0][1].higher_is_better else min
    top = pick(quality for quality, _ in rivals)
    return [
        entry
        for quality, entry in rivals
        if quality == top and (entry.diagnosis is None or entry.diagnosis.learned)
    ]


def grouped(all_entries: Iterable[Entry]) -> list[list[Entry]]:
    """Put together what was asked the same, in the order of first appearance.

    A run without a plan yet, or ever, goes with the first that it could be like.
    """
    groups: list[list[Entry]] = []
    for entry in sorted(all_entries, key=lambda entry: not entry.plan):
        for group in groups:
            if group[0].question.may_equal(entry.question):
                group.append(entry)
                break
        else:
            groups.append([entry])
    return groups


def _runs(source: Any) -> Sequence[Run | Record]:
    if isinstance(source, Run | Record):
        return [source]
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        if (path / RECIPE).is_file():
            return [load_run(path)]
        entries = load_runs(path)
        if not entries:
            raise StoreError(
                f"The folder {str(path)!r} contains no run: give a run's folder or a folder "
                "that contains runs."
            )
        return entries
    if isinstance(source, Iterable):
        return [run for part in source for run in _runs(part)]
    raise RecipeError([Problem("runs", "runs, their folders or a folder of runs", source)])


def _entry(run: Run | Record) -> Entry:
    events, result = run.events, run.result
    memory = result.get("memory") or {}
    for event in events.of(Memory):
        if event.peak > memory.get("peak", 0):
            memory = event.figures
    counted = events.of(Parameters)
    return Entry(
        name=run.name,
        path=run.path,
        recipe=run.recipe,
        state=run.state,
        error=result.get("error"),
        plan=run.plan,
        adapter_bytes=result.get("adapter_bytes") or None,
        # As they are now: a run that goes on goes on telling.
        trains=list(events.of(TrainStep)),
        evaluations=list(events.of(Evaluation)),
        parameters=counted[0] if counted else {},
        memory=memory,
        diagnosis=run.diagnosis,
    )


def _with_distinct_names(entries: list[Entry]) -> list[Entry]:
    """Put the folder before names that occur twice."""
    from dataclasses import replace

    names = [entry.name for entry in entries]
    return [
        replace(entry, name=f"{entry.path.parent.name}/{entry.name}")
        if names.count(entry.name) > 1 and entry.path
        else entry
        for entry in entries
    ]
