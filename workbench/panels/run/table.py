"""The table of runs: one row each, which a click brings to the front."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import ipywidgets as widgets

from workbench.display.colours import PALETTE
from workbench.display.html import esc
from workbench.display.units import share, size, time
from workbench.panels.run.earlier import EarlierRun
from workbench.panels.run.run_view import RunView
from workbench.registry.tasks import ALL_TASKS
from workbench.runs.run import Run

HEADS = ("State", "Trainable", "Metric", "Eval loss", "Peak memory", "Training time")


class RunsTable:
    """Rows of runs. Written by the UI loop only.

    Parameters
    ----------
    pick : callable
        Called with the run whose row was clicked.
    """

    def __init__(self, pick: Callable[[Run | EarlierRun], object]):
        self._pick = pick
        self._rows: list[tuple[widgets.Box, widgets.Button, widgets.HTML]] = []
        head = widgets.Box(
            [widgets.HTML("".join(f"<span>{word}</span>" for word in ("Run", *HEADS)))]
        )
        head.add_class("wb-row")
        head.add_class("wb-head")
        self.widget = widgets.VBox([head], layout={"display": "none"})
        self.widget.add_class("wb-table")

    def show(self, runs: Sequence[RunView], selected: Run | EarlierRun | None) -> None:
        """Show these runs; the first ones may have rows already."""
        for view in runs[len(self._rows) :]:
            self._add(view)
        for view, (row, button, cells) in zip(runs, self._rows, strict=True):
            text = _cells(view)
            if cells.value != text:
                cells.value = text
            button.description = view.run.name
            chosen = "wb-chosen" in row._dom_classes
            if view.run is selected and not chosen:
                row.add_class("wb-chosen")
            elif view.run is not selected and chosen:
                row.remove_class("wb-chosen")
        if self._rows:
            self.widget.layout.display = None

    def _add(self, view: RunView) -> None:
        run = view.run
        colour = PALETTE[view.number % len(PALETTE)]
        chip = widgets.HTML(f"<i class='wb-chip' style='background:{colour}'></i>")
        tooltip = "Show this run above and bring its curves to the front"
        button = widgets.Button(description=run.name, tooltip=tooltip)
        button.on_click(lambda _: self._pick(run))
        name = widgets.HBox([chip, button])
        name.add_class("wb-name")
        cells = widgets.HTML(_cells(view))
        row = widgets.Box([name, cells])
        row.add_class("wb-row")
        self._rows.append((row, button, cells))
        self.widget.children = [*self.widget.children, row]


def figures(view: RunView) -> dict[str, str]:
    """Return the cells of a run's row, by the title of the column."""
    run, evaluation, parameters = view.run, view.evaluation, view.run.parameters
    metric = ALL_TASKS[run.recipe.task].metric
    trained = "–"
    if parameters:
        part = share(parameters["trainable"], parameters["total"])
        trained = f"{parameters['trainable']:,} ({part})"
    quality = evaluation.figure(metric) if evaluation else None
    return {
        "State": view.state,
        "Trainable": trained,
        "Metric": "–" if quality is None else f"{metric.replace('_', ' ')} {quality:.3f}",
        "Eval loss": f"{evaluation.loss:.4f}" if evaluation else "–",
        "Peak memory": size(run.memory["peak"]) if run.memory else "–",
        "Training time": time(view.train.seconds) if view.train else "–",
    }


def _cells(view: RunView) -> str:
    return "".join(
        f"<span data-head='{esc(head)}'><span class='{_tone(head, view)}'>{esc(text)}</span></span>"
        for head, text in figures(view).items()
    )


def _tone(head: str, view: RunView) -> str:
    return f"wb-state {view.css}" if head == "State" else ""
