"""The note below the technique picker: which techniques fit the current base, and why others do not."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import ipywidgets as widgets

from workbench.display.html import esc
from workbench.registry.techniques import get
from workbench.training.inspection.compatibility.result import Compatibility


class CompatibilityNote:
    """The reason why the picked technique does not fit, a button where the panel itself can help,
    and how many fit in all.

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
        self._refusal = widgets.VBox([self._words, self._button])
        self._all = widgets.HTML()
        self.widget = widgets.VBox([self._refusal, self._all])
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
        self._refusal.layout.display = "" if refused else "none"
        self._hide_if_empty()

    def show_all(self, fits: Mapping[str, Compatibility], techniques: int) -> None:
        """Show how many techniques fit, and folded away why the others do not."""
        text = summary(fits, techniques)
        if text != self._all.value:
            self._all.value = text
        self._hide_if_empty()

    def _hide_if_empty(self) -> None:
        text = self._words.value or self._all.value
        self.widget.layout.display = "" if text else "none"


def summary(fits: Mapping[str, Compatibility], techniques: int) -> str:
    """Write how many techniques fit, with those that do not by their reasons.

    Examples
    --------
    >>> summary({"lora": Compatibility("lora", True, "lm")}, 74)
    "<p class='wb-quiet'>1 technique works with this base; 73 more are being tested …</p>"
    """
    if not fits:
        return ""
    left = techniques - len(fits)
    fitting = sum(fit.compatible for fit in fits.values())
    words = f"{fitting} technique{'s work' if fitting != 1 else ' works'} with this base"
    words += f"; {left} more are being tested …" if left > 0 else f", of {len(fits)}"
    reasons: dict[str, list[str]] = {}
    for fit in fits.values():
        if not fit.compatible:
            title = get(fit.technique).title
            why = ": ".join(filter(None, (fit.reason.replace(title, "it"), fit.remedy)))
            reasons.setdefault(why, []).append(title)
    if not reasons:
        return f"<p class='wb-quiet'>{words}</p>"
    rows = "".join(
        f"<li><b>{esc(', '.join(titles))}</b>: {esc(why)}</li>" for why, titles in reasons.items()
    )
    return (
        f"<details class='wb-incompatible'><summary>{words}; why the others do not</summary>"
        f"<ul>{rows}</ul></details>"
    )
