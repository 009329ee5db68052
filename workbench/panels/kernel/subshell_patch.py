"""Let buttons and charts answer while a cell is running."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

import ipywidgets as widgets


def answer_while_busy(answering: Sequence[widgets.DOMWidget]) -> None:
    """Ask the kernel to handle messages to these widgets in the browser's own subshell.

    ipykernel 7.4 sends what concerns a widget to the shell that made the widget, where it waits
    for the cell that runs there; 7.1 to 7.3 handled it in the subshell that the browser opened for
    widgets. This restores that for buttons, whose clicks set no trait, and for charts, whose
    choices only their pages set. It uses a private method and does nothing where there is none: a
    click then waits for the cell to end.
    """
    for widget in answering:
        with contextlib.suppress(AttributeError):
            if callable(widget.comm._reply_subshell_for):
                widget.comm._reply_subshell_for = lambda data, default: default
