"""The help of one setting: a line that is always there, and what opens from the "?" next to its name.

The browser's side is in ``help.js``, which also ties both to the control, for a screen reader.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import ipywidgets as widgets

from workbench.display.html import esc
from workbench.panels.widgets import parsing
from workbench.panels.widgets.help_text import readable
from workbench.panels.widgets.wording import in_form
from workbench.settings.values import describe, documented_limits, parts_of


@dataclass(frozen=True)
class Help:
    """What there is to say about a setting.

    Parameters
    ----------
    name : str
        The setting.
    text : str
        What it is; it may have markup, as PEFT's texts have.
    line : str
        The few words that are always shown.
    default, allowed, usual, unit : str
        In words; what is empty is left out.
    """

    name: str
    text: str = ""
    line: str = ""
    default: str = ""
    allowed: str = ""
    usual: str = ""
    unit: str = ""

    def html(self) -> str:
        """Write the help as HTML."""
        facts = {
            "Default": self.default,
            "Allowed": self.allowed,
            "Usual": self.usual,
            "Unit": self.unit,
        }
        rows = "".join(
            f"<dt>{name}</dt><dd>{esc(said)}</dd>" for name, said in facts.items() if said
        )
        text = readable(self.text)
        # The line is repeated for the eye only: the open text lies over it.
        words = f"<p aria-hidden='true'>{esc(self.line)}</p>" if self.line else ""
        words += f"<p>{esc(text)}</p>" if text and text != self.line else ""
        hint = f"<p class='wb-hint'>{esc(self.line)}</p>" if self.line else ""
        return (
            f"<button type='button' class='wb-explain' aria-label='About {esc(self.name)}' "
            f"aria-expanded='false'>?</button>"
            f"<div class='wb-tip' role='tooltip' popover='manual'>{words}<dl>{rows}</dl></div>{hint}"
        )


def help_of(
    name: str,
    hint: Any,
    default: Any,
    *,
    text: str = "",
    line: str = "",
    unit: str = "",
    empty: str = "",
    limits: Mapping[str, Any] | None = None,
) -> Help:
    """Make the help of a setting from its declaration.

    Parameters
    ----------
    name : str
    hint : type
    default : object
        What it is unless it is set.
    text, line, unit, empty : str
        See :func:`workbench.settings.declare.setting`.
    limits : mapping, optional
        What the checks allow, and the bounds of a ``slider``: ``(low, high)``.

    Examples
    --------
    >>> help = help_of("r", int, 8, limits={"ge": 1, "slider": (1, 64)})
    >>> help.default, help.allowed, help.usual
    ('8', 'an integer of at least 1', '1 to 64')
    >>> help_of("max_steps", int | None, None, empty="set by the epochs", limits={"ge": 1}).default
    'empty: set by the epochs'
    """
    limits = limits or {}
    usual = " to ".join(map(parsing.write, limits.get("slider", ())))
    return Help(
        name, text, line, _default(default, empty), _allowed(name, hint, limits), usual, unit
    )


def _default(default: Any, empty: str) -> str:
    if default is None or default in ([], {}, ""):
        return f"empty: {empty}" if empty else "empty"
    return in_form(str(default)) if isinstance(default, bool) else parsing.write(default)


def _allowed(name: str, hint: Any, limits: Mapping[str, Any]) -> str:
    if parts_of(hint)[0] == (Any,):
        return ""
    return in_form(describe(hint, {**documented_limits(name), **limits}))


class HelpWidget:
    """A setting's help in the page. Written by the thread that handles a person's message.

    Parameters
    ----------
    help : Help
    """

    def __init__(self, help: Help):
        self.help = help
        self.widget = widgets.HTML(help.html())
        self.widget.add_class("wb-help")

    def show(self, help: Help) -> None:
        """Replace the help that is shown, where it differs."""
        if help != self.help:
            self.help = help
            self.widget.value = help.html()


def with_help(control: widgets.Widget, help: Help) -> widgets.Box:
    """Put help next to a control that has its label within itself."""
    box = widgets.Box([HelpWidget(help).widget, control])
    box.add_class("wb-field")
    box.add_class(f"wb-of-{help.name.replace(' ', '-')}")
    return box
