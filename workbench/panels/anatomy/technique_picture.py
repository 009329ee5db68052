"""The picture of a technique beside its settings, before any heavy library is loaded."""

from __future__ import annotations

from typing import Any

import ipywidgets as widgets

from workbench.panels.anatomy.drawing.files import layer_from_files
from workbench.panels.anatomy.drawing.picture import picture
from workbench.recipe import Recipe
from workbench.registry.techniques import TECHNIQUES
from workbench.sources.models.describe import ModelFacts


class TechniquePicture(widgets.HTML):
    """What a recipe's technique does to one module of its base, drawn with the base's own sizes.

    It follows the technique's arguments: call :meth:`show` whenever the recipe or its base changes.

    Examples
    --------
    >>> from workbench.sources.lookup import find_facts
    >>> shown, recipe = TechniquePicture(), Recipe(technique="lora", technique_args={"r": 4})
    >>> shown.show(recipe, find_facts(recipe))
    >>> "= <b>2,048</b>" in shown.value
    True
    """

    def __init__(self, **traits: Any):
        super().__init__(**traits)
        self.add_class("wb-technique-picture")

    def show(self, recipe: Recipe, facts: ModelFacts | None, labels: int = 2) -> None:
        """Draw a recipe's technique; nothing where its base is not known or an argument is wrong.

        Parameters
        ----------
        recipe : Recipe
        facts : ModelFacts or None
            Of the recipe's base; None where it is not found.
        labels : int
            How many labels the data has, for a new head.
        """
        self.value = technique_html(recipe, facts, labels)


def technique_html(recipe: Recipe, facts: ModelFacts | None, labels: int = 2) -> str:
    """Draw a recipe's technique on a module of its base as HTML; see :meth:`TechniquePicture.show`."""
    technique = TECHNIQUES.get(str(recipe.technique))
    if technique is None or facts is None:
        return ""
    at = layer_from_files(recipe, facts, labels)
    where = f"Example: {at.path} of {facts.title}." if at.path else f"Example: {facts.title}."
    # Arguments are shown while they are typed; the form says what is wrong with them.
    try:
        return picture(technique, at, caption=where, folded=True).html
    except (ArithmeticError, TypeError, ValueError, KeyError):
        return ""
