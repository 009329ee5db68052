"""What a panel does with runs besides training them: compare, export and ask."""

from __future__ import annotations

import dataclasses
import os
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import Problem, StoreError, TrainingError
from workbench.panels.kernel.ui_loop import UiLoop
from workbench.panels.run.earlier import EarlierRun
from workbench.panels.run.results import Results
from workbench.panels.run.run_view import RunView
from workbench.panels.run.try_it import TryIt
from workbench.runs.run import Run

if TYPE_CHECKING:
    from workbench.compare import Comparison


class Outcomes:
    """The part of a panel that compares, exports and asks its runs.

    A panel within another one leaves that to the panel around it.
    """

    _first: str  # what to do where there is no run yet
    _views: list[RunView]
    _ui_loop: UiLoop
    _do: Callable[[str, Callable[[], object]], None]
    _current: Callable[[], Run | EarlierRun]
    selected: Any
    _embedded = False

    def _compose_outcomes(self) -> None:
        self._try_it = TryIt(self._ui_loop.post)
        self._results = Results(
            lambda: self._do("compare", self.compare),
            lambda path, replaces: self._do("export", lambda: self._export_or_ask(path, replaces)),
        )

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

        ended = [view.run for view in self._results_shown() if view.run.ended]
        chosen = ended if runs is None else list(runs)
        if not chosen:
            raise TrainingError(f"There is no finished run to compare yet: {self._first}.")
        comparison = compare([_source(run) for run in chosen])
        called = self._called(comparison)
        self._ui_loop.post(lambda: self._results.show(called))
        return comparison

    def _called(self, comparison: Comparison) -> Comparison:
        """Return a comparison in which runs have the names and the colours that the panel gives them."""
        from workbench.compare import Comparison

        shown = {view.run.path: view for view in self._results_shown()}
        entries = [
            dataclasses.replace(entry, name=view.label, colour=view.colour)
            if (view := shown.get(entry.path))
            else entry
            for entry in comparison.entries
        ]
        return Comparison(entries)

    def export(
        self,
        run: Run | EarlierRun | None = None,
        path: str | os.PathLike | None = None,
        *,
        overwrite: bool = False,
    ) -> Path:
        """Write a run as a script and return its path.

        Parameters
        ----------
        run : Run or EarlierRun, optional
            By default the selected run.
        path : path, optional
            The script's file; by default it has the run's name.
        overwrite : bool, default False
            Whether a file that is there, with other content, may be replaced.

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
            written = export(_source(run), path or f"{run.name}.py", overwrite=overwrite)
        sentences = [f"The script of {run.name} is {written}: run it with python {written.name}."]
        sentences += [str(warning.message) for warning in caught]
        messages = [Problem.stated("", sentence) for sentence in sentences]
        self._ui_loop.post(
            lambda: self._results.messages.say("export", messages, "problem" if caught else "good")
        )
        return written

    def embed(self) -> None:
        """Leave it to the panel around this one to compare, export and ask."""
        self._embedded = True
        for widget in (self._try_it, self._results.widget):
            widget.add_class("wb-elsewhere")

    def _export_or_ask(self, path: str, replaces: bool) -> None:
        """Export the run that was picked last; ask before a file is replaced."""
        run = self._exported() or self._current()
        file = Path(path or f"{run.name}.py")
        sentence = None
        try:
            self.export(run, file, overwrite=replaces)
        except StoreError:
            if replaces or not file.is_file():
                raise
            sentence = f"The file {file} exists already: replace it with the script of {run.name}?"
        self._ui_loop.post(lambda: self._results.ask(sentence))

    def _results_of(self) -> list[RunView]:
        """Return the runs that are compared, exported and asked here."""
        return list(self._views)

    def _results_shown(self) -> list[RunView]:
        return [view for view in self._results_of() if not view.hidden]

    def _exported(self) -> Run | EarlierRun | None:
        """Return the run that a click on Export is about, and that is asked."""
        return self.selected

    def _offer(self) -> None:
        """Offer what can be done with runs that are there."""
        self._try_it.offer(self._results_of(), self._exported())
        self._results.offer(self._results_of(), self._exported())


def _source(run: Run | EarlierRun) -> Run | Path:
    """Return what a run is compared and exported from."""
    return run.path if isinstance(run, EarlierRun) else run
