"""Small pictures of what a technique does to one layer, drawn from the model's own shapes."""

from workbench.panels.anatomy.drawing.choose import draw

__all__ = ["draw"]
