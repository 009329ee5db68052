"""A field that opens a list of all techniques, with a search, their costs on the base and their pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from workbench.display import units
from workbench.panels.widgets.modules import bundle
from workbench.registry.catalogue import FIRST_CHOICES, base_bits, family_title, search_words
from workbench.registry.technique import Technique
from workbench.training.inspection.compatibility.result import Compatibility

_STATIC = Path(__file__).parent
_PARTS = ("search", "list", "pane", "popover", "picker")
_STYLES = ("picker", "list")


class TechniquePicker(anywidget.AnyWidget):
    """A choice of a technique.

    Parameters
    ----------
    picture : callable, optional
        Returns the picture of a technique as HTML, by its name; called when a person looks at it in the
        open list.

    Attributes
    ----------
    value : str
        Name of the picked technique; empty if none is.
    entries : list of dict
        What can be picked, as :func:`entry` makes it, in this order.
    fits : dict
        What is known of techniques on the current base, as :func:`cost` makes it, by name.
    label_shown : bool
        Whether the label is on the screen; a screen reader is told of it all the same.
    status : str
        A line below the list.
    chosen : list of str
        Names that are marked in the list besides ``value``.

    Examples
    --------
    >>> from workbench.registry.techniques import get
    >>> picker = TechniquePicker(label="Technique", entries=[entry(get("lora"))], value="lora")
    >>> picker.value
    'lora'
    """

    _esm = bundle(*(_STATIC / f"technique_{part}.js" for part in _PARTS))
    _css = "".join((_STATIC / f"technique_{part}.css").read_text("utf-8") for part in _STYLES)

    label = traitlets.Unicode().tag(sync=True)
    label_shown = traitlets.Bool(True).tag(sync=True)
    hint = traitlets.Unicode().tag(sync=True)
    placeholder = traitlets.Unicode().tag(sync=True)
    entries: traitlets.List = traitlets.List().tag(sync=True)
    fits: traitlets.Dict = traitlets.Dict().tag(sync=True)
    status = traitlets.Unicode().tag(sync=True)
    chosen: traitlets.List = traitlets.List().tag(sync=True)
    value = traitlets.Unicode().tag(sync=True)

    def __init__(self, picture: Callable[[str], str] | None = None, **traits: Any):
        super().__init__(**traits)
        self._picture, self._looked_at = picture, ""
        self.on_msg(lambda _, content, __: self._on_message(content))

    def offer(self, techniques: Iterable[Technique]) -> None:
        """Set what can be picked, in order of families but for the first choices, which come first."""
        order = {name: number for number, name in enumerate(FIRST_CHOICES)}
        techniques = sorted(techniques, key=lambda one: order.get(one.name, len(order)))
        self.entries = [entry(technique) for technique in techniques]

    def show_costs(self, fits: Mapping[str, Compatibility]) -> None:
        """Show what each technique costs on the base, and why some do not work with it."""
        self.fits = {name: cost(fit) for name, fit in fits.items()}
        self.status = progress(fits, len(self.entries))

    def redraw(self) -> None:
        """Draw the technique at which a person looked last once more: the base is another one."""
        if self._picture is not None and self._looked_at:
            html = self._picture(self._looked_at)
            self.send({"kind": "picture", "name": self._looked_at, "html": html})

    def _on_message(self, content: Any) -> None:
        match content:
            case {"kind": "look", "name": str(name)}:
                self._looked_at = name
                self.redraw()


def entry(technique: Technique) -> dict[str, Any]:
    """Describe a technique for the list, whatever the base.

    Examples
    --------
    >>> from workbench.registry.techniques import get
    >>> lora = entry(get("lora"))
    >>> lora["family"], lora["bits"], lora["merges"]
    ('Low-rank adaptation (LoRA)', [4, 8], True)
    """
    paper = technique.paper
    return {
        "name": technique.name,
        "title": technique.title,
        "family": family_title(technique.family),
        "summary": technique.summary,
        "words": search_words(technique),
        "paper": f"{paper.title} ({paper.year})" if paper else "",
        "first": FIRST_CHOICES.get(technique.name, ""),
        # Of the base's own parameters there is nothing to merge.
        "merges": technique.merges if technique.trainable == "adapter" else None,
        "bits": list(base_bits(technique)),
        "trains": technique.trainable != "nothing",
    }


def cost(fit: Compatibility) -> dict[str, str]:
    """Write what is known of a technique on a base.

    Examples
    --------
    >>> cost(Compatibility("lora", True, "lm", trainable=133_120, total=3_132_928))
    {'cost': '133.1 K', 'exact': '133,120', 'share': '4.25%'}
    >>> cost(Compatibility("alora", False, "lm", "it is only for instruction data"))["why"]
    'only for instruction data'
    """
    if not fit.compatible:
        why = fit.reason.removeprefix("it is ")
        return {"why": why, "advice": str(fit)}
    if not fit.trainable:
        return {}
    return {
        "cost": units.count(fit.trainable),
        "exact": f"{fit.trainable:,}",
        "share": units.share(fit.trainable, fit.total),
    }


def progress(fits: Mapping[str, Compatibility], techniques: int) -> str:
    """Write how many techniques work with the base, as far as that is known.

    Examples
    --------
    >>> progress({"lora": Compatibility("lora", True, "lm")}, 74)
    '1 technique works with this base; 73 more are being tested …'
    """
    if not fits:
        return f"{techniques} techniques are being tested on this base …"
    left = techniques - len(fits)
    fitting = sum(fit.compatible for fit in fits.values())
    if left > 0:
        works = "technique works" if fitting == 1 else "techniques work"
        return f"{fitting} {works} with this base; {left} more are being tested …"
    return f"{fitting} of {len(fits)} techniques work with this base and task"
