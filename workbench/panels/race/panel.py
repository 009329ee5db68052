"""The panel of a race: all curves in one chart, a row with controls for each run.

Each click calls a method of the race, of one of its runs, or of :class:`RacePanel`, that can be called
from code as well.
"""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets as widgets

from workbench.errors import Problem, RecipeError
from workbench.panels.kernel import preload
from workbench.panels.race.fork_form import CloneForm
from workbench.panels.race.grid_form import GridForm
from workbench.panels.race.header import RaceHeader
from workbench.panels.race.rows import rows
from workbench.panels.race.run_list import RunList
from workbench.panels.run.base_panel import Panel
from workbench.panels.run.earlier import EarlierRun
from workbench.panels.run.recipe_diff import differences
from workbench.panels.run.run_view import RunView
from workbench.panels.widgets.fields import Fold
from workbench.panels.widgets.style import style
from workbench.race.cost import estimate
from workbench.race.race import Race
from workbench.race.search import MANY, combine
from workbench.recipe import Recipe
from workbench.runs.run import Run
from workbench.training.events import Evaluating, Evaluation, Event, Memory, TrainStep

# Pixels of a chart's width, about.
WIDTH = 800
# A race has one panel, however often it is shown. The race holds it: the panel is one of its listeners.
_panels: weakref.WeakKeyDictionary[Race, weakref.ref[RacePanel]] = weakref.WeakKeyDictionary()
_panels_lock = threading.Lock()


class RacePanel(Panel):
    """The live panel of a race; a :class:`~workbench.Race` as the last line of a cell is shown as one.

    Parameters
    ----------
    race : Race

    Attributes
    ----------
    race : Race
    selected : Run or None
        The run whose status is shown, and that is exported.
    chart : LiveChart
        The losses of all runs.
    """

    def __init__(self, race: Race):
        self.race = race
        self._began: float | None = None  # when it was first seen running
        self._differs: list[str] = []
        self._outer_picked: Callable[[Run], object] = lambda run: None
        self._wake_outer: Callable[[], object] = lambda: None
        empty = "Press Start: the losses of all runs appear here."
        super().__init__(empty, "start the race first", race.runs)
        acts = {
            "Start": self._click("race", race.start),
            "Pause all": self._click("race", race.pause),
            "Resume all": self._click("race", race.resume),
            "Stop all": self._click("race", race.stop),
            "Stop all now": self._click("race", lambda: race.stop(evaluate=False)),
        }
        self._header = RaceHeader(race, acts, self._rule)
        self._run_list = RunList(self._on_row)
        self._clone_form = CloneForm(self._on_clone, self._ui_loop.post)
        self._grid = GridForm(self._base, self._on_grid, self._ui_loop.post)
        fold = Fold("Add runs: all combinations of some settings", self._open_grid)
        fold.widget.add_class("wb-grid-fold")
        curves = widgets.VBox([self.chart])
        curves.add_class("wb-curves")
        self.widget = widgets.VBox(
            [
                style(),
                self._frame,
                self._header.widget,
                self._messages.widget,
                curves,
                self._run_list,
                self._clone_form.widget,
                fold.widget,
                self._status.widget,
                self._try_it,
                self._results.widget,
            ]
        )
        self.widget.add_class("workbench-bench")
        self.widget.add_class("workbench-race")
        race.subscribe(lambda _, message: self._on_race_event(message.event))
        self._ui_loop.wake()
        self._ui_loop.flush()  # a panel has its rows when it is shown

    @classmethod
    def of(cls, race: Race) -> RacePanel:
        """Return the panel of a race, the same one each time."""
        with _panels_lock:
            reference = _panels.get(race)
            panel = reference() if reference is not None else None
            if panel is None:
                panel = cls(race)
                _panels[race] = weakref.ref(panel)
            return panel

    def within(self, picked: Callable[[Run], object], wake: Callable[[], object]) -> widgets.Widget:
        """Return its widget for another panel, which compares and exports its runs.

        Parameters
        ----------
        picked : callable
            Called with a run that was clicked.
        wake : callable
            Called when a run has ended.
        """
        self.embed()
        self._outer_picked, self._wake_outer = picked, wake
        return self.widget

    @property
    def views(self) -> list[RunView]:
        """The runs as the panel shows them."""
        return list(self._views)

    def __repr__(self) -> str:
        return f"RacePanel({len(self.race.members)} runs, {self.race.state})"

    # -- public methods, besides those of the race -------------------------------------------------

    def add_grid(self, *, sure: bool = False, **knobs: list[Any]) -> list[Run]:
        """Add all combinations of some settings to the race, as :func:`workbench.race` would.

        They are variations of the recipe of the selected run, or else of the first run.

        Parameters
        ----------
        sure : bool, default False
            Allow more than 64 runs.
        **knobs
            Lists of values for settings of the recipe or arguments of its technique.

        Returns
        -------
        list of Run
            The runs that were added.

        Raises
        ------
        RecipeError
            With all problems; or with the time and the memory that more than 64 runs would take.
        """
        recipes = combine(self._base()[0], knobs)
        if len(recipes) > MANY and not sure:
            allowed = f"True for {len(recipes):,} more runs"
            raise RecipeError([Problem("sure", allowed, False, estimate(recipes))])
        return self.race.extend(recipes)

    # -- on the screen ----------------------------------------------------------------------------

    def _ipython_display_(self, **kwargs: Any) -> None:
        super()._ipython_display_(**kwargs)
        preload.load(lambda: None)

    def _title(self) -> str:
        count = len(self.race.members)
        return f"a race of {count} run{'s' * (count != 1)}, {self.race.state}"

    # -- clicks -------------------------------------------------------------------------------------

    def _rule(self, name: str, value: Any) -> None:
        self._do("race", lambda: self.race.rule(**{name: value}))
        self._ui_loop.wake()

    def _on_row(self, act: str, number: int) -> None:
        run = self.race.members[number]
        if act == "pick":
            self._pick(run)
            self._outer_picked(run)
            # Its row has a short reason: here is the whole error, with the details.
            self._ui_loop.post(lambda: self._say_failure("picked", run))
            self._ui_loop.post(self._grid.describe)
        elif act == "clone":
            recipes = [member.recipe for member in self.race.members]
            self._ui_loop.post(lambda: self._clone_form.open(run, recipes))
        elif act == "skip":
            self._do("race", lambda: run.stop(evaluate=False))
        else:
            self._do("race", getattr(run, act))
        self._ui_loop.wake()

    def _on_clone(self, run: Run, weights: bool, changes: dict[str, Any]) -> None:
        def clone() -> None:
            self.race.fork(run, weights=weights, **changes)
            self._ui_loop.post(self._clone_form.close)

        self._do("race", clone)

    def _open_grid(self) -> list[widgets.Widget]:
        self._grid.offer()
        return [self._grid.widget]

    def _base(self) -> tuple[Recipe, str]:
        run = self.selected or self.race.members[0]
        # Each run of a grid is named after its settings.
        return run.recipe.replace(name=None), run.name

    def _on_grid(self, knobs: dict[str, list[Any]], sure: bool) -> None:
        # The cost of many runs is estimated with a few steps: that must not block the kernel.
        self._ui_loop.post(self._grid.wait)
        threading.Thread(
            target=lambda: self._do("grid", lambda: self._add_or_ask(knobs, sure)),
            name="race grid",
            daemon=True,
        ).start()

    def _add_or_ask(self, knobs: dict[str, list[Any]], sure: bool) -> None:
        then: Callable[[], object] = self._grid.describe
        try:
            self.add_grid(sure=sure, **knobs)
        except RecipeError as error:
            questions = [str(problem) for problem in error.problems if problem.parameter == "sure"]
            if not questions:
                raise
            then = lambda: self._grid.ask(questions[0])
        finally:
            self._ui_loop.post(then)

    # -- everything below runs in the UI loop's thread -----------------------------------------------

    def _on_race_event(self, event: Event) -> None:
        # In the thread of a run. Steps wait for the next tick; events that change the table do not.
        if not isinstance(event, TrainStep | Evaluation | Evaluating | Memory) or event.step == 1:
            self._ui_loop.wake()

    def _period(self) -> float:
        # Each tick costs the training runs some time; where no curve would move by a pixel, ticks are fewer.
        if self._began is None:
            return 1.0
        elapsed = time.monotonic() - self._began
        farthest = max(run.progress[0] for run in self.race.members)
        return 1.0 if farthest * WIDTH >= self.chart.end * elapsed else 3.0

    def _tick(self) -> bool:
        for run in self.race.members[len(self._views) :]:
            self._views.append(RunView(run, len(self._views)))
        if self._began is None and self.race.state != "ready":
            self._began = time.monotonic()
        return super()._tick() and self.race.state != "ready"

    def _ended(self, run: Run | EarlierRun) -> None:
        self._wake_outer()

    def _show(self, shown: Sequence[RunView]) -> None:
        leaderboard = self.race.leaderboard()
        recipes = [view.run.recipe for view in shown]
        if len(self._differs) != len(recipes):
            self._differs = differences(recipes)
        self._run_list.rows = rows(shown, leaderboard, self._differs, self.selected)
        self._header.show(leaderboard)
