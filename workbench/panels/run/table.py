"""The table of runs: a row for each, with its figures and what can be done with it.

All rows are one widget, as those of a race are, and are sent again only where something has changed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from workbench.display.units import count, number, share, size, time
from workbench.panels.run.earlier import EarlierRun
from workbench.panels.run.run_view import RunView
from workbench.panels.widgets.modules import bundle
from workbench.registry.tasks import ALL_TASKS
from workbench.runs.baseline import majority_share
from workbench.runs.run import Run

_STATIC = Path(__file__).parent / "js"

# Each column's key, its heading, and whether its best is the highest.
COLUMNS = (
    ("run", "Run", False),
    ("state", "State", False),
    ("trained", "Trainable", False),
    ("score", "Metric", True),
    ("loss", "Eval loss", False),
    ("memory", "Peak memory", False),
    ("time", "Training time", False),
)
HEADS = tuple(head for _, head, _ in COLUMNS[1:])
ACTS = ("pick", "use", "clone", "rename", "hide", "show", "delete")


class RunsTable(anywidget.AnyWidget):
    """Rows of runs. Written by the UI loop only.

    Parameters
    ----------
    act : callable
        Called with one of ``ACTS``, the number of the run, and for a new name the name.

    Attributes
    ----------
    rows : list of dict
        What each row shows; see :func:`row_of`.
    """

    _esm = bundle(*(_STATIC / f"{name}.js" for name in ("elements", "menu", "row", "table")))

    columns: traitlets.List = traitlets.List(
        [{"key": key, "head": head, "descending": highest} for key, head, highest in COLUMNS]
    ).tag(sync=True)
    rows: traitlets.List = traitlets.List().tag(sync=True)

    def __init__(self, act: Callable[[str, int, str], object]):
        super().__init__(layout={"display": "none"})
        self.add_class("wb-runs")
        self._act = act
        self.on_msg(self._on_message)

    def show(
        self,
        runs: Sequence[RunView],
        selected: Run | EarlierRun | None,
        acts: Callable[[RunView], Mapping[str, str]],
        question: Callable[[RunView], str],
    ) -> None:
        """Show a row for each of these runs.

        Parameters
        ----------
        runs : sequence of RunView
        selected : Run, EarlierRun or None
        acts : callable
            Returns what can be done with a run: for each of ``ACTS`` why not, or an empty text.
        question : callable
            Returns what is asked before a run is deleted.
        """
        self.rows = [
            row_of(view, acts(view), question(view), chosen=view.run is selected) for view in runs
        ]
        if self.rows and self.layout.display is not None:
            self.layout.display = None

    def _on_message(self, _: RunsTable, content: dict[str, Any], __: list[memoryview]) -> None:
        match content:
            case {"act": str(act), "id": int(number), **more} if act in ACTS:
                self._act(act, number, str(more.get("value", "")))


def row_of(
    view: RunView, acts: Mapping[str, str], question: str, *, chosen: bool
) -> dict[str, Any]:
    """Describe the row of a run: texts, and the values that the columns are sorted by."""
    run, evaluation, parameters = view.run, view.evaluation, view.run.parameters
    score = _score(view)
    shown = figures(view)
    return {
        "id": view.number,
        "colour": view.colour,
        "label": view.label,
        "name": run.name,
        "differs": view.differs,
        "chosen": chosen,
        "hidden": view.hidden,
        "css": view.css,
        "warning": str(run.diagnosis or ""),
        "cells": {
            **{key: shown[head] for key, head, _ in COLUMNS[1:]},
            "state": view.state,
            "score": score or "–",
        },
        "notes": {"state": view.verdict, "score": _score_note(view)},
        "share": parameters["trainable"] / parameters["total"] if parameters else None,
        "parameters": _parameters(parameters),
        "sort": {
            "run": view.label,
            "state": f"{view.state} {view.verdict}",
            "trained": parameters["trainable"] if parameters else None,
            "score": _finite(evaluation.figure(_metric(view))) if evaluation else None,
            "loss": _finite(evaluation.loss) if evaluation else None,
            "memory": run.memory["peak"] if run.memory else None,
            "time": view.train.seconds if view.train else None,
        },
        "acts": dict(acts),
        "question": question,
    }


def figures(view: RunView) -> dict[str, str]:
    """Return the cells of a run's row, by the title of the column."""
    run, evaluation, parameters = view.run, view.evaluation, view.run.parameters
    trained = "–"
    if parameters:
        part = share(parameters["trainable"], parameters["total"])
        trained = f"{parameters['trainable']:,} ({part})"
    score = " · ".join(filter(None, [_score(view), _score_note(view)]))
    return {
        "State": ", verdict: ".join(filter(None, [view.state, view.verdict])),
        "Trainable": trained,
        "Metric": score or "–",
        "Eval loss": f"{evaluation.loss:.4f}" if evaluation else "–",
        "Peak memory": size(run.memory["peak"]) if run.memory else "–",
        "Training time": time(view.train.seconds) if view.train else "–",
    }


def _metric(view: RunView) -> str:
    return ALL_TASKS[view.run.recipe.task].metric


def _score(view: RunView) -> str:
    quality = view.evaluation.figure(_metric(view)) if view.evaluation else None
    return "" if quality is None else f"{_metric(view).replace('_', ' ')} {number(quality, 3)}"


def _score_note(view: RunView) -> str:
    """Say what the metric is to be held against, and where it is not that of the last step."""
    run, evaluation, step = view.run, view.evaluation, view.run.progress[0]
    notes = []
    if view.score_step is not None:
        notes.append(f"at step {view.score_step:,} of {step:,}")
    elif run.ended and step and evaluation is None:
        first = run.recipe.eval_steps
        notes.append(f"ended at step {step:,}, before its first evaluation at step {first:,}")
    guess = majority_share(_metric(view), run.plan)
    if evaluation is not None and guess is not None:
        notes.append(f"majority baseline {guess:.2f}")
    return " · ".join(notes)


def _finite(value: float | None) -> float | None:
    """Leave out what JSON has no form for."""
    return value if value is None or math.isfinite(value) else None


def _parameters(parameters: Mapping[str, Any]) -> str:
    if not parameters:
        return ""
    trained, total = parameters["trainable"], parameters["total"]
    return f"{count(trained)} parameters are trained, {count(total - trained)} are frozen"
