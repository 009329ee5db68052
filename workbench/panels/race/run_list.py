"""The list of runs of a race: a row for each run, with its own controls.

All rows are one widget, updated by one message a second. A widget for each cell would need a message for
each cell, and handling those would take processor time from the training.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from workbench.panels.kernel import subshell_patch
from workbench.panels.widgets.modules import bundle

_STATIC = Path(__file__).parent

ACTS = ("pick", "pause", "resume", "stop", "skip", "clone")


class RunList(anywidget.AnyWidget):
    """A table of runs. Its rows are written by the UI loop only.

    Parameters
    ----------
    act : callable
        Called with the action that was clicked, one of ``ACTS``, and the ``id`` of the row.

    Attributes
    ----------
    rows : list of dict
        What each row shows, as :func:`workbench.panels.race.rows.rows` makes it.
    """

    _esm = bundle(_STATIC / "row_order.js", _STATIC / "run_list.js")
    _css = _STATIC / "run_list.css"

    rows: traitlets.List = traitlets.List().tag(sync=True)

    def __init__(self, act: Callable[[str, int], object]):
        super().__init__()
        self._act = act
        self.on_msg(self._on_message)
        subshell_patch.answer_while_busy([self])

    def _on_message(self, _: RunList, content: dict[str, Any], __: list[memoryview]) -> None:
        match content:
            case {"act": str(act), "id": int(number)} if act in ACTS:
                self._act(act, number)
