"""The style of the panels: one style sheet made of a file for each part of the panel.

Colours are JupyterLab's own variables, with values to fall back on elsewhere, so that the panel
follows the theme; it bends to the width of its cell, not of the window.
"""

from __future__ import annotations

from pathlib import Path

import ipywidgets as widgets

_STATIC = Path(__file__).parent
_SHEETS = (
    "cards",
    "fields",
    "folds",
    "help",
    "words",
    "train",
    "desk",
    "sources",
    "table",
    "runs",
    "try_it",
    "race",
    "frame",
)  # later ones may overrule earlier ones


def style() -> widgets.HTML:
    """Make the widget that brings the style to the page, and takes it away again."""
    sheets = [(_STATIC / f"{name}.css").read_text(encoding="utf-8") for name in _SHEETS]
    sheet = widgets.HTML(f"<style>{''.join(sheets)}</style>")
    sheet.add_class("wb-style")
    return sheet
