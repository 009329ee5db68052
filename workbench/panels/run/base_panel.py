"""The base class of the bench and the race panel: runs in one chart, compared and exported."""

from __future__ import annotations

import os
import threading
import traceback
from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets as widgets
import traitlets
from IPython.display import display

from workbench.errors import Problem, RecipeError, TrainingError, WorkbenchError
from workbench.panels.chart.chart import LiveChart
from workbench.panels.kernel import subshell_patch
from workbench.panels.kernel.ui_loop import UiLoop
from workbench.panels.run.earlier import EarlierRun
from workbench.panels.run.outcomes import Outcomes
from workbench.panels.run.run_view import RunView
from workbench.panels.run.snapshot import Snapshot
from workbench.panels.run.status import RunStatus
from workbench.panels.widgets.frame import Frame
from workbench.panels.widgets.messages import Messages
from workbench.runs.run import Run
from workbench.training.events import Event, Parameters, State


class Panel(Outcomes, traitlets.HasTraits):
    """The parts that all panels of runs have: a chart, one selected run with its status, and the results.

    Parameters
    ----------
    empty : str
        Text of the chart before it has points.
    first : str
        What the user has to do first where there is no run yet.
    folder : path
        Where its runs are saved.

    Attributes
    ----------
    selected : Run, EarlierRun or None
        The run whose status is shown, and that is exported.
    chart : LiveChart
        The losses of all runs.
    """

    selected = traitlets.Union(
        [traitlets.Instance(Run), traitlets.Instance(EarlierRun)], allow_none=True
    )

    def __init__(self, empty: str, first: str, folder: str | os.PathLike, **traits: Any):
        self._first = first
        self._lock = threading.RLock()  # around state that both clicks and code change
        self._views: list[RunView] = []
        self._numbered = 0
        self._ui_loop = UiLoop(self._tick, self._show_internal_error, self._period)
        self._snapshot = Snapshot()
        super().__init__(selected=None, **traits)
        self.chart = LiveChart(empty=empty)
        # What is chosen in the chart must not wait for a cell that waits for the run.
        subshell_patch.answer_while_busy([self.chart])
        self._frame = Frame(
            f"The kernel has ended, and its runs with it. Run the cell again to go on: the runs in "
            f"{folder} are kept."
        )
        self._messages = Messages()
        self._status = RunStatus(
            pause=self._click("pause", lambda: self._current().pause()),
            resume=self._click("resume", lambda: self._current().resume()),
            stop=self._click("stop", lambda: self._current().stop()),
            stop_now=self._click("stop", lambda: self._current().stop(evaluate=False)),
        )
        self._compose_outcomes()
        self.widget: widgets.Widget = widgets.VBox()
        self.observe(lambda _: self._ui_loop.wake(), "selected")

    def _current(self) -> Run | EarlierRun:
        if self.selected is None:
            raise TrainingError(f"There is no run yet: {self._first}.")
        return self.selected

    # -- on the screen ----------------------------------------------------------------------------

    def _ipython_display_(self, **kwargs: Any) -> None:
        display(self.widget)
        self._snapshot.show(self._title(), list(self._views), self.chart)

    def _title(self) -> str:
        raise NotImplementedError

    # -- clicks -----------------------------------------------------------------------------------

    def _click(self, topic: str, act: Callable[[], object]) -> Callable[[], None]:
        """Return a button's action: whatever goes wrong is shown in the panel."""
        return lambda: self._do(topic, act)

    def _pick(self, run: Run | EarlierRun) -> None:
        self.selected = run
        key = next(view.key for view in self._views if view.run is run)
        self.chart.highlight(key)

    def _do(self, topic: str, act: Callable[[], object]) -> None:
        """Call an action; whatever goes wrong is shown in the panel."""
        problems: list[Problem] = []
        self._ui_loop.post(lambda: self._place(topic).say(topic, ()))
        try:
            act()
        except RecipeError as error:
            problems = list(error.problems)
        except WorkbenchError as error:
            problems = [Problem.stated("", str(error))]
        except Exception as error:  # noqa: BLE001 (a click has no cell to show a traceback in)
            sentence = f"This action failed: {error or type(error).__name__}"
            problems = [Problem.stated("", sentence, traceback.format_exc())]
        if problems:
            self._ui_loop.post(lambda: self._place(topic).say(topic, problems))

    def _place(self, topic: str) -> Messages:
        """Return where the result of a click is shown: near its button."""
        return self._results.messages if topic in ("compare", "export") else self._messages

    def _view(self, run: Run | EarlierRun) -> RunView:
        """Return the view of a run.

        Raises
        ------
        TrainingError
            It is not in the panel.
        """
        view = next((view for view in self._views if view.run is run), None)
        if view is None:
            raise TrainingError(f"The run {run.name!r} is not in this panel.")
        return view

    def _add_view(self, run: Run | EarlierRun) -> RunView:
        """Show a run from now on; no other has, or had, its number."""
        self._numbered += 1
        view = RunView(run, self._numbered - 1)
        self._views.append(view)
        return view

    # -- everything below runs in the UI loop's thread -----------------------------------------------

    def _on_event(self, _: object, event: Event) -> None:
        # In the run's thread. Steps wait for the next tick; the first step and changes of state do not.
        if isinstance(event, State | Parameters) or event.get("step") == 1:
            self._ui_loop.wake()

    def _period(self) -> float:
        """Return the seconds until the next look at the runs."""
        return 0.5

    def _tick(self) -> bool:
        shown = list(self._views)
        active = [view for view in shown if not view.ended]
        self._label(shown)
        for view in active:
            view.read(self.chart)
        self.chart.flush()
        for view in shown:
            if view.run is self.selected:
                self._status.show(view)
        self._show(shown)
        if not self._embedded:
            self._offer()
        ended = [view.run for view in active if view.ended]
        for run in ended:
            self._ended(run)
        if ended:
            self._snapshot.update(self._title(), shown, self.chart)
        return len(ended) < len(active)

    def _label(self, shown: Sequence[RunView]) -> None:
        """Call each run what it is called in the panel."""
        for view in shown:
            view.call(view.run.name, self.chart)

    def _show(self, shown: Sequence[RunView]) -> None:
        """Show the runs as they are now; each kind of panel does it in its own way."""
        raise NotImplementedError

    def _ended(self, run: Run | EarlierRun) -> None:
        """Handle the end of a run, for instance show why it failed."""

    def _say_failure(self, topic: str, run: Run | EarlierRun) -> None:
        failed = [Problem.stated("", f"{run.name}: {run.error}", run.details)]
        self._messages.say(topic, failed if run.error is not None else [])

    def _show_internal_error(self, error: Exception) -> None:
        details = "".join(traceback.format_exception(error))
        self._messages.say(
            "panel", [Problem.stated("", f"The panel itself failed: {error}", details)]
        )
