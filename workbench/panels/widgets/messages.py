"""Messages of a panel: sentences, with the technical details folded away."""

from __future__ import annotations

from collections.abc import Sequence

import ipywidgets as widgets

from workbench.display.html import esc, folded
from workbench.errors import Problem
from workbench.panels.widgets.wording import in_form


class Messages:
    """An area below the cards. Written by the UI loop only.

    Messages belong to topics; a new message about a topic replaces the old one.
    """

    def __init__(self) -> None:
        self._topics: dict[str, tuple[str, tuple[Problem, ...]]] = {}
        self.widget = widgets.HTML()
        self.widget.add_class("wb-messages")

    def say(self, topic: str, problems: Sequence[Problem], style: str = "problem") -> None:
        """Show the problems of a topic; an empty sequence removes its messages.

        Parameters
        ----------
        style : {"problem", "good"}
        """
        if problems:
            self._topics[topic] = (style, tuple(problems))
        else:
            self._topics.pop(topic, None)
        # One sentence is shown once, even if two topics have it.
        messages = {
            str(problem): (style, problem.details)
            for style, group in self._topics.values()
            for problem in group
        }
        text = "".join(
            f"<div class='wb-message wb-{style}' role='{'alert' if style == 'problem' else 'status'}'>"
            f"<p>{esc(in_form(sentence))}</p>{folded('Details', details)}</div>"
            for sentence, (style, details) in messages.items()
        )
        if text != self.widget.value:
            self.widget.value = text
