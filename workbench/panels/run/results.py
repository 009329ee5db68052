"""The results of runs: the comparison, and the script."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import ipywidgets as widgets

from workbench.display.html import esc
from workbench.errors import WorkbenchError
from workbench.panels.run.earlier import EarlierRun
from workbench.panels.run.run_view import RunView
from workbench.panels.widgets.messages import Messages
from workbench.runs.run import Run

if TYPE_CHECKING:
    from workbench.compare import Comparison


class Results:
    """Buttons to compare and to export, and the comparison. Written by the UI loop only.

    Parameters
    ----------
    compare : callable
    export : callable
        Called with the path that was typed, and whether a file that is there may be replaced.
    """

    def __init__(self, compare: Callable[[], object], export: Callable[[str, bool], object]):
        self._export = export
        self._path = widgets.Text(
            description="Script", placeholder="named after the run", continuous_update=True
        )
        self._path.tooltip = "Path of the script; empty names it after the run's folder"
        compare_button = widgets.Button(description="Compare")
        compare_button.tooltip = "Compare the runs that have ended in a table and plots"
        compare_button.on_click(lambda _: compare())
        export_button = widgets.Button(description="Export")
        export_button.tooltip = (
            "Write the selected run as a script that does not need PEFT Workbench"
        )
        export_button.on_click(lambda _: export(self._path.value.strip(), False))
        self.buttons = {"Compare": compare_button, "Export": export_button}
        for button in self.buttons.values():
            button.add_class("wb-button")
        bar = widgets.HBox([compare_button, self._path, export_button])
        bar.add_class("wb-results-bar")
        self._question, self._asked = self._make_question()
        self._shown = widgets.HTML()
        self._shown.add_class("wb-comparison")
        # Next to the buttons, so that the message is visible where the click was.
        self.messages = Messages()
        inside = [bar, self._question, self.messages.widget, self._shown]
        self.widget = widgets.VBox(inside, layout={"display": "none"})
        self.widget.add_class("wb-results")

    def _make_question(self) -> tuple[widgets.Box, widgets.HTML]:
        """Make the question whether a file may be replaced."""
        text = widgets.HTML()
        keep, replace = (widgets.Button(description=word) for word in ("Keep it", "Replace"))
        keep.on_click(lambda _: self.ask(None))
        replace.on_click(lambda _: self._export(self._path.value.strip(), True))
        for button in (keep, replace):
            button.add_class("wb-button")
        question = widgets.HBox([text, keep, replace], layout={"display": "none"})
        question.add_class("wb-replace")
        return question, text

    def ask(self, sentence: str | None) -> None:
        """Ask whether a file may be replaced; None takes the question away."""
        if sentence is not None:
            self._asked.value = f"<p role='alert'>{esc(sentence)}</p>"
        self._question.layout.display = "none" if sentence is None else None

    def offer(self, runs: Sequence[RunView], picked: Run | EarlierRun | None) -> None:
        """Offer what can be done with the runs there are, and say which one is exported."""
        self.buttons["Compare"].disabled = not any(view.ended and not view.hidden for view in runs)
        self.buttons["Export"].disabled = picked is None or not picked.plan
        label = next((view.label for view in runs if view.run is picked), None)
        words = "Script" if label is None else f"Script of {label}"
        if self._path.description != words:
            self._path.description = words
            self.ask(None)
        placeholder = "named after the run" if picked is None else f"{picked.name}.py"
        if self._path.placeholder != placeholder:
            self._path.placeholder = placeholder
        if runs:
            self.widget.layout.display = None

    def show(self, comparison: Comparison) -> None:
        """Show a comparison: its table and its plot."""
        from workbench.compare.figure import png

        try:
            picture = base64.b64encode(png(comparison.plot())).decode("ascii")
            below = (
                "<img alt='Loss curves, and quality by trainable parameters' "
                f"src='data:image/png;base64,{picture}'>"
            )
        except WorkbenchError as error:
            below = f"<p class='wb-quiet'>{esc(error)}</p>"
        # A wide table scrolls, so that the keyboard must come to it.
        self._shown.value = (
            "<div class='wb-scrolls' role='region' tabindex='0' aria-label='Comparison'>"
            f"{comparison._repr_html_()}{below}</div>"
        )
