"""The bench: pick, train, watch, compare and export, in one panel.

Each click calls a method of :class:`Bench` that can be called from code as well.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import traitlets

from workbench.errors import Problem, RecipeError
from workbench.panels.anatomy.view import AnatomyView
from workbench.panels.bench.form import RecipeForm
from workbench.panels.bench.inspector import Inspector
from workbench.panels.bench.layout import desk, dock
from workbench.panels.bench.memory_forecast import MemoryForecast
from workbench.panels.bench.parameter_count import ParameterCount
from workbench.panels.bench.race_section import PLACE, RaceSection
from workbench.panels.bench.run_actions import RunActions
from workbench.panels.bench.train_button import TrainButton
from workbench.panels.kernel import preload, subshell_patch
from workbench.panels.kernel.compatibility_worker import SETTINGS, CompatibilityWorker
from workbench.panels.kernel.ui_loop import Debouncer, on_main_thread
from workbench.panels.run.earlier import SHOWN, EarlierRun, earlier_runs
from workbench.panels.run.run_view import RunView
from workbench.panels.run.snapshot import sentence
from workbench.panels.run.status import make_button
from workbench.panels.run.table import RunsTable
from workbench.panels.widgets.fields import Fold
from workbench.panels.widgets.style import style
from workbench.race.race import Race
from workbench.recipe import Recipe
from workbench.runs.run import Run
from workbench.training.inspection.compatibility.result import Compatibility

OLDER = "Show more of the runs that are in the folder of runs"
CLICKS = ("train", "race", "pause", "resume", "stop", "compare", "export", "runs")


class Bench(RunActions):
    """The panel to choose a run's settings, train it, watch it, compare runs and export them.

    Show it as the last line of a cell. It stays the same object when it is shown again.

    Parameters
    ----------
    recipe : Recipe, optional
        The settings that the panel shows first.
    runs : path, default "runs"
        Folder in which runs are saved. The newest runs that are there already are shown too.

    Attributes
    ----------
    recipe : Recipe
        The settings in the panel; set it to fill the panel, observe it to follow the panel.
    runs : list of Run
        The runs of this panel, the oldest first.
    race : Race or None
        The race to which :meth:`add_to_race` adds runs.
    selected : Run, EarlierRun or None
        The run that pause, resume, stop and export act on: the newest, until another is clicked.
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
        self._folder = Path(runs)
        self._inspected: tuple[Recipe, list[Problem]] | None = (
            None  # the last recipe, and its problems
        )
        self._inspector = Inspector(self._on_report)
        self._compatibility = CompatibilityWorker(self._on_compatibility)
        self._shown = False
        self._debouncer = Debouncer(
            self._inspector.inspect,
            lambda error: self._ui_loop.post(lambda: self._show_internal_error(error)),
        )
        first = "press Train first"
        empty = "Press Train: the loss appears here."
        super().__init__(empty, first, self._folder, recipe=recipe or Recipe())
        self._compose()
        self._fill()
        self.observe(lambda _: self._fill(), "recipe")
        self.observe(self._on_selected, "selected")

    def _compose(self) -> None:
        self._form = RecipeForm(self._set, self._ui_loop.post)
        self._anatomy = AnatomyView(lambda args: self._set({"technique_args": args}))
        self._anatomy_fold = Fold("Anatomy: what is trained, layer by layer", self._fill_anatomy)
        self._anatomy_fold.widget.add_class("wb-anatomy")
        self._count = ParameterCount()
        technique = self._form.technique.widget
        technique.children = [*technique.children, self._count.modules]
        self._memory = MemoryForecast(self._ui_loop.post)
        self._table = RunsTable(self._on_row)
        self._older = make_button("", OLDER, lambda: self._ui_loop.post(self._show_earlier))
        self._older.layout.display = "none"
        self._older.add_class("wb-older")
        self._race = RaceSection(self._ui_loop.wake)
        self._train = TrainButton(
            self._click("train", self.train), lambda: self._debouncer.ask(self.recipe)
        )
        tooltip = "Add a run with these settings to a race, to start several runs together"
        add = widgets.Button(description="Add to race", tooltip=tooltip)
        add.add_class("wb-button")
        add.on_click(lambda _: self._click("race", self._add_click)())
        facts = [self._count.widget, self._memory.line]
        bar = dock(facts, [add, self._status.controls, self._train.widget], self._messages.widget)
        curves = [self._status.head, self.chart, self._status.details]
        self.widget = widgets.VBox(
            [
                style(),
                self._frame,
                bar,
                self._form.sources,
                desk(self._form.settings, curves, self._memory.widget),
                self._anatomy_fold.widget,
                self._table,
                self._older,
                self._try_it,
                self._race.widget,
                self._results.widget,
            ]
        )
        self.widget.add_class("workbench-bench")
        # Not Train: its click must not overtake the setting that was typed just before.
        subshell_patch.answer_while_busy(list(self._status.buttons.values()))

    # -- public methods ----------------------------------------------------------------------------

    def train(self) -> Run:
        """Start a run of the panel's recipe and return it at once.

        Raises
        ------
        RecipeError
            With all problems of the recipe.
        """
        with self._lock:
            recipe = self.recipe
            if self._inspected is not None and self._inspected[0] == recipe and self._inspected[1]:
                # Checked once more: a file may have been corrected since.
                problems = self._inspector.look_up(recipe).problems
                if problems:
                    raise RecipeError(problems)
                self._debouncer.ask(recipe)
            return self.follow(Run(recipe, self._folder, tables=self._inspector.tables))

    def follow(self, run: Run) -> Run:
        """Show a run in the panel and return it, such as one over a module from the notebook.

        It is started unless it was already.
        """
        with self._lock:
            self.runs.append(run)
            self._add_view(run)
            run.subscribe(self._on_event)
            if run.state == "ready":
                run.start()
            self.chart.highlight(None)
            self.selected = run
            self._form.fold()
        return run

    def pause(self) -> None:
        """Pause the selected run after its current step."""
        self._current().pause()

    def resume(self) -> None:
        """Continue the selected run."""
        self._current().resume()

    def stop(self, evaluate: bool = True) -> None:
        """End the selected run after its current step, evaluate it, and save its trained weights.

        Parameters
        ----------
        evaluate : bool, default True
            As :meth:`Run.stop` takes it.
        """
        self._current().stop(evaluate)

    def add_to_race(self) -> Run:
        """Add a run of the panel's recipe to ``race``, which is made for the first of them.

        It waits until the race is started, below in the panel or by ``bench.race.start()``.
        """
        with self._lock:
            return self._race.add(self.recipe, self._folder, self._inspector.tables)

    @property
    def race(self) -> Race | None:
        """The race to which :meth:`add_to_race` adds runs."""
        return self._race.race

    def _add_click(self) -> None:
        before = self.race
        self.add_to_race()
        if self.race is None or self.race is not before:
            self._frame.reveal(PLACE)
            return
        # Whoever adds several is not led away from the settings each time.
        count = len(self.race.members)
        added = Problem.stated("", f"Added to the race below, which has {count} runs now.")
        self._ui_loop.post(lambda: self._messages.say("race", [added], "good"))

    # -- on the screen ------------------------------------------------------------------------------

    def _ipython_display_(self, **kwargs: Any) -> None:
        super()._ipython_display_(**kwargs)
        if not self._shown:
            self._ui_loop.post(self._show_earlier)
        self._shown = True
        preload.load(self._libraries_loaded)

    def _title(self) -> str:
        return sentence(self.recipe)

    def __repr__(self) -> str:
        return f"Bench({self.recipe.technique} on {self.recipe.data}, {len(self.runs)} runs)"

    # -- the form: written by the thread that handles a person's message ------------------------------

    def _set(self, changes: dict[str, Any]) -> None:
        with self._lock:
            self.recipe = self.recipe.replace(**changes)

    def _fill(self) -> None:
        with self._lock:
            self._form.show(self.recipe)
        self._ui_loop.post(self._clear_messages)
        recipe = self.recipe
        self._ui_loop.post(lambda: self._memory.expect(recipe))
        self._debouncer.ask(recipe)

    def _clear_messages(self) -> None:
        for topic in CLICKS:
            self._place(topic).say(topic, ())

    def _fill_anatomy(self) -> list[widgets.Widget]:
        """Make the anatomy when it is opened first; from then on it follows the recipe."""
        self._inspector.wants_anatomy = True
        self._debouncer.ask(self.recipe)
        return [self._anatomy]

    # -- everything below runs in the UI loop's thread -----------------------------------------------

    def _pick(self, run: Run | EarlierRun) -> None:
        super()._pick(run)
        self._on_selected()

    def _on_selected(self, _: object = None) -> None:
        self._race.picked = None

    def _results_of(self) -> list[RunView]:
        return [*self._views, *self._race.views]

    def _exported(self) -> Run | EarlierRun | None:
        """Return the run that was picked last, in the table or in the race."""
        return self._race.picked or self.selected

    def _show(self, shown: Sequence[RunView]) -> None:
        self._table.show(shown, self.selected, self._acts, self._question)
        self._memory.show_run(self.selected)

    def _show_earlier(self) -> None:
        """Show the newest runs that were in the folder before and are not shown yet."""
        shown = [view.run.path for view in self._views if view.run.path is not None]
        runs, older = earlier_runs(self._folder, shown=shown)
        with self._lock:
            views = [self._add_view(run) for run in runs]
            self._label(self._views)
        for view in views:
            view.read(self.chart)
        self._older.description = f"Show {min(older, SHOWN)} of {older:,} older runs"
        self._older.layout.display = None if older else "none"
        if views:
            self._ui_loop.wake()
            self._snapshot.update(self._title(), list(self._views), self.chart)

    def _ended(self, run: Run | EarlierRun) -> None:
        if run.error is not None:
            self._say_failure("train", run)

    def _on_report(self, part: str, value: Any) -> None:
        self._ui_loop.post(lambda: self._show_report(part, value))

    def _show_report(self, part: str, value: Any) -> None:
        if part == "done":
            self._inspected = value
            self._test(*value)
        elif part == "problems":
            self._messages.say("recipe", self._form.say(value))
            self._train.show(value)
        elif part == "count":
            self._count.show(value)
        elif part == "anatomy":
            recipe, structure = value
            self._anatomy.show(structure, recipe, "bench.recipe")
        else:
            self._form.show_part(part, value)

    def _test(self, recipe: Recipe, problems: list[Problem]) -> None:
        """Forecast the memory and test which techniques fit, once the panel is shown and the base is known."""
        about = {problem.parameter for problem in problems}
        if not (self._shown and preload.ready()):
            return
        self._memory.update(recipe, bool(problems))
        if not about & set(SETTINGS):
            version, labels = self._inspector.version(recipe), self._inspector.num_labels
            self._compatibility.ask(recipe, version, labels)

    def _on_compatibility(self, fits: dict[str, Compatibility]) -> None:
        on_main_thread(lambda: self._form.technique.show_compatibility(fits))

    def _libraries_loaded(self) -> None:
        on_main_thread(self._form.libraries_loaded)
        if preload.problem:
            message = Problem.stated("", "The libraries could not be loaded.", preload.problem)
            self._ui_loop.post(lambda: self._messages.say("libraries", [message]))
        self._debouncer.ask(self.recipe)
