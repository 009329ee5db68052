"""What the panel has to say, in sentences, with the technical details folded away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import ipywidgets as widgets

from workbench.display.html import esc, folded
from workbench.errors import Problem


@dataclass(frozen=True)
class Trouble:
    """Something that stands in the way.

    Parameters
    ----------
    parameter : str
        The setting that it is about.
    sentence : str
        What to say.
    details : str
        What is folded away below it.
    """

    parameter: str
    sentence: str
    details: str = ""

    @classmethod
    def of(cls, problem: Problem) -> Trouble:
        """Make one of a problem."""
        return cls(problem.parameter, str(problem), getattr(problem, "details", ""))


class Messages:
    """An area below the cards. Written by the pump only.

    Messages come by topic; what is said anew about a topic takes the place of what was said.
    """

    def __init__(self) -> None:
        self._said: dict[str, tuple[str, tuple[Trouble, ...]]] = {}
        self.widget = widgets.HTML()
        self.widget.add_class("wb-messages")

    def say(self, topic: str, troubles: Sequence[Trouble], kind: str = "problem") -> None:
        """Say something about a topic; an empty sequence takes it back.

        Parameters
        ----------
        kind : {"problem", "good"}
        """
        if troubles:
            self._said[topic] = (kind, tuple(troubles))
        else:
            self._said.pop(topic, None)
        # A click may find what was said already about another topic.
        said = {one.sentence: (kind, one) for kind, some in self._said.values() for one in some}
        text = "".join(
            f"<div class='wb-message wb-{kind}' role='{'alert' if kind == 'problem' else 'status'}'>"
            f"<p>{esc(one.sentence)}</p>{folded('Details', one.details)}</div>"
            for kind, one in said.values()
        )
        if text != self.widget.value:
            self.widget.value = text
