"""A drop-down list with groups, and a place to type what is not in it."""

from __future__ import annotations

from pathlib import Path

import anywidget
import traitlets

_STATIC = Path(__file__).parent


class Picker(anywidget.AnyWidget):
    """A choice from groups of options, by name.

    Attributes
    ----------
    label : str
        What is picked.
    groups : list
        ``[[title, [[value, words], ...]], ...]``.
    other : str
        What to call the choice of typing something else; empty if that is not offered.
    placeholder : str
        What may be typed, shown while nothing is.
    value : str
        What is picked or typed.

    Examples
    --------
    >>> picker = Picker(label="Fruit", groups=[["Red", [["apple", "Apple"]]]], value="apple")
    >>> picker.value
    'apple'
    """

    _esm = _STATIC / "picker.js"

    label = traitlets.Unicode().tag(sync=True)
    groups: traitlets.List = traitlets.List().tag(sync=True)
    other = traitlets.Unicode().tag(sync=True)
    placeholder = traitlets.Unicode().tag(sync=True)
    hint = traitlets.Unicode().tag(sync=True)
    value = traitlets.Unicode().tag(sync=True)
