"""What the four cards have in common."""

from __future__ import annotations

from collections.abc import Iterable

import ipywidgets as widgets

from workbench.display.html import esc, folded
from workbench.panels.widgets.fields import Field
from workbench.panels.widgets.messages import Trouble
from workbench.recipe import Recipe


class Card:
    """One step of filling in a recipe.

    Parameters
    ----------
    number : int
    title : str
    about : tuple of str
        Settings whose troubles are told here, beside those that have a field here.
    """

    def __init__(self, number: int, title: str, about: tuple[str, ...]):
        self._about = about
        self.fields: dict[str, Field] = {}
        self.body = widgets.VBox()
        # Each card puts it where the eye is: below what is picked.
        self._troubles = widgets.HTML()
        self._troubles.add_class("wb-troubles")
        heading = widgets.HTML(f"<h3><span class='wb-step'>{number}</span>{esc(title)}</h3>")
        heading.add_class("wb-heading")
        self.widget = widgets.VBox([heading, self.body])
        self.widget.add_class("wb-card")

    def show(self, recipe: Recipe) -> None:
        """Fill the card's form from a recipe."""
        for name, field in self.fields.items():
            field.show(getattr(recipe, name))

    def say(self, troubles: Iterable[Trouble]) -> list[Trouble]:
        """Say what is wrong here, and return what is not for this card. For the pump only."""
        rest, here, below = [], [], {}
        for trouble in troubles:
            if trouble.parameter in self.fields:
                below[trouble.parameter] = trouble.sentence
            elif trouble.parameter in self._about:
                here.append(trouble)
            else:
                rest.append(trouble)
        for name, field in list(self.fields.items()):
            field.say(below.get(name, ""))
        text = "".join(
            f"<p class='wb-problem' role='alert'>{esc(trouble.sentence)}</p>"
            + folded("Details", trouble.details)
            for trouble in here
        )
        if text != self._troubles.value:
            self._troubles.value = text
        return rest
