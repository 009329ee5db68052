"""What the four cards have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import ipywidgets as widgets

from workbench.display.html import esc, folded
from workbench.errors import Problem
from workbench.panels.kernel.ui_loop import on_main_thread
from workbench.panels.widgets.fields import Field, Fold
from workbench.panels.widgets.wording import in_form
from workbench.recipe import Recipe

Post = Callable[[Callable[[], object]], object]


def at_once(job: Callable[[], object]) -> object:
    """Run a job, where there is no UI loop."""
    return job()


class FormCard:
    """One step of filling in a recipe.

    Parameters
    ----------
    number : int
    title : str
    about : tuple of str
        Settings whose problems are shown in this card, besides those with a field in it.
    post : callable
        Runs a job in the UI loop.
    """

    def __init__(self, number: int, title: str, about: tuple[str, ...], post: Post = at_once):
        self._about, self._post = about, post
        self.fields: dict[str, Field] = {}
        self._fold: Fold | None = None
        self.body = widgets.VBox()
        # Each card shows it below its picker.
        self._problems = widgets.HTML()
        self._problems.add_class("wb-problems")
        heading = widgets.HTML(f"<h3><span class='wb-step'>{number}</span>{esc(title)}</h3>")
        heading.add_class("wb-heading")
        self._head = widgets.Box([heading])
        self._head.add_class("wb-card-head")
        self.widget = widgets.VBox([self._head, self.body])
        self.widget.add_class("wb-card")

    def show(self, recipe: Recipe) -> None:
        """Fill the card's form from a recipe."""
        for name, field in self.fields.items():
            field.show(getattr(recipe, name))

    def _is_folded(self, name: str) -> bool:
        """Tell whether the fold has a setting's field."""
        return False

    def _open_fold(self) -> bool:
        """Open the fold; return whether it was closed."""
        closed = self._fold is not None and not self._fold.open
        if self._fold is not None and closed:
            self._fold.toggle()
        return closed

    def _reveal(self, problems: list[Problem]) -> None:
        """Open the fold, and show the problems again: at their fields."""

        def reveal() -> None:
            if self._open_fold():
                self._post(lambda: self.say(problems))

        on_main_thread(reveal)

    def say(self, problems: Iterable[Problem]) -> list[Problem]:
        """Show the problems of this card, and return the others. For the UI loop only."""
        rest, here, below = [], [], {}
        problems = list(problems)
        closed = self._fold is not None and not self._fold.open
        if closed and any(self._is_folded(problem.parameter) for problem in problems):
            self._reveal(problems)
        for problem in problems:
            if problem.parameter in self.fields:
                below[problem.parameter] = str(problem)
            elif self._is_folded(problem.parameter):
                continue  # shown once its field is there
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


class FoldableCard(FormCard):
    """A card that folds to one line: its title, what is chosen, and a button that opens it again.

    Attributes
    ----------
    folded : bool
    """

    def __init__(self, number: int, title: str, about: tuple[str, ...], post: Post = at_once):
        super().__init__(number, title, about, post)
        self.folded = False
        self._line = widgets.HTML()
        self._line.add_class("wb-line")
        self._toggle = widgets.Button(description="Collapse")
        self._toggle.add_class("wb-toggle")
        self._toggle.on_click(lambda _: self.fold(not self.folded))
        self._head.children = [*self._head.children, self._line, self._toggle]

    def fold(self, folded: bool = True) -> None:
        """Collapse the card to one line, or expand it."""
        if folded == self.folded:
            return
        self.folded = folded
        self.body.layout.display = "none" if folded else None
        self._toggle.description = "Change" if folded else "Collapse"
        (self.widget.add_class if folded else self.widget.remove_class)("wb-folded")

    def say(self, problems: Iterable[Problem]) -> list[Problem]:
        """Show the problems of this card, which opens for them, and return the others."""
        problems = list(problems)
        rest = super().say(problems)
        if self.folded and len(rest) < len(problems):
            on_main_thread(lambda: self.fold(False))
        return rest

    def sum_up(self, chosen: str, *facts: str) -> None:
        """Write the line that is left of the card when it is folded. For the UI loop only."""
        self._line.value = " · ".join([f"<b>{esc(chosen)}</b>", *map(esc, facts)])
