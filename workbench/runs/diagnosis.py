"""The verdict on a run that does not learn, and what to try: a function of its events alone.

It says something of the weights, not of the process: a run with a verdict may be training or finished.

Nothing is said of a healthy run, so every sign must stand out of the noise that is measured in the
run itself. The thresholds, each with its reason:

* ``MIN_STEPS``: fewer steps show nothing but the start. Of a long run a third is waited for, but not
  more than ``MAX_PATIENCE`` steps, since slow techniques need their time; a loss that rises is told at once.
* ``WINDOW``: a tenth of the steps, at least 10, is averaged wherever a level of the loss is meant, since
  single batches scatter; two levels differ if they are ``SIGMAS`` standard errors apart, which chance
  alone brings about once in 700 times.
* ``EXPLODED``: above the start by that factor the order of batches cannot explain it, yet a new head's
  first steps stay below. ``RETURNED``: that much of a fall is lost again, and the loss is ``RISEN`` times
  its lowest level.
* ``GUESSING``: a model that always predicts each label's frequency has a loss equal to the entropy of
  these frequencies; a loss within 2% of that, or above, is that of a guess.
* ``NEAR``: a training loss below that share of the loss of guessing shows that labels are being learned, even
  if it does not fall any more.
* ``OVERFITTED``: the evaluation loss has risen by that factor above its best while the score has not
  become better. A few per cent are usual and harmless.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.recipe import Recipe
from workbench.registry.tasks import ALL_TASKS
from workbench.runs.event_log import EventLog
from workbench.training.events import Evaluation, Event, TrainStep

MIN_STEPS, MAX_PATIENCE, MIN_WINDOW, WINDOW = 30, 100, 10, 0.1
SIGMAS, EXPLODED, RISEN, RETURNED, GUESSING, OVERFITTED = 3.0, 1.5, 1.2, 0.8, 0.98, 1.2
NEAR = 0.9
# What is larger, or no number, counts as this much.
LARGEST = 1e30
# Steps between two looks at a run that is not evaluated in between.
EVERY = 25


@dataclass(frozen=True)
class Diagnosis:
    """The verdict on a run whose losses or evaluations show that something is wrong.

    Parameters
    ----------
    kind : {"diverging", "predicts one class", "not learning", "not generalizing", "overfitting"}
        The verdict in a word. It is shown beside the run's state, and is none.
    finding : str
        By which rule: what is seen and what it is compared with, in a sentence.
    advice : str
        What to try, in a sentence.
    """

    kind: str
    finding: str
    advice: str

    @property
    def learned(self) -> bool:
        """Whether it learned something nevertheless."""
        return self.kind == "overfitting"

    def __str__(self) -> str:
        return f"Verdict: {self.kind}. {self.finding} {self.advice}"


def is_due(event: Event) -> bool:
    """Whether an event may change the diagnosis enough to look again: that costs a walk over the steps."""
    return isinstance(event, Evaluation) or (
        isinstance(event, TrainStep) and event.step % EVERY == 0
    )


def diagnose(recipe: Recipe, plan: Mapping[str, Any], events: EventLog) -> Diagnosis | None:
    """Return what is wrong with a run as far as its events show it; None if nothing is.

    Parameters
    ----------
    recipe : Recipe
    plan : mapping
        The run's plan; its resolved learning rate and label counts are used.
    events : EventLog
        All that happened so far.

    Examples
    --------
    >>> from workbench.training.events import TrainStep
    >>> rises = EventLog(TrainStep(n, 1 + n / 10, 8 * n, n / 10) for n in range(1, 61))
    >>> diagnose(Recipe(), {}, rises).finding
    'The mean training loss has risen from 1.550 in the first 10 steps to 6.550 in the last 10.'
    """
    if plan.get("trainable") == "nothing":
        return None
    signs = Signs(recipe, plan, events)
    if len(signs.losses) < MIN_STEPS:
        return None
    checks = (signs.diverging, signs.guessing, signs.below_base, signs.stuck, signs.overfitting)
    return next((diagnosis for check in checks if (diagnosis := check()) is not None), None)


class Signs:
    """The signs that are looked for, each a method that returns a diagnosis or None.

    Parameters
    ----------
    recipe, plan, events
        See :func:`diagnose`.
    """

    def __init__(self, recipe: Recipe, plan: Mapping[str, Any], events: EventLog):
        self.losses = [_clamped(loss) for loss in events.losses]
        self.evaluations = events.evaluations
        self._plan = plan
        self._trained_before = recipe.start_from is not None
        self._task = ALL_TASKS[recipe.task]
        self._labels: dict[str, int] = plan.get("eval_label_counts") or {}
        size = max(MIN_WINDOW, int(WINDOW * len(self.losses)))
        self._start, self._now = self.losses[:size], self.losses[-size:]
        self._steps = plan.get("max_steps") or len(self.losses)
        self._patience = min(MAX_PATIENCE, max(MIN_STEPS, self._steps // 3))
        self._rate = (plan.get("recipe") or {}).get("learning_rate") or recipe.learning_rate
        self._suited = recipe.default_learning_rate()

    def diverging(self) -> Diagnosis | None:
        """The loss stands far above the start, or went back to it after it had fallen."""
        if self.evaluations and not math.isfinite(self.evaluations[-1].loss):
            finding = f"The evaluation loss is {self.evaluations[-1].loss}."
            return Diagnosis("diverging", finding, self._lower_rate())
        start, now = statistics.fmean(self._start), statistics.fmean(self._now)
        if now > EXPLODED * start and now - start > SIGMAS * _error(self._start, self._now):
            finding = (
                f"The mean training loss has risen from {start:.3f} in the first {len(self._start)} steps "
                f"to {now:.3f} in the last {len(self._now)}."
            )
            return Diagnosis("diverging", finding, self._lower_rate())
        best = min(_windows(self.losses, len(self._now)), key=statistics.fmean)
        low = statistics.fmean(best)
        fell = start - low > SIGMAS * _error(self._start, best)
        returned = now > RISEN * low and now - low > RETURNED * (start - low)
        if fell and returned and now - low > SIGMAS * _error(best, self._now):
            finding = (
                f"The mean training loss of {len(self._now)} steps fell from {start:.3f} to {low:.3f} and "
                f"rose again to {now:.3f}."
            )
            return Diagnosis("diverging", finding, self._lower_rate())
        return None

    def guessing(self) -> Diagnosis | None:
        """The latest evaluation is no better than an answer that never looks at the row."""
        evaluation, rows = self._latest(), sum(self._labels.values())
        accuracy = evaluation.scores.get("accuracy") if evaluation else None
        if evaluation is None or accuracy is None or len(self._labels) < 2:
            return None
        majority = max(self._labels.values()) / rows
        if (answer := self._only_answer(evaluation)) is not None:
            finding = (
                f"The model predicts {answer!r} for every evaluation row: accuracy {accuracy:.3f}, "
                f"majority baseline {majority:.3f}."
            )
            return Diagnosis("predicts one class", finding, self._other_rate())
        shares = [count / rows for count in self._labels.values() if count]
        entropy = -sum(share * math.log(share) for share in shares)
        noise = math.sqrt(majority * (1 - majority) / rows)
        if accuracy <= majority + noise and evaluation.loss >= GUESSING * entropy:
            finding = (
                f"Accuracy {accuracy:.3f} is not clearly above the majority baseline ({majority:.3f}), nor "
                f"evaluation loss {evaluation.loss:.3f} below that of the label frequencies "
                f"({entropy:.3f})."
            )
            if statistics.fmean(self._now) > NEAR * math.log(len(self._labels)):
                return Diagnosis("not learning", finding, self._other_rate())
            # What is learned of the training rows first may carry over later.
            if evaluation.step >= self._steps / 2:
                finding += f" The training loss is lower: {statistics.fmean(self._now):.3f}."
                advice = "Try more training rows, fewer steps, or another technique."
                return Diagnosis("not generalizing", finding, advice)
        return None

    def below_base(self) -> Diagnosis | None:
        """The latest evaluation is no better than that of the base, where the run began with one."""
        evaluation = self._latest()
        if evaluation is None or self.evaluations[0].step != 0:
            return None
        base, metric = self.evaluations[0], self._task.metric
        if not self._better(evaluation, base) and evaluation.loss >= base.loss:
            name, before, after = (
                metric.replace("_", " "),
                *map(_figure(metric), (base, evaluation)),
            )
            finding = (
                f"The evaluation is no better than before training: {name} {after:.3f}, "
                f"before {before:.3f}; loss {evaluation.loss:.3f}, before {base.loss:.3f}."
            )
            return Diagnosis("not learning", finding, self._other_rate())
        return None

    def stuck(self) -> Diagnosis | None:
        """The training loss is no lower than at the start, as far as its scatter lets one see."""
        start, now = statistics.fmean(self._start), statistics.fmean(self._now)
        if len(self.losses) < max(2 * MIN_STEPS, self._patience) or self._improved():
            return None
        # Weights that were trained before may have nothing left to learn.
        if self._trained_before or start - now > _error(self._start, self._now):
            return None
        guess = ""
        if (labels := len(self._labels)) > 1:
            if now < NEAR * math.log(labels):
                return None
            guess = f"; equal probabilities for {labels} labels give {math.log(labels):.3f}"
        finding = (
            f"The mean training loss of the last {len(self._now)} of {len(self.losses)} steps, {now:.3f}, is "
            f"no lower than that of the first {len(self._start)}, {start:.3f}{guess}."
        )
        return Diagnosis("not learning", finding, self._other_rate())

    def overfitting(self) -> Diagnosis | None:
        """The training loss went on falling while the evaluation became worse."""
        evaluations = [evaluation for evaluation in self.evaluations if evaluation.step > 0]
        if len(evaluations) < 3:
            return None
        best = min(evaluations, key=lambda evaluation: evaluation.loss)
        later = [evaluation for evaluation in evaluations if evaluation.step > best.step]
        # Twice in a row: one evaluation may be worse by chance.
        if len(later) < 2 or min(one.loss for one in later[-2:]) < OVERFITTED * best.loss:
            return None
        last = later[-1]
        learned = statistics.fmean(self._now) < statistics.fmean(self._start)
        if not learned or self._better(last, best):
            return None
        finding = (
            f"The evaluation loss was best at step {best.step} ({best.loss:.3f}) and has risen to "
            f"{last.loss:.3f} while the training loss fell: the model memorizes its training rows."
        )
        advice = f"Try max_steps={best.step}, more rows, or a smaller adapter."
        return Diagnosis("overfitting", finding, advice)

    # -- what the signs are made of ---------------------------------------------------------------

    def _latest(self) -> Evaluation | None:
        """Return the latest evaluation, if it came after enough steps."""
        latest = self.evaluations[-1] if self.evaluations else None
        return latest if latest is not None and latest.step >= self._patience else None

    def _only_answer(self, evaluation: Evaluation) -> str | None:
        """Return the label that was predicted for every row, or None if there were several.

        One label for all rows, of share p, has an accuracy of p and an F1 of 2p / (1 + p); the other
        labels have an F1 of 0, so both figures together give it away.
        """
        rows, f1 = sum(self._labels.values()), evaluation.scores.get("f1")
        occurring = sum(1 for count in self._labels.values() if count)
        for label, count in self._labels.items():
            share = count / rows
            expected = 2 * share / (1 + share) / occurring
            same = math.isclose(evaluation.scores["accuracy"], share, abs_tol=1e-9)
            if count and same and f1 is not None and math.isclose(f1, expected, abs_tol=1e-9):
                return label
        return None

    def _improved(self) -> bool:
        """Whether evaluations became better in the course of training."""
        last = self._latest()
        return last is not None and self._better(last, self.evaluations[0])

    def _better(self, one: Evaluation, other: Evaluation) -> bool:
        """Whether an evaluation has a better score than another."""
        mine, theirs = map(_figure(self._task.metric), (one, other))
        return mine > theirs if self._task.higher_is_better else mine < theirs

    def _lower_rate(self) -> str:
        if self._rate is None:
            return "Try a lower learning_rate."
        lower = self._suited if self._suited and self._above() else self._rate / 3
        return f"Try a lower learning_rate, such as {_rounded(lower)} (now {_rounded(self._rate)})."

    def _other_rate(self) -> str:
        """Say in which direction the learning rate should go, as far as that can be told."""
        if self._rate is None or self._above() or self._shaken():
            return self._lower_rate()
        now = _rounded(self._rate)
        if self._suited and self._rate < self._suited / 3:
            return f"Try a higher learning_rate, such as {_rounded(self._suited)} (now {now}), or more steps."
        low, high = _rounded(self._rate / 3), _rounded(self._rate * 3)
        return f"Try a learning_rate of {low} or {high} (now {now}) or more steps, and check the labels."

    def _above(self) -> bool:
        """Whether the learning rate is well above the one that suits technique and base."""
        return bool(self._rate and self._suited and self._rate > 1.5 * self._suited)

    def _shaken(self) -> bool:
        """Whether the loss ever stood clearly above its start, or above that of a guess."""
        highest = max(_windows(self.losses, len(self._now)), key=statistics.fmean)
        high, start = statistics.fmean(highest), statistics.fmean(self._start)
        if high - start > SIGMAS * _error(self._start, highest):
            return True
        return len(self._labels) > 1 and high > EXPLODED * math.log(len(self._labels))


def _figure(metric: str) -> Any:
    return lambda evaluation: math.nan if (figure := evaluation.figure(metric)) is None else figure


def _windows(losses: Sequence[float], size: int) -> list[Sequence[float]]:
    """Cut a series into windows of at least this size, none of them shorter."""
    starts = range(0, len(losses) - size + 1, size)
    return [losses[start : start + size] for start in starts]


def _error(first: Sequence[float], second: Sequence[float]) -> float:
    """Return the standard error of the difference between two windows' means."""
    return math.hypot(*(_scatter(window) / math.sqrt(len(window)) for window in (first, second)))


def _scatter(window: Sequence[float]) -> float:
    """Return the standard deviation; ``statistics.stdev`` is exact, and far too slow for thousands of steps."""
    mean = statistics.fmean(window)
    return math.sqrt(math.fsum((loss - mean) ** 2 for loss in window) / (len(window) - 1))


def _clamped(loss: float) -> float:
    """Return a loss that can be averaged: what is no number counts as a loss beyond all others."""
    return min(max(loss, -LARGEST), LARGEST) if not math.isnan(loss) else LARGEST


def _rounded(rate: float) -> str:
    return f"{float(f'{rate:.1g}'):g}"
