"""One setting as a field of a form: whatever it is, it comes from the setting's own declaration."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ipywidgets as widgets

from workbench.display.html import esc
from workbench.panels.widgets import parsing
from workbench.panels.widgets.help import Help, HelpWidget, help_of, with_help
from workbench.panels.widgets.wording import in_form
from workbench.recipe import FIELDS, HINTS
from workbench.registry.techniques import Hyperparameter
from workbench.settings.values import parts_of

Changed = Callable[[str, Any], None]
NOTHING = ""  # how a menu has None
LIMITS = ("choices", "ge", "gt", "le", "lt")


class Field:
    """A label, its help, a control and, when something is wrong, a sentence.

    The control is written by the thread that shows a value, the sentence by the panel's UI loop: no widget
    has two writers.

    Parameters
    ----------
    name : str
        The setting's own name, which is also the label.
    hint : type
        Its type.
    changed : callable
        Called with the name and the new value when a person changes it.
    limits : mapping
        What the checks allow, ``choices``, the bounds of a ``slider``: ``(low, high)``,
        ``multiline`` for long texts, or ``menu`` for choices that become known later.
    default : object
        What an empty field stands for, shown in grey.
    help, line, unit, empty : str
        See :func:`workbench.settings.declare.setting`.
    """

    def __init__(
        self,
        name: str,
        hint: Any,
        changed: Changed,
        *,
        limits: Mapping[str, Any] | None = None,
        default: Any = None,
        help: str = "",
        line: str = "",
        unit: str = "",
        empty: str = "",
    ):
        self.name, self.hint, self.default, self._changed = name, hint, default, changed
        self._limits, self._empty = dict(limits or {}), empty
        self._quiet = False
        self._slider: widgets.Widget | None = None
        self.control = self._make()
        self.control.observe(self._on_control, "value")
        self._message: widgets.HTML | None = None
        words = {"text": help, "line": line, "unit": unit, "empty": empty}
        self._help = help_of(name, hint, default, limits=self._limits, **words)
        self._ruled_by = ""
        self._shown_help = HelpWidget(self._help)
        parts = (self._shown_help.widget, self.control, self._slider)
        self.widget = widgets.Box([part for part in parts if part is not None])
        self.widget.add_class("wb-field")
        self.widget.add_class(f"wb-of-{name}")
        if self._limits.get("multiline"):
            self.widget.add_class("wb-long")
        if self._slider is not None:
            self.widget.add_class("wb-with-slider")

    def _make(self) -> widgets.DOMWidget:
        common = {"description": self.name, "style": {"description_width": "auto"}}
        choices = [None] if "menu" in self._limits else None
        choices = choices or parsing.choices_of(self.hint, self._limits)
        if choices is not None and set(choices) != {True, False}:
            options = [self._option(choice) for choice in choices]
            return widgets.Dropdown(options=options, value=options[0][1], **common)
        if choices is not None or parts_of(self.hint)[0] == (bool,):
            return widgets.Checkbox(indent=False, **common)
        if "slider" in self._limits:
            low, high = self._limits["slider"]
            self._slider = self._make_slider(low, high)
            self._slider.observe(self._on_slider, "value")
        placeholder = parsing.write(self.default) or self._empty
        control = widgets.Textarea if self._limits.get("multiline") else widgets.Text
        return control(placeholder=placeholder, continuous_update=False, **common)

    def _make_slider(self, low: float, high: float) -> widgets.DOMWidget:
        common = {"min": low, "max": high, "readout": False}
        if parts_of(self.hint)[0] == (float,):
            return widgets.FloatSlider(step=(high - low) / 50, **common)
        return widgets.IntSlider(**common)

    def _option(self, choice: Any, empty: str = "") -> tuple[str, Any]:
        """Return a choice as a menu has it: None would show as nothing chosen."""
        if choice is None:
            return empty or self._empty or "automatic", NOTHING
        return str(choice), choice

    def choose_from(self, choices: Sequence[Any], empty: str = "") -> None:
        """Offer other choices; what is chosen stays, even if it is none of them.

        Parameters
        ----------
        choices : sequence
        empty : str
            What None stands for at present.
        """
        value = self.control.value
        others = [] if value in (NOTHING, *choices) else [value]
        options = [self._option(choice, empty) for choice in (*choices, *others)]
        if options != list(self.control.options):
            self._quiet = True
            try:
                self.control.options = options
                self.control.value = value
            finally:
                self._quiet = False

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
                option = self._option(value)
                if option[1] not in [known for _, known in self.control.options]:
                    self.control.options = [*self.control.options, option]
                self._set(self.control, option[1])
        finally:
            self._quiet = False

    def explain(self, help: str) -> None:
        """Set what the setting is, in whole sentences; without any, what is shown stays."""
        if help:
            self._help = dataclasses.replace(self._help, text=help)
            self._show_help()

    def rule_out(self, words: str) -> None:
        """Grey the field out and say what decides instead of it; nothing lets it decide again."""
        self._ruled_by = words
        for control in filter(None, (self.control, self._slider)):
            if control.disabled != bool(words):
                control.disabled = bool(words)
        self._show_help()

    def _show_help(self) -> None:
        line = self._ruled_by or self._help.line
        self._shown_help.show(dataclasses.replace(self._help, line=line))

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
        text = (
            f"<p class='wb-problem' role='alert'>{esc(in_form(sentence))}</p>" if sentence else ""
        )
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
        elif isinstance(self.control, widgets.Dropdown):
            value = None if value == NOTHING else value
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


def heading(title: str) -> widgets.HTML:
    """Make the title of a group of fields within a form."""
    made = widgets.HTML(f"<h4>{esc(title)}</h4>")
    made.add_class("wb-group")
    return made


def recipe_fields(
    names: list[str], changed: Changed, menus: Sequence[str] = ()
) -> dict[str, Field]:
    """Make the fields of some of the recipe's settings from their declarations.

    Those in ``menus`` are menus, whose choices become known later (:meth:`Field.choose_from`).
    """
    return {
        name: Field(
            name,
            HINTS[name],
            changed,
            limits=_limits(name) | ({"menu": True} if name in menus else {}),
            default=FIELDS[name].default,
            help=FIELDS[name].metadata["about"],
            **{key: FIELDS[name].metadata[key] for key in ("line", "unit", "empty")},
        )
        for name in names
    }


def _limits(name: str) -> dict[str, Any]:
    return {key: value for key, value in FIELDS[name].metadata.items() if key in LIMITS}


def picker_box(picker: widgets.Widget, name: str) -> widgets.Box:
    """Put the help of one of the recipe's settings next to what picks it."""
    return with_help(picker, Help(name, FIELDS[name].metadata["about"]))


def knob_field(knob: Hyperparameter, changed: Changed) -> Field:
    """Make the field of one of a technique's main arguments."""
    limits = dict(knob.limits)
    if knob.low is not None and knob.high is not None:
        limits["slider"] = (knob.low, knob.high)
    words = {"help": knob.line, "line": knob.line, "unit": knob.unit}
    return Field(
        knob.name, type(knob.default), changed, limits=limits, default=knob.default, **words
    )


def group(name: str, *, without: tuple[str, ...] = ()) -> list[str]:
    """List the recipe's settings of one group, in the order in which they are declared."""
    return [
        field.name
        for field in FIELDS.values()
        if field.metadata["group"] == name and field.name not in without
    ]
