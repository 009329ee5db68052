"""The base class of the bench and the race panel: runs in one chart, compared and exported."""

from __future__ import annotations

import os
import threading
import traceback
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
import traitlets
from IPython.display import display

from workbench.errors import Problem, RecipeError, TrainingError, WorkbenchError
from workbench.panels.chart.chart import LiveChart
from workbench.panels.kernel import subshell_patch
from workbench.panels.kernel.ui_loop import UiLoop
from workbench.panels.run.earlier import EarlierRun
from workbench.panels.run.results import Results
from workbench.panels.run.run_view import RunView
from workbench.panels.run.snapshot import Snapshot
from workbench.panels.run.status import RunStatus
from workbench.panels.widgets.frame import Frame
from workbench.panels.widgets.messages import Messages
from workbench.runs.run import Run
from workbench.training.events import Event, Parameters, State

if TYPE_CHECKING:
    from workbench.compare import Comparison


class Panel(traitlets.HasTraits):
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
        )
        self._results = Results(self._click("compare", self.compare), self._export_click)
        self.widget: widgets.Widget = widgets.VBox()
        self.observe(lambda _: self._ui_loop.wake(), "selected")

    # -- public methods ----------------------------------------------------------------------------

    def compare(self, runs: Sequence[Run | EarlierRun] | None = None) -> Comparison:
        """Compare runs and show the result in the panel.

        Parameters
        ----------
        runs : sequence of Run or EarlierRun, optional
            By default all runs of the panel that have ended.

        Returns
        -------
        Comparison

        Raises
        ------
        TrainingError
            No run has ended yet.
        """
        from workbench.compare import compare

        ended = [view.run for view in self._results_of() if view.run.ended]
        chosen = ended if runs is None else list(runs)
        if not chosen:
            raise TrainingError(f"There is no finished run to compare yet: {self._first}.")
        comparison = compare([_source(run) for run in chosen])
        self._ui_loop.post(lambda: self._results.show(comparison))
        return comparison

    def export(
        self, run: Run | EarlierRun | None = None, path: str | os.PathLike | None = None
    ) -> Path:
        """Write a run as a script and return its path.

        Parameters
        ----------
        run : Run or EarlierRun, optional
            By default the selected run.
        path : path, optional
            The script's file; by default it has the run's name.

        Returns
        -------
        Path

        Raises
        ------
        TrainingError
            There is no run yet.
        StoreError
            The file cannot be written.
        """
        from workbench.export import export

        run = run or self._exported() or self._current()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            written = export(_source(run), path or f"{run.name}.py")
        sentences = [f"The script of {run.name} is {written}: run it with python {written.name}."]
        sentences += [str(warning.message) for warning in caught]
        messages = [Problem.stated("", sentence) for sentence in sentences]
        self._ui_loop.post(
            lambda: self._results.messages.say("export", messages, "problem" if caught else "good")
        )
        return written

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

    def _export_click(self, path: str) -> None:
        self._do("export", lambda: self.export(path=path or None))

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

    # -- everything below runs in the UI loop's thread -----------------------------------------------

    def _on_event(self, run: Run, event: Event) -> None:
        # In the run's thread. Steps wait for the next tick; the first step and changes of state do not.
        if isinstance(event, State | Parameters) or event.get("step") == 1:
            self._ui_loop.wake()

    def _period(self) -> float:
        """Return the seconds until the next look at the runs."""
        return 0.5

    def _tick(self) -> bool:
        shown = list(self._views)
        active = [view for view in shown if not view.ended]
        for view in active:
            view.read(self.chart)
        self.chart.flush()
        for view in shown:
            if view.run is self.selected:
                self._status.show(view)
        self._show(shown)
        self._results.offer(self._results_of(), self._exported())
        ended = [view.run for view in active if view.ended]
        for run in ended:
            self._ended(run)
        if ended:
            self._snapshot.update(self._title(), shown, self.chart)
        return len(ended) < len(active)

    def _results_of(self) -> list[RunView]:
        """Return the runs that are compared and exported here."""
        return list(self._views)

    def _exported(self) -> Run | EarlierRun | None:
        """Return the run that a click on Export is about."""
        return self.selected

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


def _source(run: Run | EarlierRun) -> Run | Path:
    """Return what a run is compared and exported from."""
    return run.path if isinstance(run, EarlierRun) else run
