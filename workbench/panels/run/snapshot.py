"""A picture of the panel, for a notebook that is opened without its kernel.

It is a second output of the cell, hidden by the panel's style while the panel is shown, and updated
whenever a run ends.
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Sequence
from typing import Any

from IPython.display import display, update_display

from workbench.display.html import esc
from workbench.panels.chart.chart import LiveChart
from workbench.panels.run.run_view import RunView
from workbench.panels.run.table import HEADS, figures
from workbench.recipe import Recipe
from workbench.registry.techniques import find

# Without a kernel the panel shows "model not found"; the picture is shown instead.
STYLE = (
    "<style>.jp-OutputArea-child:not(:has(.workbench-bench)):has(+ .jp-OutputArea-child "
    ".workbench-snapshot){display:none}.workbench-snapshot.workbench-snapshot :is(td,th)"
    "{text-align:left;padding:3px 14px 3px 0}.workbench-snapshot img{max-width:100%}</style>"
)


class Snapshot:
    """The picture, shown in any number of cells and updated in all of them."""

    def __init__(self) -> None:
        self._id: str | None = None

    def show(self, title: str, runs: Sequence[RunView], chart: LiveChart) -> None:
        """Show it below the output of the current cell."""
        self._id = self._id or f"workbench-{uuid.uuid4().hex}"
        display(_bundle(title, runs, chart), raw=True, display_id=self._id)

    def update(self, title: str, runs: Sequence[RunView], chart: LiveChart) -> None:
        """Update it wherever it is shown."""
        if self._id is not None:
            update_display(_bundle(title, runs, chart), raw=True, display_id=self._id)


def _bundle(title: str, runs: Sequence[RunView], chart: LiveChart) -> dict[str, Any]:
    runs = [view for view in runs if not view.hidden]
    lines = [f"PEFT Workbench: {title}"]
    lines += [f"{_name(view)}: " + ", ".join(figures(view).values()) for view in runs]
    return {"text/plain": "\n".join(lines), "text/html": _html(title, runs, chart)}


def sentence(recipe: Recipe) -> str:
    """Describe a recipe: its technique, base model and data."""
    technique = find(recipe.technique)
    return f"{technique.title if technique else recipe.technique} on {recipe.model}, {recipe.data}"


def _html(title: str, runs: Sequence[RunView], chart: LiveChart) -> str:
    head = f"<strong>PEFT Workbench</strong> · {esc(title)}"
    parts = [f"<p>{head} · run the cell to show the panel again</p>"]
    if any(view.train for view in runs):
        png = base64.b64encode(chart.to_png()).decode("ascii")
        parts.append(
            f"<img width='760' alt='Losses of the runs' src='data:image/png;base64,{png}'>"
        )
    if runs:
        heads = "".join(f"<th>{esc(word)}</th>" for word in ("Run", *HEADS))
        rows = "".join(_row(view) for view in runs)
        parts.append(f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>")
    return f"<div class='workbench-snapshot'>{STYLE}{''.join(parts)}</div>"


def _name(view: RunView) -> str:
    """Return the label of a run, with the name of its folder where that is another."""
    return view.label if view.label == view.run.name else f"{view.label} ({view.run.name})"


def _row(view: RunView) -> str:
    name = f"<td><span style='color:{view.colour}'>■</span> {esc(_name(view))}</td>"
    return f"<tr>{name}{''.join(f'<td>{esc(text)}</td>' for text in figures(view).values())}</tr>"
