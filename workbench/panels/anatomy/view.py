"""The anatomy panel in the browser: the tree to tick in, its figures and a picture of one layer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from workbench.panels.anatomy.drawing import draw
from workbench.panels.anatomy.drawing.sites import walk
from workbench.panels.anatomy.text import argument_line, figures
from workbench.panels.widgets.modules import WIDGETS, bundle
from workbench.recipe import Recipe

if TYPE_CHECKING:
    from workbench.training.inspection.anatomy import Structure
    from workbench.training.inspection.module_tree import Node

_STATIC = Path(__file__).parent


class AnatomyView(anywidget.AnyWidget):
    """A structure on the screen. Written by one thread at a time.

    Parameters
    ----------
    changed : callable
        Called with the technique's new arguments when a person has ticked something.

    Attributes
    ----------
    content : dict
        What is shown, as plain data.
    """

    _esm = bundle(WIDGETS / "keys.js", _STATIC / "anatomy.js")
    _css = _STATIC / "anatomy.css"

    content = traitlets.Dict().tag(sync=True)

    def __init__(self, changed: Callable[[dict[str, Any]], None], **traits: Any):
        self._changed = changed
        self._structure: Structure | None = None
        self._recipe = Recipe()
        self._picked: str | None = None
        self._ticked: set[str] = set()
        super().__init__(**traits)
        self.on_msg(lambda _, content, __: self._on_message(content))

    def show(self, structure: Structure | None, recipe: Recipe, subject: str = "recipe") -> None:
        """Show a recipe's structure; None where its base is unknown.

        Parameters
        ----------
        subject : str
            The expression that holds the recipe, for the line of code.
        """
        self._structure, self._recipe = structure, recipe
        self._ticked = set(structure.tree.ticked) if structure else set()
        if structure is None:
            self.content = {
                "problem": "No model tree: the base model or the data is not loaded yet."
            }
            return
        layer, picture = draw(recipe, structure, self._picked)
        self.content = {
            "tree": _plain(structure.tree),
            "figures": figures(structure),
            "problem": structure.problem,
            "why": structure.why_fixed,
            "code": argument_line(recipe, subject) if structure.tree.can else "",
            "layer": layer if picture else None,
            "picture": picture.html if picture else "",
        }

    def pick(self, path: str) -> None:
        """Draw a module of the tree, or say why there is nothing to draw.

        Parameters
        ----------
        path : str
            Whole name of the module, or of the first of equal ones.
        """
        self._picked = path
        if self._structure is not None and self._find(path) is not None:
            layer, picture = draw(self._recipe, self._structure, path)
            self.content = {
                **self.content,
                "layer": layer if picture else None,
                "picture": picture.html if picture else "",
            }

    def tick(self, path: str, on: bool) -> None:
        """Tick all that can be wrapped at a node of the tree and below it, or take the ticks away.

        Parameters
        ----------
        path : str
            Whole name of the module, or of the first of equal ones.
        """
        node = self._find(path)
        if node is not None:
            self._picked = path
            self._change(self._ticked | set(node.can) if on else self._ticked - set(node.can))

    def tick_layer(self, path: str, index: int) -> None:
        """Tick a block of a stack as the other blocks are ticked, or take its ticks away."""
        node = self._find(path)
        if node is None or not 0 <= index < len(node.layers):
            return
        can = set(node.layers[index][0])
        if can & self._ticked:
            self._change(self._ticked - can)
            return
        ends = {_end(name, path) for layer in node.layers for name in self._ticked & set(layer[0])}
        self._change(self._ticked | ({name for name in can if _end(name, path) in ends} or can))

    def _change(self, ticked: set[str]) -> None:
        if self._structure is not None and ticked != self._ticked:
            self._ticked = ticked
            self._changed(self._structure.arguments(sorted(ticked)))

    def _find(self, path: str) -> Node | None:
        if self._structure is None:
            return None
        return next((node for node in walk(self._structure.tree) if node.paths[0] == path), None)

    def _on_message(self, content: dict[str, Any]) -> None:
        match content:
            case {"kind": "tick", "path": str(path), "on": bool(on)}:
                self.tick(path, on)
            case {"kind": "pick", "path": str(path)}:
                self.pick(path)
            case {"kind": "layer", "path": str(path), "index": int(index)}:
                self.tick_layer(path, index)


def _end(name: str, stack: str) -> str:
    """Return a module's name inside its block."""
    return name[len(stack) + 1 :].partition(".")[2]


def _plain(node: Node) -> dict[str, Any]:
    return {
        "path": node.paths[0],
        "name": node.name,
        "kind": node.kind,
        "count": node.count,
        "shape": list(node.shape),
        "parameters": node.parameters,
        "trainable": node.trainable,
        "injected": [
            {"name": piece.name, "shape": list(piece.shape), "trainable": piece.trainable}
            for piece in node.injected
        ],
        "can": len(node.can),
        "ticked": len(node.ticked),
        "layers": [[len(can), len(ticked)] for can, ticked in node.layers if node.can],
        "children": [_plain(child) for child in node.children],
    }
