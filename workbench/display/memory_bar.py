"""A forecast as bars: what a run needs, in its parts, and how much that is of what there is."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

from workbench.display.units import share, size

# Of the meter's bars in the run's strip, with one more for what a run adds to the base.
COLOURS = {
    "weights": "#1878b8",
    "adapters": "#e0a100",
    "gradients": "#d55e00",
    "optimizer": "#8c6bd8",
    "activations": "#009e73",
}
MEANINGS = {
    "weights": "the base, which runs share",
    "adapters": "what is injected, and the run's own copies of what it changes in the base",
    "gradients": "those that are there at the fullest moment of a step",
    "optimizer": "the optimizer's state",
    "activations": "what the backward pass needs, and whatever else is there at that moment",
}
_DEVICES = {"cpu": "RAM", "cuda": "GPU memory"}
_STYLE = """<style>
.wb-forecast { --fc-ink: var(--jp-ui-font-color2, #616161); --fc-strong: var(--jp-ui-font-color1, #212121);
  max-width: 720px; color: var(--fc-ink); font-family: var(--jp-ui-font-family, sans-serif);
  font-size: 12px; line-height: 1.5; font-variant-numeric: tabular-nums; }
.wb-forecast .fc-head { display: flex; justify-content: space-between; align-items: baseline;
  gap: 4px 16px; flex-wrap: wrap; }
.wb-forecast b { color: var(--fc-strong); font-weight: 600; }
.wb-forecast .fc-head b { font-size: 17px; }
.wb-forecast .fc-track { position: relative; height: 10px; margin: 5px 0 6px; border-radius: 5px;
  background: color-mix(in srgb, var(--fc-strong) 11%, transparent); overflow: hidden; }
.wb-forecast .fc-parts { display: flex; height: 100%; min-width: 4px; overflow: hidden; }
.wb-forecast .fc-parts i { height: 100%; flex: none; }
.wb-forecast .fc-limit { position: absolute; top: 0; bottom: 0; right: 0;
  border-left: 2px solid var(--fc-strong);
  background: repeating-linear-gradient(135deg, rgb(255 255 255 / 45%) 0 3px, transparent 3px 7px); }
.wb-forecast .fc-zoom { height: 6px; margin: 0 0 6px; border-radius: 3px; }
.wb-forecast .fc-keys { display: flex; flex-wrap: wrap; gap: 1px 16px; }
.wb-forecast .fc-keys i { display: inline-block; width: 8px; height: 8px; margin-right: 5px;
  border-radius: 2px; }
.wb-forecast p { margin: 5px 0 0; color: var(--fc-strong); font-size: 13px; }
.wb-forecast.fc-over p, .wb-forecast.fc-over .fc-head b { color: var(--fc-warn, #d55e00); }
</style>"""


def memory_bar(told: Mapping[str, Any]) -> str:
    """Draw a forecast.

    Parameters
    ----------
    told : mapping
        What :meth:`workbench.training.forecast.forecast.Forecast.to_dict` returns.
    """
    parts, peak, available = told["parts"], told["peak"], told["available"]
    whole = max(peak, available, 1)
    over = "" if told["fits"] else " fc-over"
    part = f"{share(peak, available)} of" if 0 < peak <= available else "of"
    where = f"{part} the {size(available)} of {_DEVICES[told['device']]} that are free"
    # On a device with much room the parts are too small to be seen: they are drawn once more.
    zoom = f"<div class='fc-track fc-zoom'>{_bar(parts, peak, 100)}</div>"
    limit = f"<div class='fc-limit' style='width:{100 * (1 - available / whole):.2f}%'></div>"
    return (
        f"{_STYLE}<div class='wb-forecast{over}'>"
        f"<div class='fc-head'><span>Memory forecast <b>{size(peak)}</b></span>"
        f"<span>{html.escape(where)}</span></div>"
        f"<div class='fc-track' role='img' aria-label='{size(peak)} of {size(available)}'>"
        f"{_bar(parts, peak, 100 * peak / whole)}{limit if peak > available else ''}</div>"
        f"{zoom if peak < 0.3 * whole else ''}"
        f"<div class='fc-keys'>{_keys(told)}</div><p>{html.escape(told['advice'])}</p></div>"
    )


def no_memory_bar(reason: str) -> str:
    """Say why there is no forecast to draw.

    Parameters
    ----------
    reason : str
        A sentence.

    Examples
    --------
    >>> "no &lt;forecast&gt;" in no_memory_bar("There is no <forecast>.")
    True
    """
    return (
        f"{_STYLE}<div class='wb-forecast'><div class='fc-head'><span>No memory forecast</span></div>"
        f"<p>{html.escape(reason)}</p></div>"
    )


def _bar(parts: Mapping[str, int], peak: int, width: float) -> str:
    pieces = "".join(
        f"<i title='{name} {size(count)}' "
        f"style='width:{100 * count / max(peak, 1):.2f}%;background:{COLOURS[name]}'></i>"
        for name, count in parts.items()
        if count
    )
    return f"<div class='fc-parts' style='width:{width:.2f}%'>{pieces}</div>"


def _keys(told: Mapping[str, Any]) -> str:
    keys = [
        f"<span title='{html.escape(MEANINGS[name], quote=True)}'>"
        f"<i style='background:{COLOURS[name]}'></i>{name} <b>{size(count)}</b></span>"
        for name, count in told["parts"].items()
        if count
    ]
    if told["saved"]:
        keys.append(f"<span>quantisation saves <b>{size(told['saved'])}</b></span>")
    if told["evaluation"] > told["peak"]:
        keys.append(f"<span>an evaluation takes <b>{size(told['evaluation'])}</b></span>")
    return "".join(keys)
