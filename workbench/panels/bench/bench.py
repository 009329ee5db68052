"""The bench: pick, train, watch, compare and export, in one panel.

Each click calls a method of :class:`Bench` that a person can type as well.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import traitlets

from workbench.errors import Problem, RecipeError
from workbench.panels.anatomy.view import AnatomyView
from workbench.panels.bench.form import RecipeForm
from workbench.panels.bench.inspector import Inspector
from workbench.panels.bench.memory_forecast import MemoryForecast
from workbench.panels.bench.parameter_count import ParameterCount
from workbench.panels.kernel import preload, subshell_patch
from workbench.panels.kernel.compatibility_worker import SETTINGS, CompatibilityWorker
from workbench.panels.kernel.ui_loop import Debouncer, on_main_thread
from workbench.panels.race.panel import RacePanel
from workbench.panels.run.base_panel import Panel
from workbench.panels.run.run_view import RunView
from workbench.panels.run.snapshot import sentence
from workbench.panels.run.table import RunsTable
from workbench.panels.widgets.fields import Fold
from workbench.panels.widgets.style import style
from workbench.race.race import Race
from workbench.recipe import Recipe
from workbench.runs.run import Run
from workbench.training.inspection.compatibility.result import Fit

CLICKS = ("train", "race", "pause", "resume", "stop", "compare", "export")


class Bench(Panel):
    """A panel in which a run is picked, trained, watched, compared and exported.

    Show it as the last line of a cell. It stays the same object when it is shown again.

    Parameters
    ----------
    recipe : Recipe, optional
        What the panel holds to begin with.
    runs : path, default "runs"
        Folder in which runs are kept.

    Attributes
    ----------
    recipe : Recipe
        What the panel holds; set it to fill the panel, observe it to follow the panel.
    runs : list of Run
        The runs of this panel, the oldest first.
    race : Race or None
        Where :meth:`add_to_race` lines up runs.
    selected : Run or None
        The run that pause, resume, stop and export mean: the newest, until another is clicked.
    chart : LiveChart
        The losses of all runs.

    Examples
    --------
    >>> bench = Bench(Recipe(technique="lora"))
    >>> bench.recipe = bench.recipe.replace(r=16)
    >>> bench.recipe.technique_args
    {'r': 16}
    """

    recipe = traitlets.Instance(Recipe)

    def __init__(self, recipe: Recipe | None = None, runs: str | os.PathLike = "runs"):
        self.runs: list[Run] = []
        self.race: Race | None = None
        self._folder = Path(runs)
        self._known: tuple[Recipe, list[Problem]] | None = None  # what was found out last
        self._inspector = Inspector(self._found)
        self._compatibility = CompatibilityWorker(self._fits_found)
        self._shown = False
        self._debouncer = Debouncer(
            self._inspector.inspect, lambda error: self._ui_loop.post(lambda: self._failed(error))
        )
        first = "press Train first"
        empty = "Press Train: the loss appears here."
        super().__init__(empty, first, recipe=recipe or Recipe())
        self._compose()
        self._fill()
        self.observe(lambda _: self._fill(), "recipe")

    def _compose(self) -> None:
        self._form = RecipeForm(self._set)
        self._anatomy = AnatomyView(lambda args: self._set({"technique_args": args}))
        self._anatomy_fold = Fold("Anatomy: what is trained, layer by layer", self._take_apart)
        self._anatomy_fold.widget.add_class("wb-anatomy")
        self._count = ParameterCount()
        self._memory = MemoryForecast(self._ui_loop.post)
        self._table = RunsTable(self._pick)
        self._race_place = widgets.VBox(layout={"display": "none"})
        tooltip = "Start a run with these settings; the notebook stays usable"
        self._train = widgets.Button(description="Train", tooltip=tooltip)
        self._train.add_class("wb-primary")
        self._train.on_click(lambda _: self._click("train", self.train)())
        tooltip = "Line a run with these settings up with others, to start them together"
        add = widgets.Button(description="Add to race", tooltip=tooltip)
        add.add_class("wb-button")
        add.on_click(lambda _: self._click("race", self.add_to_race)())
        known = widgets.VBox([self._count.widget, self._memory.widget])
        known.add_class("wb-known")
        bar = widgets.Box([known, add, self._train])
        bar.add_class("wb-action")
        parts = [self._form, self._messages, self._status, self._table, self._results]
        cards, messages, live, table, results = (part.widget for part in parts)
        self.widget = widgets.VBox(
            [
                style(),
                cards,
                self._anatomy_fold.widget,
                bar,
                messages,
                live,
                self.chart,
                table,
                results,
                self._race_place,
            ]
        )
        self.widget.add_class("workbench-bench")
        # Not Train: its click must not overtake the setting that was typed just before.
        subshell_patch.answer_while_busy(list(self._status.buttons.values()))

    # -- what can be typed ------------------------------------------------------------------------

    def train(self) -> Run:
        """Start a run of the panel's recipe and return it at once.

        Raises
        ------
        RecipeError
            With all that is wrong with the recipe.
        """
        with self._lock:
            recipe = self.recipe
            if self._known is not None and self._known[0] == recipe and self._known[1]:
                # Looked up once more: a file may have been mended since.
                problems = self._inspector.look_up(recipe).problems
                if problems:
                    raise RecipeError(problems)
                self._debouncer.ask(recipe)
            return self.follow(Run(recipe, self._folder))

    def follow(self, run: Run) -> Run:
        """Show a run in the panel and return it, such as one over a module from the notebook.

        It is started unless it was already.
        """
        with self._lock:
            self.runs.append(run)
            self._views.append(RunView(run, len(self._views)))
            run.subscribe(self._heard)
            if run.state == "ready":
                run.start()
            self.chart.highlight(None)
            self.selected = run
        return run

    def pause(self) -> None:
        """Let the selected run rest after the step in hand."""
        self._current().pause()

    def resume(self) -> None:
        """Let the selected run go on."""
        self._current().resume()

    def stop(self) -> None:
        """End the selected run after the step in hand, and keep what was learnt."""
        self._current().stop()

    def add_to_race(self) -> Run:
        """Line up a run of the panel's recipe in ``race``, which is made for the first of them.

        It waits until the race is started, below in the panel or by ``bench.race.start()``.
        """
        with self._lock:
            if self.race is not None and self.race.state != "ended":
                return self.race.add(self.recipe)
            self.race = Race([self.recipe], self._folder)
            self._race_place.children = [RacePanel.of(self.race).widget]
            self._race_place.layout.display = None
            return self.race.members[0]

    # -- on the screen ------------------------------------------------------------------------------

    def _ipython_display_(self, **kwargs: Any) -> None:
        super()._ipython_display_(**kwargs)
        self._shown = True
        preload.load(self._libraries_are_there)

    def _title(self) -> str:
        return sentence(self.recipe)

    def __repr__(self) -> str:
        return f"Bench({self.recipe.technique} on {self.recipe.data}, {len(self.runs)} runs)"

    # -- filling in: written by whoever handles a person's message ----------------------------------

    def _set(self, changes: dict[str, Any]) -> None:
        with self._lock:
            self.recipe = self.recipe.replace(**changes)

    def _fill(self) -> None:
        with self._lock:
            self._form.show(self.recipe)
        self._ui_loop.post(lambda: [self._place(topic).say(topic, ()) for topic in CLICKS])
        self._debouncer.ask(self.recipe)

    def _take_apart(self) -> list[widgets.Widget]:
        """Fill the fold when it is opened first; from then on it follows the recipe."""
        self._inspector.wants_anatomy = True
        self._debouncer.ask(self.recipe)
        return [self._anatomy]

    # -- telling: everything below runs in the UI loop's thread ----------------------------------------

    def _show(self, shown: Sequence[RunView]) -> None:
        self._table.show(shown, self.selected)

    def _forecast(self, run: Run) -> Mapping[str, Any] | None:
        return self._memory.of(run.recipe)

    def _over(self, run: Run) -> None:
        if run.error is not None:
            self._say_failure("train", run)

    def _found(self, part: str, value: Any) -> None:
        self._ui_loop.post(lambda: self._tell(part, value))

    def _tell(self, part: str, value: Any) -> None:
        if part == "done":
            self._known = value
            self._try(*value)
        elif part == "problems":
            self._messages.say("recipe", self._form.say(value))
        elif part == "count":
            self._count.show(value)
        elif part == "anatomy":
            recipe, structure = value
            self._anatomy.show(structure, recipe, "bench.recipe")
        else:
            self._form.tell(part, value)

    def _try(self, recipe: Recipe, problems: list[Problem]) -> None:
        """Find out which techniques fit and how much memory it takes, once the panel is on the screen and the base is there."""
        about = {problem.parameter for problem in problems}
        if not (self._shown and preload.ready()):
            return
        self._memory.look(recipe, bool(problems))
        if not about & set(SETTINGS):
            self._compatibility.ask(recipe, self._inspector.version(recipe))

    def _fits_found(self, fits: dict[str, Fit]) -> None:
        on_main_thread(lambda: self._form.technique.tell_fits(fits))

    def _libraries_are_there(self) -> None:
        on_main_thread(self._form.libraries_are_there)
        if preload.problem:
            said = Problem.stated("", "The libraries could not be loaded.", preload.problem)
            self._ui_loop.post(lambda: self._messages.say("libraries", [said]))
        self._debouncer.ask(self.recipe)
