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
        Called with the path that was typed.
    """

    def __init__(self, compare: Callable[[], object], export: Callable[[str], object]):
        self._path = widgets.Text(
            description="Script", placeholder="named after the run", continuous_update=True
        )
        self._path.tooltip = "Path of the script of the selected run"
        compare_button = widgets.Button(description="Compare")
        compare_button.tooltip = "Compare the runs that have ended in a table and plots"
        compare_button.on_click(lambda _: compare())
        export_button = widgets.Button(description="Export")
        export_button.tooltip = (
            "Write the selected run as a script that does not need PEFT Workbench"
        )
        export_button.on_click(lambda _: export(self._path.value.strip()))
        self.buttons = {"Compare": compare_button, "Export": export_button}
        for button in self.buttons.values():
            button.add_class("wb-button")
        bar = widgets.HBox([compare_button, self._path, export_button])
        bar.add_class("wb-results-bar")
        self._shown = widgets.HTML()
        self._shown.add_class("wb-comparison")
        # Next to the buttons, so that the message is visible where the click was.
        self.messages = Messages()
        inside = [bar, self.messages.widget, self._shown]
        self.widget = widgets.VBox(inside, layout={"display": "none"})
        self.widget.add_class("wb-results")

    def offer(self, runs: Sequence[RunView], selected: Run | EarlierRun | None) -> None:
        """Offer what can be done with the runs there are."""
        self.buttons["Compare"].disabled = not any(view.ended for view in runs)
        self.buttons["Export"].disabled = selected is None or not selected.plan
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
        self._shown.value = comparison._repr_html_() + below
