"""The card of one run: what it is, how far it is, its curves and its notes.

A :class:`~workbench.Run` as the last line of a cell is shown as one, and so is what ``wb.train`` trains.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Sequence

import ipywidgets as widgets

from workbench.panels.kernel import subshell_patch
from workbench.panels.run.base_panel import Panel
from workbench.panels.run.run_view import RunView
from workbench.panels.run.snapshot import sentence
from workbench.panels.widgets.style import style
from workbench.runs.run import Run
from workbench.training.events import Event, State

# A run has one card, however often it is shown. The run holds it: the card is one of its listeners.
_cards: weakref.WeakKeyDictionary[Run, weakref.ref[RunPanel]] = weakref.WeakKeyDictionary()
_cards_lock = threading.Lock()


class RunPanel(Panel):
    """The live card of a run.

    Parameters
    ----------
    run : Run

    Attributes
    ----------
    run : Run
    chart : LiveChart
    """

    def __init__(self, run: Run):
        self.run = run
        empty = "The curves of the run appear here once it trains."
        super().__init__(empty, "start the run first", run.runs)
        # A cell that waits for the run keeps the kernel busy.
        subshell_patch.answer_while_busy(list(self._status.buttons.values()))
        self._views = [RunView(run, 0)]
        self.selected = run
        curves = widgets.VBox([self._status.top, self.chart, self._status.details])
        curves.add_class("wb-curves")
        self._status.memory.add_class("wb-memory-forecast")
        self.widget = widgets.VBox(
            [
                style(),
                self._frame,
                self._messages.widget,
                curves,
                self._status.memory,
                self._try_it,
            ]
        )
        self.widget.add_class("workbench-bench")
        self.widget.add_class("wb-card-of-run")
        run.subscribe(self._on_event)
        self._ui_loop.wake()
        self._ui_loop.flush()  # what there is already is there when the card is shown

    @classmethod
    def of(cls, run: Run) -> RunPanel:
        """Return the card of a run, the same one each time."""
        with _cards_lock:
            reference = _cards.get(run)
            card = reference() if reference is not None else None
            if card is None:
                card = cls(run)
                _cards[run] = weakref.ref(card)
            return card

    def __repr__(self) -> str:
        return f"RunPanel({self.run!r})"

    def _title(self) -> str:
        return sentence(self.run.recipe)

    def _on_event(self, _: object, event: Event) -> None:
        super()._on_event(_, event)
        # Whoever waits for the run's end finds it on the card, also where the kernel ends right after.
        if isinstance(event, State) and self.run.ended:
            self._ui_loop.flush(5)

    def _show(self, shown: Sequence[RunView]) -> None:
        if self.run.ended:
            self._say_failure("run", self.run)
