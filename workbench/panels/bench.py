"""The bench: pick, train, watch, compare and export, in one panel.

Each click calls a method of :class:`Bench` that a person can type as well.
"""

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

from workbench.catalog.fits import Fit
from workbench.errors import RecipeError, TrainingError, WorkbenchError
from workbench.panels import libraries, subshell
from workbench.panels.anatomy_view import AnatomyView
from workbench.panels.cards import Cards
from workbench.panels.chart import LiveChart
from workbench.panels.fitting import SETTINGS, Fitting
from workbench.panels.follow import Followed
from workbench.panels.forms import Fold
from workbench.panels.live import Live
from workbench.panels.looks import Looks, Trouble
from workbench.panels.messages import Messages
from workbench.panels.results import Results
from workbench.panels.runs_table import RunsTable
from workbench.panels.still import Still
from workbench.panels.style import style
from workbench.panels.threads import Latest, Pump, on_main_thread
from workbench.panels.trainable import Trainable
from workbench.recipe import Recipe
from workbench.runs.run import Run

if TYPE_CHECKING:
    from workbench.compare import Comparison

CLICKS = ("train", "pause", "resume", "stop", "compare", "export")


class Bench(traitlets.HasTraits):
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
    selected = traitlets.Instance(Run, allow_none=True)

    def __init__(self, recipe: Recipe | None = None, runs: str | os.PathLike = "runs"):
        self.runs: list[Run] = []
        self._folder = Path(runs)
        self._lock = threading.RLock()  # around what clicks and typed lines change
        self._followed: list[Followed] = []
        self._known: tuple[Recipe, list[Trouble]] | None = None  # what was found out last
        self._pump = Pump(self._tick, self._failed)
        self._finder = Looks(self._found)
        self._fitting = Fitting(self._fits_found)
        self._shown = False
        self._looks = Latest(
            self._finder.look, lambda error: self._pump.post(lambda: self._failed(error))
        )
        self._still = Still()
        super().__init__(recipe=recipe or Recipe(), selected=None)
        self._compose()
        self._fill()
        self.observe(lambda _: self._fill(), "recipe")
        self.observe(lambda _: self._pump.wake(), "selected")

    def _compose(self) -> None:
        self.chart = LiveChart()
        self._cards = Cards(self._set)
        self._anatomy = AnatomyView(lambda args: self._set({"technique_args": args}))
        self._anatomy_fold = Fold("Anatomy: what is trained, layer by layer", self._take_apart)
        self._anatomy_fold.widget.add_class("wb-anatomy")
        self._trainable = Trainable()
        self._messages = Messages()
        self._live = Live(*(self._click(name) for name in ("pause", "resume", "stop")))
        self._table = RunsTable(self._pick)
        self._results = Results(self._click("compare"), self._export_click)
        tooltip = "Start a run with these settings; the notebook stays usable"
        self._train = widgets.Button(description="Train", tooltip=tooltip)
        self._train.add_class("wb-primary")
        self._train.on_click(lambda _: self._click("train")())
        bar = widgets.Box([self._trainable.widget, self._train])
        bar.add_class("wb-action")
        parts = [self._cards, self._messages, self._live, self._table, self._results]
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
            ]
        )
        self.widget.add_class("workbench-bench")
        # Not Train: its click must not overtake the setting that was typed just before.
        subshell.answer_while_busy(list(self._live.buttons.values()))

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
                problems = self._finder.find(recipe).problems
                if problems:
                    raise RecipeError(problems)
                self._looks.ask(recipe)
            return self.follow(Run(recipe, self._folder))

    def follow(self, run: Run) -> Run:
        """Show a run in the panel and return it, such as one over a module from the notebook.

        It is started unless it was already.
        """
        with self._lock:
            self.runs.append(run)
            self._followed.append(Followed(run, len(self._followed)))
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

    def compare(self, runs: Sequence[Run] | None = None) -> Comparison:
        """Compare runs, those of this panel if none are given, and show the result in the panel."""
        from workbench.compare import compare

        chosen = [run for run in self.runs if run.ended] if runs is None else list(runs)
        if not chosen:
            raise TrainingError("There is no finished run to compare yet: press Train first.")
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
            raise TrainingError("There is no run yet: press Train first.")
        return self.selected

    # -- on the screen ------------------------------------------------------------------------------

    def _ipython_display_(self, **kwargs: Any) -> None:
        display(self.widget)
        self._still.show(self.recipe, list(self._followed), self.chart)
        self._shown = True
        libraries.load(self._libraries_are_there)

    def __repr__(self) -> str:
        return f"Bench({self.recipe.technique} on {self.recipe.data}, {len(self.runs)} runs)"

    # -- filling in: written by whoever handles a person's message ----------------------------------

    def _set(self, changes: dict[str, Any]) -> None:
        with self._lock:
            self.recipe = self.recipe.replace(**changes)

    def _fill(self) -> None:
        with self._lock:
            self._cards.show(self.recipe)
        self._pump.post(lambda: [self._place(topic).say(topic, ()) for topic in CLICKS])
        self._looks.ask(self.recipe)

    def _take_apart(self) -> list[widgets.Widget]:
        """Fill the fold when it is opened first; from then on it follows the recipe."""
        self._finder.wants_anatomy = True
        self._looks.ask(self.recipe)
        return [self._anatomy]

    # -- clicks -------------------------------------------------------------------------------------

    def _click(self, name: str) -> Callable[[], None]:
        return lambda: self._say_trouble(name, getattr(self, name))

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

    def _heard(self, run: Run, event: dict[str, Any]) -> None:
        # In the run's thread. Steps wait for the next tick; the first one and changes do not.
        if event["event"] in ("state", "parameters") or event.get("step") == 1:
            self._pump.wake()

    def _tick(self) -> bool:
        shown = list(self._followed)
        going = [followed for followed in shown if not followed.over]
        for followed in going:
            followed.read(self.chart)
        self.chart.flush()
        for followed in shown:
            if followed.run is self.selected:
                self._live.show(followed)
        self._table.show(shown, self.selected)
        self._results.offer(shown, self.selected)
        ended = [followed.run for followed in going if followed.over]
        for run in ended:
            if run.error is not None:
                said = f"{run.name}: {run.error}"
                self._messages.say("train", [Trouble("", said, run.details)])
        if ended:
            self._still.update(self.recipe, shown, self.chart)
        return len(ended) < len(going)

    def _found(self, part: str, value: Any) -> None:
        self._pump.post(lambda: self._tell(part, value))

    def _tell(self, part: str, value: Any) -> None:
        if part == "done":
            self._known = value
            self._try_techniques(*value)
        elif part == "problems":
            self._messages.say("recipe", self._cards.say(value))
        elif part == "count":
            self._trainable.show(value)
        elif part == "anatomy":
            recipe, structure = value
            self._anatomy.show(structure, recipe, "bench.recipe")
        else:
            self._cards.tell(part, value)

    def _try_techniques(self, recipe: Recipe, troubles: list[Trouble]) -> None:
        """Find out which techniques fit, once the panel is on the screen and the base is there."""
        about = {trouble.parameter for trouble in troubles}
        if self._shown and libraries.ready() and not about & set(SETTINGS):
            self._fitting.ask(recipe, self._finder.version(recipe))

    def _fits_found(self, fits: dict[str, Fit]) -> None:
        on_main_thread(lambda: self._cards.technique.tell_fits(fits))

    def _failed(self, error: Exception) -> None:
        details = "".join(traceback.format_exception(error))
        self._messages.say("panel", [Trouble("", f"The panel itself failed: {error}", details)])

    def _libraries_are_there(self) -> None:
        on_main_thread(self._cards.libraries_are_there)
        if libraries.problem:
            said = Trouble("", "The libraries could not be loaded.", libraries.problem)
            self._pump.post(lambda: self._messages.say("libraries", [said]))
        self._looks.ask(self.recipe)
