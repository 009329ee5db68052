"""What to do where the columns of somebody's data are not understood: see them, and take a proposal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import ipywidgets as widgets

from workbench.display.html import esc
from workbench.registry.tasks import TASKS
from workbench.sources.datasets.propose import Proposal
from workbench.sources.datasets.readers import Row

SHORT = 90  # characters of a value


@dataclass(frozen=True)
class Columns:
    """The columns of data.

    Parameters
    ----------
    names : tuple of str
    rows : list of dict
        A few rows, where the data could be read but not be understood.
    proposal : Proposal or None
        What they could be for, in this case.
    used : dict of str to str
        Role to column, where the data was understood.
    """

    names: tuple[str, ...]
    rows: list[Row] = field(default_factory=list)
    proposal: Proposal | None = None
    used: dict[str, str] = field(default_factory=dict)


class ColumnChoice:
    """A few rows as they are in the file, and a button that takes what is proposed for them.

    Written by the thread that handles a person's message.

    Parameters
    ----------
    take : callable
        Called with the settings that a person accepts.
    """

    def __init__(self, take: Callable[[dict[str, Any]], object]):
        self._take, self._changes = take, dict[str, Any]()
        self._text = widgets.HTML()
        self._button = widgets.Button(description="Use this")
        self._button.add_class("wb-button")
        self._button.on_click(lambda _: self._take(self._changes))
        self.widget = widgets.VBox([self._text, self._button], layout={"display": "none"})
        self.widget.add_class("wb-columns")

    def show(self, columns: Columns | None) -> None:
        """Show rows that are not understood; nothing where all is well."""
        unclear = columns is not None and bool(columns.rows)
        self.widget.layout.display = None if unclear else "none"
        if columns is None or not unclear:
            return
        proposal = columns.proposal
        self._text.value = _table(columns) + (_sentence(proposal) if proposal else "")
        self._button.layout.display = None if proposal else "none"
        if proposal is not None:
            roles = {f"{role}_column": column for role, column in proposal.columns.items()}
            self._changes = {"task": proposal.task, **roles}


def _sentence(proposal: Proposal) -> str:
    parts = ", ".join(
        f"the {esc(role)} from <b>{esc(column)}</b>" for role, column in proposal.columns.items()
    )
    title = esc(TASKS[proposal.task].title)
    return f"<p>This could be <b>{title}</b>: {parts}. Or choose the columns below.</p>"


def _table(columns: Columns) -> str:
    head = "".join(f"<th scope='col'>{esc(name)}</th>" for name in columns.names)
    rows = "".join(
        "<tr>"
        + "".join(f"<td>{esc(_short(row.get(name)))}</td>" for name in columns.names)
        + "</tr>"
        for row in columns.rows
    )
    return (
        "<div class='wb-raw' tabindex='0' role='region' aria-label='Rows of the data'>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _short(value: Any) -> str:
    text = f"{len(value):,} bytes" if isinstance(value, bytes) else str(value)
    return text if len(text) <= SHORT else text[: SHORT - 1] + "…"
