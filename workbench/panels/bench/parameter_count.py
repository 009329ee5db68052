"""How much would be trained: the count that follows the rank slider."""

from __future__ import annotations

from typing import Any

import ipywidgets as widgets

from workbench.display.html import esc
from workbench.display.units import count as short
from workbench.display.units import share
from workbench.panels.kernel import preload


class ParameterCount:
    """The count of trainable parameters. Written by the UI loop only.

    Attributes
    ----------
    widget : widgets.HTML
        The count, and its share of all parameters.
    modules : widgets.HTML
        In which modules they are, folded.
    """

    def __init__(self) -> None:
        self.widget = widgets.HTML()
        self.widget.add_class("wb-trainable")
        self.modules = widgets.HTML()
        self.show(None)

    def show(self, count: dict[str, Any] | None) -> None:
        """Show a count, or why there is none."""
        if count is not None:
            text = _count(count)
        elif preload.ready():
            text = "<p class='wb-quiet'>Correct the settings marked in red to see the count</p>"
        else:
            text = (
                "<p class='wb-quiet'><i class='wb-busy'></i>Loading the libraries: the trainable "
                "parameters are counted next</p>"
            )
        for widget, value in (
            (self.widget, text),
            (self.modules, _modules(count) if count else ""),
        ):
            if value != widget.value:
                widget.value = value


def _count(count: dict[str, Any]) -> str:
    trainable, total = count["trainable"], count["total"]
    part = share(trainable, total) if total else "0%"
    width = 100 * trainable / total if total else 0
    return (
        f"<p><b>{trainable:,}</b> trainable parameters</p> "
        f"<p class='wb-quiet'>{part} of {short(total)}</p><div class='wb-bar'>"
        f"<i style='width:{max(width, 0.4):.2f}%'></i></div>"
    )


def _modules(count: dict[str, Any]) -> str:
    modules = sorted(count["by_module"].items(), key=lambda item: -item[1])
    rows = "".join(
        f"<tr><td>{esc(name or '(the model itself)')}</td><td>{number:,}</td></tr>"
        for name, number in modules
    )
    return (
        f"<details class='wb-modules'><summary>Trained in {len(modules)} modules; "
        f"{count['injected']:,} parameters are added</summary><table>{rows}</table></details>"
    )
