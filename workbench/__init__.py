"""PEFT Workbench: teach, compare and choose parameter-efficient fine-tuning.

The names that a notebook types are loaded when they are first used, so importing the package takes
a moment only.

Examples
--------
>>> import workbench as wb
>>> recipe = wb.Recipe(technique="lora", data="reviews")
>>> recipe.replace(r=16).technique_args
{'r': 16}
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.errors import WorkbenchError
    from workbench.panels import Anatomy, Bench, RacePanel
    from workbench.race.halving import SuccessiveHalving
    from workbench.race.race import Race
    from workbench.recipe import Recipe
    from workbench.runs.module_run import ModuleRun, adapt, train_module
    from workbench.runs.run import Run
    from workbench.runs.store import Record, load_run, load_runs
    from workbench.runs.train import train
    from workbench.training.forecast.forecast import Forecast, forecast
    from workbench.training.inspection.compatibility.probe import compatibility_table, compatible
    from workbench.training.inspection.compatibility.result import Compatibility
    from workbench.training.inspection.look.look import Look, look

_HOMES = {
    "Anatomy": "workbench.panels",
    "Bench": "workbench.panels",
    "Compatibility": "workbench.training.inspection.compatibility.result",
    "Forecast": "workbench.training.forecast.forecast",
    "SuccessiveHalving": "workbench.race.halving",
    "Look": "workbench.training.inspection.look.look",
    "ModuleRun": "workbench.runs.module_run",
    "Race": "workbench.race.race",
    "RacePanel": "workbench.panels",
    "Recipe": "workbench.recipe",
    "Record": "workbench.runs.store",
    "Run": "workbench.runs.run",
    "WorkbenchError": "workbench.errors",
    "adapt": "workbench.runs.module_run",
    "compatibility_table": "workbench.training.inspection.compatibility.probe",
    "compatible": "workbench.training.inspection.compatibility.probe",
    "forecast": "workbench.training.forecast.forecast",
    "load_run": "workbench.runs.store",
    "load_runs": "workbench.runs.store",
    "look": "workbench.training.inspection.look.look",
    "train": "workbench.runs.train",
    "train_module": "workbench.runs.module_run",
}

__all__ = [
    "Anatomy",
    "Bench",
    "Comparison",
    "Compatibility",
    "Forecast",
    "Look",
    "ModuleRun",
    "Race",
    "RacePanel",
    "Recipe",
    "Record",
    "Run",
    "SuccessiveHalving",
    "WorkbenchError",
    "adapt",
    "compare",
    "compatibility_table",
    "compatible",
    "export",
    "forecast",
    "load_run",
    "load_runs",
    "look",
    "race",
    "train",
    "train_module",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'workbench' has no attribute {name!r}")
    imports.load(_HOMES[name])
    value = getattr(sys.modules[_HOMES[name]], name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


# These verbs bear the names of the folders they live in. Taken later, a name would mean the folder's
# module for whoever had imported something from inside it before.
from workbench import imports
from workbench.compare import Comparison, compare
from workbench.display.notebook import in_notebook
from workbench.export import export
from workbench.race.search import race
from workbench.versions import __version__ as __version__
from workbench.versions import warn_outside


def _show_as_panels() -> None:
    """Have a notebook show a run and a race as their panels, by name: none is imported before there is one."""
    # On a terminal a run is a line, and a race its leaderboard.
    if not in_notebook():
        return
    from IPython.core.getipython import get_ipython
    from IPython.display import display

    shell: Any = get_ipython()

    def show_run(run: Any) -> None:
        from workbench.panels.run.run_panel import RunPanel

        display(RunPanel.of(run))

    def show_race(race: Any) -> None:
        from workbench.panels import RacePanel

        display(RacePanel.of(race))

    formatter = shell.display_formatter.ipython_display_formatter
    formatter.for_type_by_name("workbench.runs.run", "Run", show_run)
    formatter.for_type_by_name("workbench.race.race", "Race", show_race)


_show_as_panels()
warn_outside()
