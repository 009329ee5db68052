"""What can be done with the runs of a bench besides training: rename, hide, delete, and use again.

Each entry of a row's menu calls a method that can be called from code as well.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from workbench.errors import TrainingError
from workbench.panels.run.base_panel import Panel
from workbench.panels.run.earlier import EarlierRun
from workbench.panels.run.labels import labels
from workbench.panels.run.recipe_diff import differences, differing
from workbench.panels.run.run_view import RunView
from workbench.race.fork import clone_recipe
from workbench.recipe import Recipe
from workbench.registry.tasks import TASKS
from workbench.runs.run import Run
from workbench.runs.shown_as import checked_label, delete_run, read_shown_as, write_shown_as

MODULE = "a module comes from the notebook: its run has no settings for the form"


class RunActions(Panel):
    """A panel whose runs can be renamed, hidden, deleted and used again.

    Attributes
    ----------
    recipe : Recipe
        The settings in the form.
    runs : list of Run
        Those of this kernel.
    """

    recipe: Recipe
    runs: list[Run]
    _folder: Path
    _labelled: tuple[object, ...] = ()

    # -- public methods ----------------------------------------------------------------------------

    def use_settings(self, run: Run | EarlierRun) -> Recipe:
        """Fill the form with the settings of a run, and return them.

        Raises
        ------
        TrainingError
            The run is one over a module.
        """
        self._check_form(run)
        # A run of its own gets a name of its own.
        self.recipe = dataclasses.replace(run.recipe, name=None)
        return self.recipe

    def clone(self, run: Run | EarlierRun) -> Recipe:
        """Fill the form with the settings of a run, to start from its present weights; return them.

        Raises
        ------
        TrainingError
            The run is one over a module, or its model is not in memory.
        """
        self._check_form(run)
        if (why := _clone_obstacle(run)) or not isinstance(run, Run):
            raise TrainingError(f"The run {run.name!r} cannot be continued: {why}.")
        self.recipe = clone_recipe(run, True, {})
        return self.recipe

    def rename(self, run: Run | EarlierRun, label: str) -> None:
        """Call a run something else in the panel; its folder keeps its name.

        Parameters
        ----------
        run : Run or EarlierRun
        label : str
            An empty one names it after what sets it apart again.

        Raises
        ------
        StoreError
            The label is too long, or cannot be saved.
        """
        view, line = self._view(run), checked_label(label)
        if run.path is not None:
            shown = read_shown_as(run.path)
            write_shown_as(run.path, dataclasses.replace(shown, label=line))
        view.given = line
        self._ui_loop.wake()

    def hide(self, run: Run | EarlierRun, hidden: bool = True) -> None:
        """Leave a run out of the table, the chart and the comparison, or bring it back.

        Parameters
        ----------
        run : Run or EarlierRun
        hidden : bool, default True

        Raises
        ------
        StoreError
            That cannot be saved.
        """
        view = self._view(run)
        if run.path is not None:
            shown = read_shown_as(run.path)
            write_shown_as(run.path, dataclasses.replace(shown, hidden=hidden))
        view.hidden = hidden
        (self.chart.hide if hidden else self.chart.show)(view.key)
        self._ui_loop.wake()

    def delete(self, run: Run | EarlierRun) -> None:
        """Delete the folder of a run that has ended, and take the run out of the panel.

        Raises
        ------
        TrainingError
            The run has not ended.
        StoreError
            Its folder is not in the panel's folder, or cannot be deleted.
        """
        view = self._view(run)
        if not run.ended:
            raise TrainingError(
                f"The run {run.name!r} is {run.state}: stop it before you delete it."
            )
        if run.path is not None and run.path.exists():
            delete_run(run.path, self._folder)
        with self._lock:
            self._views.remove(view)
            self.runs[:] = [other for other in self.runs if other is not run]
            left = [other.run for other in self._views if not other.hidden]
            if self.selected is run:
                self.selected = left[-1] if left else None
        self.chart.remove(view.key)
        self._ui_loop.wake()

    # -- a row's menu -------------------------------------------------------------------------------

    def _on_row(self, act: str, number: int, value: str) -> None:
        view = next((view for view in self._views if view.number == number), None)
        if view is None:
            return  # a page that has not heard of the end of a row
        run = view.run
        calls = {
            "pick": lambda: self._pick(run),
            "use": lambda: self.use_settings(run),
            "clone": lambda: self.clone(run),
            "rename": lambda: self.rename(run, value),
            "hide": lambda: self.hide(run),
            "show": lambda: self.hide(run, False),
            "delete": lambda: self.delete(run),
        }
        self._do("runs", calls[act])

    def _acts(self, view: RunView) -> dict[str, str]:
        """Return what can be done with a run, each with the reason why not, or an empty text."""
        run = view.run
        of_module = "" if run.recipe.task in TASKS else MODULE
        return {
            "use": of_module,
            "clone": of_module or _clone_obstacle(run),
            "rename": "",
            "show" if view.hidden else "hide": "",
            "delete": "" if run.ended else "Stop it first",
        }

    def _question(self, view: RunView) -> str:
        """Ask whether to delete a run; say who needs it."""
        path = view.run.path
        if path is None:
            return f"Remove {view.label} from the panel?"
        start = [other.run.recipe.start_from for other in self._views]
        users = sum(1 for folder in start if folder and path.resolve() in Path(folder).parents)
        needed = (
            f" {users} other run{'s' * (users != 1)} started from its weights." if users else ""
        )
        return f"Delete the folder {path} with its weights?{needed}"

    def _check_form(self, run: Run | EarlierRun) -> None:
        if run.recipe.task not in TASKS:
            raise TrainingError(f"The settings of {run.name!r} cannot be used here: {MODULE}.")

    # -- names and rows -----------------------------------------------------------------------------

    def _label(self, shown: Sequence[RunView]) -> None:
        state = tuple((view.run.name, view.given) for view in shown)
        if state == self._labelled:
            return
        self._labelled = state
        recipes = [view.run.recipe for view in shown]
        names, used = labels(recipes, [view.given for view in shown])
        told = {"technique", *used} >= set(differing(recipes))
        for view, label, words in zip(shown, names, differences(recipes), strict=True):
            view.call(label, self.chart)
            # What a name says already is not said again: then the folder's name is of more use.
            named = view.given or view.run.recipe.name
            view.differs = words if words and (named or not told) else view.run.name


def _clone_obstacle(run: Run | EarlierRun) -> str:
    if isinstance(run, EarlierRun):
        return "its model is not in memory, as it was trained before the kernel started"
    if run.plan.get("trainable") == "nothing":
        return "it trains nothing"
    return "" if run.model is not None else "its model is not in memory"
