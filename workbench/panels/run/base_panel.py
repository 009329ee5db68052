"""What the bench and the panel of a race have in common: runs that are watched, compared, exported."""

from __future__ import annotations

import os
import threading
import traceback
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
import traitlets
from IPython.display import display

from workbench.errors import RecipeError, TrainingError, WorkbenchError
from workbench.panels.chart.chart import LiveChart
from workbench.panels.kernel.ui_loop import Pump
from workbench.panels.run.results import Results
from workbench.panels.run.run_view import Followed
from workbench.panels.run.snapshot import Still
from workbench.panels.run.status import Live
from workbench.panels.widgets.messages import Messages, Trouble
from workbench.runs.run import Run
from workbench.training.events import Event, Parameters, State

if TYPE_CHECKING:
    from workbench.compare import Comparison


class Panel(traitlets.HasTraits):
    """Runs in one chart, one of them in hand, with what comes out of them below.

    Parameters
    ----------
    empty : str
        What the chart says before there is a point.
    first : str
        What to do where there is no run yet.

    Attributes
    ----------
    selected : Run or None
        The run that is shown by itself, and that export means.
    chart : LiveChart
        The losses of all runs.
    """

    selected = traitlets.Instance(Run, allow_none=True)

    def __init__(self, empty: str, first: str, **traits: Any):
        self._first = first
        self._lock = threading.RLock()  # around what clicks and typed lines change
        self._followed: list[Followed] = []
        self._pump = Pump(self._tick, self._failed, self._period)
        self._still = Still()
        super().__init__(selected=None, **traits)
        self.chart = LiveChart(empty=empty)
        self._messages = Messages()
        self._live = Live(
            *(
                self._click(name, lambda name=name: getattr(self._current(), name)())
                for name in ("pause", "resume", "stop")
            )
        )
        self._results = Results(self._click("compare", self.compare), self._export_click)
        self.widget: widgets.Widget = widgets.VBox()
        self.observe(lambda _: self._pump.wake(), "selected")

    # -- what can be typed ------------------------------------------------------------------------

    def compare(self, runs: Sequence[Run] | None = None) -> Comparison:
        """Compare runs, those of this panel if none are given, and show the result in the panel."""
        from workbench.compare import compare

        ended = [followed.run for followed in self._followed if followed.run.ended]
        chosen = ended if runs is None else list(runs)
        if not chosen:
            raise TrainingError(f"There is no finished run to compare yet: {self._first}.")
        comparison = compare(chosen)
        self._pump.post(lambda: self._results.show(comparison))
        return comparison

    def export(self, run: Run | None = None, path: str | os.PathLike | None = None) -> Path:
        """Write a run, the selected one if none is given, as a script and return its path."""
        from workbench.export import export

        run = run or self._current()
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            written = export(run, path or f"{run.name}.py")
        sentences = [f"{run.name} is in {written}: run it with python {written.name}."]
        sentences += [str(one.message) for one in told]
        said = [Trouble("", sentence) for sentence in sentences]
        self._pump.post(
            lambda: self._results.messages.say("export", said, "problem" if told else "good")
        )
        return written

    def _current(self) -> Run:
        if self.selected is None:
            raise TrainingError(f"There is no run yet: {self._first}.")
        return self.selected

    # -- on the screen ----------------------------------------------------------------------------

    def _ipython_display_(self, **kwargs: Any) -> None:
        display(self.widget)
        self._still.show(self._title(), list(self._followed), self.chart)

    def _title(self) -> str:
        raise NotImplementedError

    # -- clicks -----------------------------------------------------------------------------------

    def _click(self, topic: str, act: Callable[[], object]) -> Callable[[], None]:
        """Make what a button does: whatever goes wrong is said in the panel."""
        return lambda: self._say_trouble(topic, act)

    def _pick(self, run: Run) -> None:
        self.selected = run
        key = next(followed.key for followed in self._followed if followed.run is run)
        self.chart.highlight(key)

    def _export_click(self, path: str) -> None:
        self._say_trouble("export", lambda: self.export(path=path or None))

    def _say_trouble(self, topic: str, act: Callable[[], object]) -> None:
        """Do what was clicked; whatever goes wrong is said in the panel."""
        troubles: list[Trouble] = []
        self._pump.post(lambda: self._place(topic).say(topic, ()))
        try:
            act()
        except RecipeError as error:
            troubles = [Trouble.of(one) for one in error.problems]
        except WorkbenchError as error:
            troubles = [Trouble("", str(error))]
        except Exception as error:  # noqa: BLE001 (a click has no cell to show a traceback in)
            sentence = f"That did not work: {error or type(error).__name__}"
            troubles = [Trouble("", sentence, traceback.format_exc())]
        if troubles:
            self._pump.post(lambda: self._place(topic).say(topic, troubles))

    def _place(self, topic: str) -> Messages:
        """Return where the panel says what a click did: near its button."""
        return self._results.messages if topic in ("compare", "export") else self._messages

    # -- telling: everything below runs in the pump's thread ----------------------------------------

    def _heard(self, run: Run, event: Event) -> None:
        # In the run's thread. Steps wait for the next tick; the first one and changes do not.
        if isinstance(event, State | Parameters) or event.get("step") == 1:
            self._pump.wake()

    def _period(self) -> float:
        """Return the seconds until the next look at the runs."""
        return 0.5

    def _tick(self) -> bool:
        shown = list(self._followed)
        going = [followed for followed in shown if not followed.over]
        for followed in going:
            followed.read(self.chart)
        self.chart.flush()
        for followed in shown:
            if followed.run is self.selected:
                self._live.show(followed, self._foretold(followed.run))
        self._show(shown)
        self._results.offer(shown, self.selected)
        ended = [followed.run for followed in going if followed.over]
        for run in ended:
            self._over(run)
        if ended:
            self._still.update(self._title(), shown, self.chart)
        return len(ended) < len(going)

    def _foretold(self, run: Run) -> Mapping[str, Any] | None:
        """Return the memory that was foretold for a run, where it was."""
        return None

    def _show(self, shown: Sequence[Followed]) -> None:
        """Show the runs as they are now, in whatever way this panel does."""
        raise NotImplementedError

    def _over(self, run: Run) -> None:
        """Say why a run failed, if it did."""

    def _say_failure(self, topic: str, run: Run) -> None:
        failed = [Trouble("", f"{run.name}: {run.error}", run.details)]
        self._messages.say(topic, failed if run.error is not None else [])

    def _failed(self, error: Exception) -> None:
        details = "".join(traceback.format_exception(error))
        self._messages.say("panel", [Trouble("", f"The panel itself failed: {error}", details)])
