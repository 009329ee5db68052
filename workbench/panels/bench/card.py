"""What the four cards have in common."""

from __future__ import annotations

from collections.abc import Iterable

import ipywidgets as widgets

from workbench.display.html import esc, folded
from workbench.errors import Problem
from workbench.panels.widgets.fields import Field
from workbench.panels.widgets.wording import in_form
from workbench.recipe import Recipe


class FormCard:
    """One step of filling in a recipe.

    Parameters
    ----------
    number : int
    title : str
    about : tuple of str
        Settings whose problems are shown in this card, besides those with a field in it.
    """

    def __init__(self, number: int, title: str, about: tuple[str, ...]):
        self._about = about
        self.fields: dict[str, Field] = {}
        self.body = widgets.VBox()
        # Each card shows it below its picker.
        self._problems = widgets.HTML()
        self._problems.add_class("wb-problems")
        heading = widgets.HTML(f"<h3><span class='wb-step'>{number}</span>{esc(title)}</h3>")
        heading.add_class("wb-heading")
        self.widget = widgets.VBox([heading, self.body])
        self.widget.add_class("wb-card")

    def show(self, recipe: Recipe) -> None:
        """Fill the card's form from a recipe."""
        for name, field in self.fields.items():
            field.show(getattr(recipe, name))

    def say(self, problems: Iterable[Problem]) -> list[Problem]:
        """Show the problems of this card, and return the others. For the UI loop only."""
        rest, here, below = [], [], {}
        for problem in problems:
            if problem.parameter in self.fields:
                below[problem.parameter] = str(problem)
            elif problem.parameter in self._about:
                here.append(problem)
            else:
                rest.append(problem)
        for name, field in list(self.fields.items()):
            field.say(below.get(name, ""))
        text = "".join(
            f"<p class='wb-problem' role='alert' data-about='{esc(problem.parameter)}'>"
            f"{esc(in_form(str(problem)))}</p>" + folded("Details", problem.details)
            for problem in here
        )
        if text != self._problems.value:
            self._problems.value = text
        return rest
