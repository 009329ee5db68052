"""The picture of a structure: of the module that was clicked, or of the one that shows best."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.panels.anatomy.drawing.picture import Picture, picture
from workbench.panels.anatomy.drawing.sites import chosen, layer_of
from workbench.recipe import Recipe
from workbench.registry.techniques import find

if TYPE_CHECKING:
    from workbench.training.inspection.anatomy import Structure


def draw(
    recipe: Recipe, structure: Structure, path: str | None = None
) -> tuple[str, Picture | None]:
    """Draw what a recipe's technique does to a module of its model.

    Parameters
    ----------
    recipe : Recipe
    structure : Structure
        The model with the technique applied.
    path : str, optional
        Whole name of the module that was clicked.

    Returns
    -------
    tuple
        The whole name of the module that is drawn, and the picture; nothing where the technique
        cannot be applied.
    """
    technique = find(recipe.technique)
    if technique is None or (structure.problem and not technique.needs):
        return "", None
    node, adapted, caption = chosen(structure, recipe, path)
    return node.paths[0], picture(technique, layer_of(structure, node, recipe), adapted, caption)
