"""Small pictures of what a technique does to one module: equations of matrices drawn to scale."""

from workbench.panels.anatomy.drawing.choose import draw

__all__ = ["draw"]
