"""What is said below the picker when the technique in hand does not fit the base in hand."""

from __future__ import annotations

from collections.abc import Callable

import ipywidgets as widgets

from workbench.catalog.fits import Fit
from workbench.panels.text import esc


class FitNote:
    """The reason, and a button where the panel itself can help.

    Parameters
    ----------
    convert : callable
        Called when a person asks for the base to be converted.
    """

    def __init__(self, convert: Callable[[], object]):
        self._words = widgets.HTML()
        self._button = widgets.Button(
            description="Convert the base",
            tooltip="Set convert_conv1d: Conv1D layers are rewritten as equal Linear ones",
        )
        self._button.on_click(lambda _: convert())
        self.widget = widgets.VBox([self._words, self._button])
        self.widget.add_class("wb-fit-note")
        self.show(None)

    def show(self, fit: Fit | None) -> None:
        """Say what an answer says, if it is no."""
        refused = fit is not None and not fit.fits
        self._words.value = (
            f"<p class='wb-problem' role='alert'>{esc(str(fit))}</p>" if refused else ""
        )
        converts = refused and "convert_conv1d=True" in fit.remedy
        self._button.layout.display = "" if converts else "none"
        self.widget.layout.display = "" if refused else "none"
