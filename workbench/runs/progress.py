"""How far a run is: its card in a notebook, a bar on a terminal, plain lines in a log."""

from __future__ import annotations

import sys
import time
from typing import TextIO

from tqdm import tqdm

from workbench.display.notebook import in_notebook
from workbench.registry.tasks import ALL_TASKS
from workbench.runs.run import Run
from workbench.training.events import Evaluation, Event, Parameters, TrainStep

# Lines that a log gets for the steps of one run; evaluations come on top.
LINES = 10


def follow(run: Run, file: TextIO | None = None) -> Run:
    """Show a started run's progress until it is over, then return it or raise its error.

    An interrupt at any moment stops the run, saves it and goes on.

    Parameters
    ----------
    run : Run
    file : text stream, optional
        Where to write; if not given, standard error, or the run's card in a notebook.
    """
    try:
        if file is None and in_notebook():
            _card(run)
        elif (file := file or sys.stderr).isatty():
            _bar(run, file)
        else:
            _lines(run, file)
    except KeyboardInterrupt:
        run.stop(evaluate=False)
        while not run.ended:
            time.sleep(0.05)
        raise
    return run.wait()


def _card(run: Run) -> None:
    from IPython.display import display

    # A notebook shows a run as its card, which goes on by itself; see workbench/__init__.py.
    display(run)
    while not run.ended:
        time.sleep(0.1)


def _bar(run: Run, file: TextIO) -> None:
    with tqdm(total=None, file=file, unit="step", desc=run.name, dynamic_ncols=True) as bar:
        warnings, over = Warnings(run), False
        # Drawn from this thread alone: words from a run's thread land in some other cell.
        while not over:
            time.sleep(0.25)
            over = run.ended
            step, bar.total = run.progress
            bar.desc = f"{run.name}: "
            bar.set_postfix(_figures(run), refresh=False)
            for line in warnings.new():
                bar.write(line, file=file)
            bar.update(step - bar.n)
            bar.refresh()


def _lines(run: Run, file: TextIO) -> None:
    lines = RunLines(run, file)
    while lines.show():
        time.sleep(0.25)


class Warnings:
    """A run's notes, and what is wrong with it as soon as that shows."""

    def __init__(self, run: Run):
        self._run, self._noted = run, 0
        self._kind: str | None = None
        self._last = ""

    def new(self) -> list[str]:
        """Return the lines that are new since the last call."""
        run, diagnosis = self._run, self._run.diagnosis
        notes = run.notes[self._noted :]
        self._noted += len(notes)
        lines = [f"{run.name}: {note}" for note in notes if note != self._last]
        if (kind := diagnosis.kind if diagnosis else None) != self._kind:
            self._kind = kind
            self._last = str(diagnosis or "")
            # At the end it is among the notes.
            if diagnosis is not None and self._last not in notes:
                lines.append(f"{run.name}: {diagnosis}")
        return lines


class RunLines:
    """What a run has to say, line by line."""

    def __init__(self, run: Run, file: TextIO):
        self._run, self._file = run, file
        self._shown, self._warnings = 0, Warnings(run)

    def show(self) -> bool:
        """Print what is new; returns whether there may be more."""
        run, over = self._run, self._run.ended
        events = run.events[self._shown :]
        self._shown += len(events)
        for line in [*self._warnings.new(), *(_line(run, event) for event in events)]:
            if line:
                print(line, file=self._file, flush=True)
        return not over


def _line(run: Run, event: Event) -> str | None:
    total = run.progress[1]
    match event:
        case TrainStep(step=step):
            if step % max(1, total // LINES) and step not in (1, total):
                return None
            return (
                f"{run.name}: step {step} of {total}, loss {event.loss:.4f}, "
                f"{event.tokens_per_second:,.0f} {ALL_TASKS[run.recipe.task].unit}/s"
            )
        case Evaluation(step=step):
            scores = {"loss": event.loss, **event.scores}
            figures = ", ".join(f"{name} {value:.4f}" for name, value in scores.items())
            place = f"step {step} of {total}, " if total else ""
            return f"{run.name}: {place}evaluation: {figures}"
        case Parameters(trainable=trainable, total=count):
            return (
                f"{run.name}: {trainable:,} of {count:,} parameters "
                f"({trainable / count:.2%}) are trained"
            )
    return None


def _figures(run: Run) -> dict[str, str]:
    """Return the latest figures, for the end of a bar; none before the first step."""
    step, evaluation = run.events.latest(TrainStep), run.events.latest(Evaluation)
    if step is None:
        return {}
    scores = evaluation.scores if evaluation else {}
    figures = {name: f"{value:.3f}" for name, value in {"loss": step.loss, **scores}.items()}
    # As a figure, since a bar's end has no other place for words.
    return figures | ({"verdict": run.diagnosis.kind} if run.diagnosis else {})
