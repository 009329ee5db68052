"""One setting as a field of a form: whatever it is, it comes from the setting's own declaration."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import ipywidgets as widgets

from workbench.display.html import esc
from workbench.panels.widgets import parsing
from workbench.registry.techniques import Hyperparameter
from workbench.settings.values import parts_of

Changed = Callable[[str, Any], None]


class Field:
    """A label, a control and, when something is wrong, a sentence.

    The control is written by the thread that shows a value, the sentence by the panel's UI loop: no widget
    has two writers.

    Parameters
    ----------
    name : str
        The setting's own name, which is also the label.
    hint : type
        Its type.
    limits : mapping
        ``choices``, the bounds of a ``slider``: ``(low, high)``, or ``multiline`` for long texts.
    help : str
        Shown when the pointer rests on the field.
    changed : callable
        Called with the name and the new value when a person changes it.
    default : object
        What an empty field stands for, shown in grey.
    """

    def __init__(
        self,
        name: str,
        hint: Any,
        changed: Changed,
        *,
        limits: Mapping[str, Any] | None = None,
        help: str = "",
        default: Any = None,
    ):
        self.name, self.hint, self.default, self._changed = name, hint, default, changed
        self._limits = dict(limits or {})
        self._quiet = False
        self._slider: widgets.Widget | None = None
        self.control = self._make(" ".join(help.split()))
        self.control.observe(self._on_control, "value")
        self._message: widgets.HTML | None = None
        self.widget = widgets.Box([self.control, *([self._slider] if self._slider else [])])
        self.widget.add_class("wb-field")
        if self._limits.get("multiline"):
            self.widget.add_class("wb-long")
        if self._slider is not None:
            self.widget.add_class("wb-with-slider")

    def _make(self, help: str) -> widgets.DOMWidget:
        common = {"description": self.name, "tooltip": help, "style": {"description_width": "auto"}}
        choices = parsing.choices_of(self.hint, self._limits)
        if choices is not None and set(choices) != {True, False}:
            options = [(self._words(choice), choice) for choice in choices]
            return widgets.Dropdown(options=options, value=choices[0], **common)
        if choices is not None or parts_of(self.hint)[0] == (bool,):
            return widgets.Checkbox(indent=False, **common)
        if "slider" in self._limits:
            low, high = self._limits["slider"]
            self._slider = self._make_slider(low, high, help)
            self._slider.observe(self._on_slider, "value")
        placeholder = parsing.write(self.default)
        control = widgets.Textarea if self._limits.get("multiline") else widgets.Text
        return control(placeholder=placeholder, continuous_update=False, **common)

    def _make_slider(self, low: float, high: float, help: str) -> widgets.DOMWidget:
        common = {"min": low, "max": high, "readout": False, "tooltip": help}
        if parts_of(self.hint)[0] == (float,):
            return widgets.FloatSlider(step=(high - low) / 50, **common)
        return widgets.IntSlider(**common)

    @staticmethod
    def _words(choice: Any) -> str:
        return "automatic" if choice is None else str(choice)

    def show(self, value: Any) -> None:
        """Show a value, even one that is not allowed; the change is not reported."""
        self._quiet = True
        try:
            if isinstance(self.control, widgets.Text | widgets.Textarea):
                # An empty field stands for None and shows the default in grey.
                self._set(self.control, parsing.write(value))
                if self._slider is not None and isinstance(value, int | float):
                    low, high = self._limits["slider"]
                    self._set(self._slider, min(max(value, low), high))
            elif isinstance(self.control, widgets.Checkbox):
                self._set(self.control, bool(value))
            else:
                if value not in [option for _, option in self.control.options]:
                    self.control.options = [*self.control.options, (str(value), value)]
                self._set(self.control, value)
        finally:
            self._quiet = False

    def explain(self, help: str) -> None:
        """Set the help text that is shown when the pointer rests on the field."""
        self.control.tooltip = " ".join(help.split())

    def offer(self, shown: bool) -> None:
        """Show the field, or hide it where it has no effect."""
        self.widget.layout.display = None if shown else "none"

    def suggest(self, words: str) -> None:
        """Show in grey what an empty field stands for."""
        if self.control.placeholder != words:
            self.control.placeholder = words

    def say(self, sentence: str) -> None:
        """Show a sentence below the field, or remove it. For the panel's UI loop only."""
        if self._message is None:
            if not sentence:
                return
            self._message = widgets.HTML()
            self.widget.children = [*self.widget.children, self._message]
        text = f"<p class='wb-problem' role='alert'>{esc(sentence)}</p>" if sentence else ""
        if text != self._message.value:
            self._message.value = text

    @staticmethod
    def _set(control: widgets.Widget, value: Any) -> None:
        if control.value != value:
            control.value = value

    def _on_control(self, change: dict[str, Any]) -> None:
        if self._quiet:
            return
        value = change["new"]
        if isinstance(self.control, widgets.Text | widgets.Textarea):
            value = parsing.read(value, self.hint)
            value = self.default if value == "" else value
        self.show(value)
        self._changed(self.name, value)

    def _on_slider(self, change: dict[str, Any]) -> None:
        if self._quiet:
            return
        value = change["new"]
        if isinstance(value, float):
            value = float(f"{value:.4g}")
        self.show(value)
        self._changed(self.name, value)


class Fold:
    """A line that opens less important settings, which are made when it is opened first.

    Parameters
    ----------
    title : str
    fill : callable
        Makes what is inside.
    """

    def __init__(self, title: str, fill: Callable[[], list[widgets.Widget]]):
        self._fill = fill
        self.open = False
        self._inside = widgets.Box(layout={"display": "none"})
        self._inside.add_class("wb-form")
        self._button = widgets.Button(description=title)
        self._button.add_class("wb-fold")
        self._button.on_click(lambda _: self.toggle())
        self.widget = widgets.VBox([self._button, self._inside])

    def toggle(self) -> None:
        """Open it, or close it."""
        if not self._inside.children:
            self.refill()
        self.open = not self.open
        self._inside.layout.display = "grid" if self.open else "none"
        (self._button.add_class if self.open else self._button.remove_class)("wb-open")

    def refill(self) -> None:
        """Make the contents again."""
        self._inside.children = self._fill()


def recipe_fields(names: list[str], changed: Changed) -> dict[str, Field]:
    """Make the fields of some of the recipe's settings from their declarations."""
    from workbench.recipe import FIELDS, HINTS

    return {
        name: Field(
            name,
            HINTS[name],
            changed,
            limits={key: value for key, value in FIELDS[name].metadata.items() if key == "choices"},
            help=FIELDS[name].metadata["help"],
            default=FIELDS[name].default,
        )
        for name in names
    }


def knob_field(knob: Hyperparameter, changed: Changed) -> Field:
    """Make the field of one of a technique's main arguments."""
    limits: dict[str, Any] = {"choices": knob.choices} if knob.choices else {}
    if knob.low is not None and knob.high is not None:
        limits["slider"] = (knob.low, knob.high)
    return Field(knob.name, type(knob.default), changed, limits=limits, default=knob.default)


def group(name: str, *, without: tuple[str, ...] = ()) -> list[str]:
    """List the recipe's settings of one group, in the order in which they are declared."""
    from workbench.recipe import FIELDS

    return [
        field.name
        for field in FIELDS.values()
        if field.metadata["group"] == name and field.name not in without
    ]
