"""How much would be trained: the count that follows the rank slider."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import ipywidgets as widgets

from workbench.display.html import esc
from workbench.display.units import count as short
from workbench.display.units import share
from workbench.panels.kernel import preload

# How PEFT names what it adds to a layer of the base, as in "…q_proj.lora_A.default".
_ADDED = re.compile(r"base_model\.model\.(.+?)\.[^.]+(\.default.*)?")


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
    place = where(count["by_module"], count["injected"])
    modules = sorted(count["by_module"].items(), key=lambda item: -item[1])
    rows = "".join(
        f"<tr><td>{esc(name or '(the model itself)')}</td><td>{number:,}</td></tr>"
        for name, number in modules
    )
    return (
        f"<details class='wb-modules'><summary>{place[:1].upper()}{place[1:]}</summary>"
        f"<table>{rows}</table></details>"
    )


def where(modules: Iterable[str], injected: int) -> str:
    """Say where in a model its trainable parameters are.

    Parameters
    ----------
    modules : iterable of str
        Names of the modules that have some.
    injected : int
        How many parameters were added to the base.

    Examples
    --------
    >>> names = [f"base_model.model.layers.{n}.q_proj.lora_A.default" for n in range(4)]
    >>> where([*names, "base_model.model.score.modules_to_save.default"], 4608)
    'added to 4 modules, and a new head'
    >>> where(["layers.3.q_proj", "layers.3.k_proj"], 0)
    'in 2 modules of the base'
    """
    modules = list(modules)
    if not injected:
        return f"in {len(modules)} module{'s' * (len(modules) != 1)} of the base"
    heads = [name for name in modules if "modules_to_save" in name]
    matches = [_ADDED.fullmatch(name) for name in modules if name not in heads]
    layers = {match[1] for match in matches if match}
    # What all layers share belongs to the first of them, and what precedes the text to none.
    place = f"added to {len(layers)} modules" if len(layers) > 1 else f"{injected:,} added"
    return f"{place}, and a new head" if heads else place
