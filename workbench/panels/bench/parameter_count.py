"""How much would be trained: the line that follows the rank slider."""

from __future__ import annotations

from typing import Any

import ipywidgets as widgets

from workbench.display.html import esc
from workbench.display.units import count as short
from workbench.display.units import share
from workbench.panels.kernel import preload


class ParameterCount:
    """The count of trainable parameters. Written by the UI loop only."""

    def __init__(self) -> None:
        self.widget = widgets.HTML()
        self.widget.add_class("wb-trainable")
        self.show(None)

    def show(self, count: dict[str, Any] | None) -> None:
        """Show a count, or why there is none."""
        if count is not None:
            text = _count(count)
        elif preload.ready():
            text = "<p class='wb-quiet'>No count: correct the marked settings above.</p>"
        else:
            text = (
                "<p class='wb-quiet'><i class='wb-busy'></i>Loading torch, transformers and peft "
                "in the background; the trainable parameters are counted once they are loaded.</p>"
            )
        if text != self.widget.value:
            self.widget.value = text


def _count(count: dict[str, Any]) -> str:
    trainable, total = count["trainable"], count["total"]
    width = 100 * trainable / total if total else 0
    modules = sorted(count["by_module"].items(), key=lambda item: -item[1])
    rows = "".join(
        f"<tr><td>{esc(name or '(the model itself)')}</td><td>{number:,}</td></tr>"
        for name, number in modules
    )
    return (
        f"<p><b>{trainable:,}</b> of {short(total)} parameters are trained "
        f"({share(trainable, total)})</p><div class='wb-bar' "
        f"title='{share(trainable, total)}'><i "
        f"style='width:{max(width, 0.4):.2f}%'></i></div><details "
        f"class='wb-modules'><summary>in {len(modules)} modules, {count['injected']:,} "
        f"parameters added</summary><table>{rows}</table></details>"
    )
