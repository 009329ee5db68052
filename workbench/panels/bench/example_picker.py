"""Training rows to choose from: those that few-shot prompting shows before each row."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ipywidgets as widgets

from workbench.sources.datasets.conversations.find import conversation_text

MOST = 200  # rows that a person may want to read through
SHORT = 110  # characters of a row


class ExamplePicker:
    """A list of training rows, of which several can be picked.

    Parameters
    ----------
    chosen : callable
        Called with the numbers of the picked rows, from 1, or None.
    """

    def __init__(self, chosen: Callable[[list[int] | None], object]):
        self._chosen = chosen
        self._numbers: list[int] = []
        self._quiet = False
        self._words = widgets.HTML()
        self._list = widgets.SelectMultiple(
            rows=8,
            tooltip="Select several rows with Ctrl or Cmd and a click; they are used in the "
            "order of selection",
        )
        self._list.observe(self._on_list, "value")
        self.widget = widgets.VBox([self._words, self._list])
        self.widget.add_class("wb-examples")
        self.offer([], {})

    def offer(self, rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str]) -> None:
        """Fill the list with training rows, in their order."""
        options = [
            (f"{number}. {_line(row, columns)}", number)
            for number, row in enumerate(rows[:MOST], start=1)
        ]
        if options != list(self._list.options):
            self._quietly(lambda: setattr(self._list, "options", options))
        more = f", the first {MOST} of {len(rows):,}" if len(rows) > MOST else ""
        self._words.value = (
            f"<p class='wb-quiet'>Training rows{more}: select those to use as examples; if none "
            "is selected, they are chosen at random.</p>"
        )
        self.widget.layout.display = "" if rows else "none"
        self.show(self._numbers)

    def show(self, numbers: Any) -> None:
        """Mark the rows that are picked, in whatever order."""
        self._numbers = list(numbers) if isinstance(numbers, list | tuple) else []
        listed = [number for _, number in self._list.options]
        marked = tuple(number for number in listed if number in self._numbers)
        if marked != self._list.value:
            self._quietly(lambda: setattr(self._list, "value", marked))

    def _quietly(self, change: Callable[[], None]) -> None:
        self._quiet = True
        try:
            change()
        finally:
            self._quiet = False

    def _on_list(self, change: dict[str, Any]) -> None:
        if self._quiet:
            return
        picked = change["new"]
        listed = [number for _, number in self._list.options]
        # What was picked before keeps its place, and so does a row beyond the list.
        earlier = [number for number in self._numbers if number in picked or number not in listed]
        self._numbers = earlier + [number for number in picked if number not in earlier]
        self._chosen(self._numbers or None)


def _line(row: Mapping[str, Any], columns: Mapping[str, str]) -> str:
    """Write a row in a line, its label first.

    Examples
    --------
    >>> _line({"text": "It\\nwas good.", "kind": "praise"}, {"text": "text", "label": "kind"})
    'praise · It was good.'
    """
    roles = sorted(columns, key=lambda role: role != "label")
    values = [row.get(columns[role]) for role in roles]
    texts = [str(conversation_text(value)) for value in values if value is not None]
    text = " · ".join(" ".join(text.split()) for text in texts)
    return text if len(text) <= SHORT else text[: SHORT - 1] + "…"
