"""The memory of a run as bars and a table: its parts, forecast and measured, under the same names."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

from workbench.display.colours import TRAINED
from workbench.display.units import share, size

COLOURS = {
    "weights": "#1878b8",
    "adapters": TRAINED,
    "gradients": "#c46a9e",
    "optimizer": "#8c6bd8",
    "activations": "#009e73",
}
MEANINGS = {
    "weights": "the weights of the base model, which runs share",
    "adapters": "the parameters that the technique adds, and copies of the base weights that "
    "the run changes",
    "gradients": "as large as what is trained",
    "optimizer": "the optimizer state, such as Adam's two moving averages of each gradient",
    "activations": "what the forward pass stores for the backward pass",
}
# When each part is there. All of them are never there at once.
TIMES = {
    "weights": "always",
    "adapters": "always",
    "gradients": "backward pass to optimizer step",
    "optimizer": "after the first step",
    "activations": "forward to backward pass",
}
DEVICES = {"cpu": "RAM", "cuda": "GPU memory"}
_SMALL = 0.01  # a share of the total that is not worth a word
_STYLE = """<style>
.wb-forecast { --fc-strong: var(--jp-ui-font-color1, #212121);
  --fc-ink: color-mix(in srgb, var(--fc-strong) 74%, transparent);
  --fc-warn: #d32f2f;
  --fc-warn-text: color-mix(in srgb, var(--fc-warn) 68%, var(--fc-strong));
  --fc-size: max(var(--jp-ui-font-size1, 13px), calc(var(--jp-content-font-size1, 14px) * 13 / 14));
  --fc-small: max(12px, calc(var(--fc-size) * 0.92));
  max-width: 720px; color: var(--fc-ink); font-family: var(--jp-ui-font-family, sans-serif);
  font-size: var(--fc-small); line-height: 1.5; font-variant-numeric: tabular-nums; }
.wb-forecast b { color: var(--fc-strong); font-weight: 600; }
.wb-forecast .fc-head { display: flex; justify-content: space-between; align-items: baseline;
  gap: 0 16px; flex-wrap: wrap; }
.wb-forecast .fc-head b { font-size: calc(var(--fc-size) * 1.08); }
.wb-forecast .fc-bars { display: grid; grid-template-columns: auto minmax(0, 1fr) auto; align-items: center;
  gap: 4px 10px; margin: 8px 0; }
.wb-forecast .fc-bars > b { font-size: calc(var(--fc-size) * 1.08); text-align: right; }
.wb-forecast .fc-track { position: relative; height: 10px; border-radius: 5px;
  background: color-mix(in srgb, var(--fc-strong) 11%, transparent); }
.wb-forecast .fc-parts { display: flex; height: 100%; min-width: 4px; overflow: hidden; border-radius: 5px; }
.wb-forecast .fc-parts i { height: 100%; flex: none; }
.wb-forecast .fc-evaluation { position: absolute; top: -3px; bottom: -3px; width: 2px; margin-left: -2px;
  background: var(--fc-strong); }
.wb-forecast .fc-limit { position: absolute; top: 0; bottom: 0; right: 0;
  border-left: 2px solid var(--fc-warn); background: repeating-linear-gradient(135deg,
  color-mix(in srgb, var(--fc-warn) 60%, transparent) 0 3px, transparent 3px 7px); }
.wb-forecast .fc-table { width: 100%; margin: 0; border-collapse: collapse; table-layout: auto;
  font-size: inherit; }
.wb-forecast .fc-table :is(th, td) { padding: 1px 0 1px 10px; border: 0; background: none;
  color: inherit; font-weight: 400; text-align: right; vertical-align: top; white-space: normal; }
.wb-forecast .fc-table tr { background: none; }
.wb-forecast .fc-table :is(th, td):first-child { padding-left: 0; text-align: left; }
.wb-forecast .fc-table thead th:not(:first-child) { color: var(--fc-strong); white-space: nowrap; }
.wb-forecast .fc-table td { color: var(--fc-strong); white-space: nowrap; }
.wb-forecast .fc-table .fc-when :is(th, td) { color: var(--fc-ink); font-size: calc(var(--fc-small) * 0.92); line-height: 1.3;
  white-space: normal; }
.wb-forecast .fc-table i { display: inline-block; width: 8px; height: 8px; margin-right: 5px;
  border-radius: 2px; }
.wb-forecast p { margin: 6px 0 0; }
.wb-forecast .fc-advice { color: var(--fc-strong); font-size: var(--fc-size); }
.wb-forecast.fc-over .fc-advice, .wb-forecast.fc-over .fc-bars b { color: var(--fc-warn-text); }
</style>"""


def memory_bar(
    forecast: Mapping[str, Any] | None,
    measured: Mapping[str, Any] | None = None,
    *,
    name: str = "measured",
) -> str:
    """Draw a memory forecast, what a run has measured, or one above the other, as HTML.

    Parameters
    ----------
    forecast : mapping or None
        What :meth:`workbench.training.forecast.forecast.Forecast.to_dict` returns.
    measured : mapping, optional
        The figures of a run; see :class:`workbench.training.adaptation.meters.MemoryMeter`.
    name : str
        What to call the measured figures.
    """
    rows = []
    if forecast:
        rows.append(("forecast", forecast["peak"], forecast["parts"], forecast["metered"]))
    if measured:
        rows.append((name, measured["peak"], _at_peak(measured), _parts(measured)))
    over = forecast is not None and not forecast["memory_suffices"]
    notes = [_moments(forecast) if forecast else "", _measuring(forecast, measured)]
    advice = f"<p class='fc-advice'>{html.escape(forecast['advice'])}</p>" if forecast else ""
    return (
        f"{_STYLE}<div class='wb-forecast{' fc-over' if over else ''}'>{_head(forecast, measured)}"
        f"{_bars(rows, forecast)}{_table([(word, parts) for word, _, _, parts in rows])}"
        f"{advice}{''.join(f'<p>{html.escape(note)}</p>' for note in notes if note)}</div>"
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
        f"{_STYLE}<div class='wb-forecast'><div class='fc-head'><b>No memory forecast</b></div>"
        f"<p class='fc-advice'>{html.escape(reason)}</p></div>"
    )


def summary(forecast: Mapping[str, Any]) -> str:
    """Write a forecast in a line: how much is needed, of how much.

    Examples
    --------
    >>> summary({"device": "cpu", "peak": 750_000, "available": 2_000_000})
    '750.0 kB of 2.0 MB free RAM'
    """
    where = f"{size(forecast['available'])} free {DEVICES[forecast['device']]}"
    return f"{size(forecast['peak'])} of {where}"


def _parts(measured: Mapping[str, Any]) -> dict[str, int]:
    # Runs of earlier versions did not tell adapters from weights.
    return {part: measured.get(part, 0) for part in COLOURS}


def _at_peak(measured: Mapping[str, Any]) -> dict[str, int]:
    """Return the measured parts that are there at the fullest moment."""
    parts = _parts(measured)
    shorter = min(("gradients", "activations"), key=lambda part: parts[part])
    if sum(parts.values()) > measured["peak"]:
        parts[shorter] = 0
    return parts


def _head(forecast: Mapping[str, Any] | None, measured: Mapping[str, Any] | None) -> str:
    where = ""
    if forecast:
        peak, available = forecast["peak"], forecast["available"]
        part = f"{share(peak, available)} of" if 0 < peak <= available else "of"
        where = f"{part} {size(available)} free {DEVICES[forecast['device']]}"
    elif measured:
        where = DEVICES["cuda" if measured.get("cuda") else "cpu"]
    return (
        "<div class='fc-head'><span><b>Peak memory</b> of a training step</span>"
        f"<span>{where}</span></div>"
    )


def _bars(
    rows: list[tuple[str, int, Mapping[str, int], Mapping[str, int]]],
    forecast: Mapping[str, Any] | None,
) -> str:
    evaluation = forecast["evaluation"] if forecast else 0
    whole = max(evaluation, 1, *(peak for _, peak, _, _ in rows))
    marks = ""
    if forecast:
        at = 100 * evaluation / whole
        title = f"an evaluation needs {size(evaluation)}"
        marks = f"<i class='fc-evaluation' style='left:{at:.2f}%' title='{title}'></i>"
        if forecast["available"] < whole:
            missing = 100 * (1 - forecast["available"] / whole)
            marks += f"<i class='fc-limit' style='width:{missing:.2f}%'></i>"
    bars = "".join(
        f"<span>{html.escape(word)}</span><div class='fc-track' role='img' "
        f"aria-label='{html.escape(word, quote=True)} {size(peak)}'>"
        f"<div class='fc-parts' style='width:{100 * peak / whole:.2f}%'>{segments(parts, peak)}</div>"
        f"{marks if word == 'forecast' else ''}</div><b>{size(peak)}</b>"
        for word, peak, parts, _ in rows
    )
    return f"<div class='fc-bars'>{bars}</div>"


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


def _table(rows: list[tuple[str, Mapping[str, int]]]) -> str:
    heads = "".join(
        f"<th scope='col' title='{html.escape(MEANINGS[part], quote=True)}'>"
        f"<i style='background:{colour}'></i>{part}</th>"
        for part, colour in COLOURS.items()
    )
    lines = "".join(
        f"<tr><th scope='row'>{html.escape(word)}</th>"
        f"{''.join(f'<td>{size(parts[part])}</td>' for part in COLOURS)}</tr>"
        for word, parts in rows
    )
    times = "".join(f"<td>{TIMES[part]}</td>" for part in COLOURS)
    return (
        f"<table class='fc-table'><thead><tr><th scope='col'>maximum of each part</th>{heads}</tr></thead>"
        f"<tbody>{lines}<tr class='fc-when'><th scope='row'>allocated</th>{times}</tr></tbody></table>"
    )


def _moments(forecast: Mapping[str, Any]) -> str:
    """Say how the fullest moment differs from all parts at their largest."""
    peak, parts, largest = forecast["peak"], forecast["parts"], forecast["metered"]
    sentences = []
    words = {
        "gradients": "they are made in the backward pass, and each step frees them",
        "activations": "they are freed in the backward pass",
    }
    for part, why in words.items():
        if largest[part] - parts[part] > _SMALL * peak:
            here = f"{size(parts[part])} of the {part}" if parts[part] else f"no {part}"
            sentences.append(f"At the peak {here} are allocated: {why}.")
    temporary = parts["activations"] - largest["activations"]
    if temporary > _SMALL * peak:
        sentences.append(f"Temporary buffers take {size(temporary)} more at the peak.")
    if forecast["evaluation"] > peak:
        sentences.append(f"An evaluation needs {size(forecast['evaluation'])}: the upright mark.")
    if forecast["saved"]:
        sentences.append(f"Quantization saves {size(forecast['saved'])} of the weights.")
    return " ".join(sentences)


def _measuring(forecast: Mapping[str, Any] | None, measured: Mapping[str, Any] | None) -> str:
    """Say what else was measured, and what was not."""
    if not measured:
        return ""
    sentences = []
    if "cuda" in measured:
        peaks = ", ".join(
            f"{size(figures['peak'])} ({phase})" for phase, figures in measured["cuda"].items()
        )
        sentences.append(f"Peak of all that is on the GPU: {peaks}.")
    elif forecast:
        sentences.append("Temporary buffers are not measured.")
    sentences.append(f"The whole process takes {size(measured['rss'])} of RAM (RSS).")
    return " ".join(sentences)
