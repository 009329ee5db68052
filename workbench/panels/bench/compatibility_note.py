"""The note below the technique picker: why the picked technique does not work with the current base."""

from __future__ import annotations

from collections.abc import Callable

import ipywidgets as widgets

from workbench.display.html import esc
from workbench.training.inspection.compatibility.result import Compatibility


class CompatibilityNote:
    """The reason why the picked technique does not fit, and a button where the panel itself can help.

    Parameters
    ----------
    convert : callable
        Called when a person asks for the base to be converted.
    """

    def __init__(self, convert: Callable[[], object]):
        self._words = widgets.HTML()
        self._button = widgets.Button(
            description="Convert the base",
            tooltip="Set convert_conv1d: replace Conv1D layers by equivalent Linear layers",
        )
        self._button.on_click(lambda _: convert())
        self.widget = widgets.VBox([self._words, self._button])
        self.widget.add_class("wb-fit-note")
        self.show(None)

    def show(self, fit: Compatibility | None) -> None:
        """Show why the technique does not fit; nothing if it does."""
        refused = fit is not None and not fit.compatible
        self._words.value = (
            f"<p class='wb-problem' role='alert'>{esc(str(fit))}</p>" if refused else ""
        )
        converts = fit is not None and refused and "convert_conv1d=True" in fit.remedy
        self._button.layout.display = "" if converts else "none"
        self.widget.layout.display = "" if refused else "none"
