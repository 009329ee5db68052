"""Train; and where something is wrong, what leads to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import ipywidgets as widgets

from workbench.errors import Problem

TRAIN = "Start a run with these settings; the notebook stays usable"
FIX = "Go to the first of them"


class TrainButton:
    """The button that trains. Written by the UI loop only.

    While something is wrong it says how much, and a click on it leads there (``faults.js``).

    Parameters
    ----------
    train : callable
        Called at a click while all is well.
    check : callable
        Called at a click while something is wrong: it may be right by now, such as a file.
    """

    def __init__(self, train: Callable[[], object], check: Callable[[], object]):
        self._wrong = False
        self.widget = widgets.Button(description="Train", tooltip=TRAIN)
        self.widget.add_class("wb-primary")
        self.widget.on_click(lambda _: (check if self._wrong else train)())

    def show(self, problems: Sequence[Problem]) -> None:
        """Show whether there is something to correct first."""
        wrong = len({problem.parameter for problem in problems})
        self._wrong = bool(wrong)
        word = f"Fix {wrong} setting{'s' * (wrong != 1)}" if wrong else "Train"
        if self.widget.description == word:
            return
        self.widget.description = word
        self.widget.tooltip = FIX if wrong else TRAIN
        (self.widget.add_class if wrong else self.widget.remove_class)("wb-fix")
