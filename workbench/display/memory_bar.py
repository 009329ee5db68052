"""The memory of a run as bars: its parts, and their share of the free memory."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

from workbench.display.units import share, size

COLOURS = {
    "weights": "#1878b8",
    "adapters": "#e0a100",
    "gradients": "#d55e00",
    "optimizer": "#8c6bd8",
    "activations": "#009e73",
}
MEANINGS = {
    "weights": "the weights of the base model, which runs share",
    "adapters": "the parameters that the technique adds, and copies of the base weights that "
    "the run changes",
    "gradients": "the gradients at the moment of a step that needs most memory",
    "optimizer": "the optimizer state",
    "activations": "what is stored for the backward pass, and all other memory at that moment",
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


def memory_bar(forecast: Mapping[str, Any]) -> str:
    """Draw a memory forecast as an HTML bar.

    Parameters
    ----------
    forecast : mapping
        What :meth:`workbench.training.forecast.forecast.Forecast.to_dict` returns.
    """
    parts, peak, available = forecast["parts"], forecast["peak"], forecast["available"]
    whole = max(peak, available, 1)
    over = "" if forecast["memory_suffices"] else " fc-over"
    part = f"{share(peak, available)} of" if 0 < peak <= available else "of"
    where = f"{part} {size(available)} of free {_DEVICES[forecast['device']]}"
    # On a device with much free memory the parts are too small to be seen: they are drawn enlarged too.
    zoom = f"<div class='fc-track fc-zoom'>{_track(parts, peak, 100)}</div>"
    limit = f"<div class='fc-limit' style='width:{100 * (1 - available / whole):.2f}%'></div>"
    return (
        f"{_STYLE}<div class='wb-forecast{over}'>"
        f"<div class='fc-head'><span>Memory forecast <b>{size(peak)}</b></span>"
        f"<span>{html.escape(where)}</span></div>"
        f"<div class='fc-track' role='img' aria-label='{size(peak)} of {size(available)}'>"
        f"{_track(parts, peak, 100 * peak / whole)}{limit if peak > available else ''}</div>"
        f"{zoom if peak < 0.3 * whole else ''}"
        f"<div class='fc-keys'>{_keys(forecast)}</div><p>{html.escape(forecast['advice'])}</p></div>"
    )


def no_memory_bar(reason: str) -> str:
    """Write why there is no forecast.

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


def segments(parts: Mapping[str, int], whole: int) -> str:
    """Write the parts of a memory bar as HTML, each as wide as its share of the whole.

    Parameters
    ----------
    parts : mapping
        Bytes of some of the names in ``COLOURS``.
    whole : int
        The bytes of the bar's full width.

    Examples
    --------
    >>> segments({"weights": 750, "gradients": 0}, 1000)
    "<i title='weights 750 B' style='width:75.00%;background:#1878b8'></i>"
    """
    return "".join(
        f"<i title='{name} {size(count)}' "
        f"style='width:{100 * count / max(whole, 1):.2f}%;background:{COLOURS[name]}'></i>"
        for name, count in parts.items()
        if count
    )


def key(name: str, count: int) -> str:
    """Write a part of a memory bar in words: its colour, its name and its size."""
    meaning = html.escape(MEANINGS[name], quote=True)
    colour = f"<i style='background:{COLOURS[name]}'></i>"
    return f"<span title='{meaning}'>{colour}{name} <b>{size(count)}</b></span>"


def _track(parts: Mapping[str, int], peak: int, width: float) -> str:
    return f"<div class='fc-parts' style='width:{width:.2f}%'>{segments(parts, peak)}</div>"


def _keys(forecast: Mapping[str, Any]) -> str:
    keys = [key(name, count) for name, count in forecast["parts"].items() if count]
    if forecast["saved"]:
        keys.append(f"<span>quantization saves <b>{size(forecast['saved'])}</b></span>")
    if forecast["evaluation"] > forecast["peak"]:
        keys.append(f"<span>an evaluation needs <b>{size(forecast['evaluation'])}</b></span>")
    return "".join(keys)
