"""The picture of a technique at which a person looks in the picker, drawn in the background."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from workbench.panels.anatomy.drawing import draw
from workbench.panels.kernel import preload
from workbench.panels.kernel.ui_loop import Debouncer
from workbench.recipe import Recipe

if TYPE_CHECKING:
    from workbench.training.inspection.anatomy import Structure

StructureOf = Callable[[Recipe], "Structure | None"]


class TechniquePreview:
    """Draws techniques with their default arguments on the current base, only the one asked for last.

    Parameters
    ----------
    structure_of : callable
        Returns the structure of a recipe's model; None where it is not known.
    show : callable
        Called from a background thread with the technique's name and its picture as HTML, which is
        empty where there is none.
    """

    def __init__(self, structure_of: StructureOf, show: Callable[[str, str], object]):
        self._structure_of, self._show = structure_of, show
        self._early: tuple[Recipe, str] | None = None  # asked for before the libraries were loaded
        self._debouncer: Debouncer[Recipe] = Debouncer(self._work, lambda error: None, pause=0.05)

    def ask(self, recipe: Recipe, technique: str) -> None:
        """Ask for the picture of a technique on a recipe's base; it replaces an earlier request."""
        if preload.ready():
            self._debouncer.ask(recipe.replace(technique=technique, technique_args={}))
        else:
            self._early = recipe, technique

    def libraries_loaded(self) -> None:
        """Draw what was asked for before the libraries were loaded."""
        if self._early is not None:
            self.ask(*self._early)
            self._early = None

    def wait(self) -> bool:
        """Wait until the last request is done; return whether it is."""
        return self._debouncer.wait()

    def _work(self, recipe: Recipe, stale: Callable[[], bool]) -> None:
        structure = self._structure_of(recipe)
        if not stale():
            self._show(recipe.technique, picture(recipe, structure))


def picture(recipe: Recipe, structure: Structure | None) -> str:
    """Draw what a recipe's technique does to a layer of its base, as HTML; empty where that is not known."""
    if structure is None:
        return ""
    return draw(recipe.technique, structure)[1]
