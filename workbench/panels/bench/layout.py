"""Where the parts of the bench are, so that knobs, Train and the curve are on one screen."""

from __future__ import annotations

from collections.abc import Sequence

import ipywidgets as widgets


def dock(
    facts: Sequence[widgets.Widget],
    controls: Sequence[widgets.Widget],
    messages: widgets.Widget,
) -> widgets.VBox:
    """Make the bar that stays at the top of the page while the panel is scrolled."""
    left, right = widgets.Box(facts), widgets.Box(controls)
    left.add_class("wb-known")
    right.add_class("wb-go")
    bar = widgets.Box([left, right])
    bar.add_class("wb-action")
    box = widgets.VBox([bar, messages])
    box.add_class("wb-dock")
    return box


def desk(
    settings: widgets.Widget, curves: Sequence[widgets.Widget], memory: widgets.Widget
) -> widgets.Box:
    """Put the settings on the left, the curves on the right; where there is no room, one below the other."""
    card = widgets.VBox(curves)
    card.add_class("wb-curves")
    watch = widgets.VBox([card, memory])
    watch.add_class("wb-watch")
    box = widgets.Box([settings, watch])
    box.add_class("wb-desk")
    return box
