"""The status of the selected run: its progress, speed and memory, and its controls."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ipywidgets as widgets

from workbench.display.html import esc, facts
from workbench.display.memory_bar import key, segments
from workbench.display.units import size, time
from workbench.panels.run.run_view import RunView
from workbench.panels.run.speed_hints import compile_hint, onednn_hint
from workbench.registry.tasks import ALL_TASKS

PAUSE = {"Pause": "Pause after the current step", "Resume": "Continue training"}
PARTS = ("weights", "gradients", "optimizer", "activations")


class RunStatus:
    """The strip above the chart. Written by the UI loop only.

    Parameters
    ----------
    pause, resume, stop : callable
        What the buttons do.
    """

    def __init__(
        self,
        pause: Callable[[], object],
        resume: Callable[[], object],
        stop: Callable[[], object],
    ):
        self._text = widgets.HTML()
        acts = {"Pause": pause, "Resume": resume}
        self.buttons = {
            "Pause": make_button("Pause", PAUSE["Pause"], lambda: acts[self._going.description]()),
            "Stop": make_button(
                "Stop",
                "End after the current step and save the trained weights. Interrupting the "
                "kernel does not stop a run.",
                stop,
            ),
        }
        # One button for both: it keeps its place, and the focus of the keyboard.
        self._going = self.buttons["Pause"]
        controls = widgets.HBox(list(self.buttons.values()))
        controls.add_class("wb-controls")
        self.widget = widgets.Box([self._text, controls], layout={"display": "none"})
        self.widget.add_class("wb-status")

    def show(self, view: RunView, forecast: Mapping[str, Any] | None = None) -> None:
        """Show a run as it is now, next to the forecast of its memory."""
        run = view.run
        text = _describe(view, forecast)
        if text != self._text.value:
            self._text.value = text
        name_button(self._going, "Resume" if run.state == "paused" else "Pause", PAUSE)
        for button in self.buttons.values():
            button.disabled = run.ended
        self.widget.layout.display = None


def make_button(word: str, tooltip: str, act: Callable[[], object]) -> widgets.Button:
    """Make one of a panel's plain buttons."""
    button = widgets.Button(description=word, tooltip=tooltip)
    button.add_class("wb-button")
    button.on_click(lambda _: act())
    return button


def name_button(button: widgets.Button, word: str, tooltips: Mapping[str, str]) -> None:
    """Have a button mean something else, without a message where it does already."""
    if button.description != word:
        button.description, button.tooltip = word, tooltips[word]


def _describe(view: RunView, forecast: Mapping[str, Any] | None) -> str:
    run = view.run
    step, total = run.progress
    word = view.state
    if view.evaluating and not run.ended:
        word += f", batch {view.evaluating.done} of {view.evaluating.total}"
    done = 100 * step / total if total else 0
    bar = (
        f"<div class='wb-bar' role='progressbar' aria-label='Progress of {esc(run.name)}' "
        f"aria-valuemin='0' aria-valuemax='{total}' aria-valuenow='{step}'>"
        f"<i class='{view.css}' style='width:{done:.1f}%'></i></div>"
    )
    warning = str(run.diagnosis or "")
    lines = [
        *(note for note in run.notes if note != warning),
        *compile_hint(run.recipe, run.plan, total, view.first, view.pace),
        *onednn_hint(run.recipe, run.plan, view.pace),
    ]
    notes = "".join(f"<p class='wb-note'>{esc(note)}</p>" for note in lines)
    if warning:
        notes = f"<p class='wb-warning' role='status'>{esc(warning)}</p>{notes}"
    return (
        f"<div class='wb-run'><strong title='{esc(run.name)}'>{esc(view.label)}</strong>"
        f"<span class='wb-state {view.css}'>{esc(word)}</span></div>"
        f"{bar}{facts(_figures(view))}{_ranks(view)}{_memory(run.memory, forecast)}{notes}"
    )


def _figures(view: RunView) -> list[tuple[str, str]]:
    run, train = view.run, view.train
    step, total = run.progress
    if run.ended:
        spent = ("Training time", time(train.seconds) if train else "–")
    elif run.state == "paused":
        spent = ("Time left", "paused")
    else:
        spent = ("Time left", "–" if view.left is None else time(view.left))
    return [
        ("Step", f"{step:,} of {total:,}" if total else "–"),
        spent,
        ("Loss", f"{train.loss:.4f}" if train else "–"),
        (
            f"{ALL_TASKS[run.recipe.task].unit.capitalize()}/s",
            "–" if view.speed is None else f"{view.speed:,.0f}",
        ),
    ]


def _ranks(view: RunView) -> str:
    """Draw how many trainable parameters are in use, for techniques that drop some during training."""
    if len(view.ranks) < 2:
        return ""
    points = thinned(view.ranks)
    first, last = view.ranks[0][0], max(view.run.progress[1], view.ranks[-1][0])
    most = max(count for _, count in view.ranks)
    line = " ".join(
        f"{160 * (step - first) / max(last - first, 1):.1f},{32 - 28 * count / most:.1f}"
        for step, count in points
    )
    now = view.ranks[-1][1]
    caption = f"{now:,} of {most:,} trainable parameters are in use"
    return (
        f"<div class='wb-ranks' title='{caption}'><svg viewBox='0 0 160 34' width='160' height='34' "
        f"role='img' aria-label='{caption}'><path d='M0 32.5h160' class='wb-axis'/>"
        f"<polyline points='{line}'/></svg><span>in use <b>{now:,}</b> of {most:,} trainable "
        "parameters</span></div>"
    )


def thinned(points: Sequence[tuple[int, int]], most: int = 160) -> list[tuple[int, int]]:
    """Keep at most as many points as can be seen, and always the last one."""
    every = -(-len(points) // most)
    return [*points[::every], points[-1]]


def _memory(memory: Mapping[str, Any], forecast: Mapping[str, Any] | None) -> str:
    if not memory:
        return ""
    whole = max(memory["peak"], 1)
    keys = "".join(key(part, memory[part]) for part in PARTS)
    process = f"<span>process (RSS) <b>{size(memory['rss'])}</b></span>"
    cuda = "".join(
        f"<span>GPU peak, {phase} <b>{size(figures['peak'])}</b></span>"
        for phase, figures in memory.get("cuda", {}).items()
    )
    # Activations are counted from the first step on: only then the two can be compared.
    metered = forecast["metered"] if forecast and memory["activations"] else None
    bars = _parts_bar(memory, whole) if metered is None else _two_bars(memory, metered)
    if forecast and "train" in memory.get("cuda", {}):
        cuda += f"<span>forecast of the GPU peak <b>{size(forecast['peak'])}</b></span>"
    return (
        f"<div class='wb-memory' title='Memory that this run needs: {size(whole)}'>"
        f"{bars}<div class='wb-keys'>{keys}{process}{cuda}</div></div>"
    )


def _two_bars(memory: Mapping[str, Any], metered: Mapping[str, int]) -> str:
    """Draw the forecast above the measured memory, on one scale: the same parts, counted alike."""
    total = sum(metered.values())
    whole = max(memory["peak"], total, 1)
    rows = "".join(
        f"<span>{word}</span>{_parts_bar(parts, whole)}<b>{size(count)}</b>"
        for word, parts, count in (
            ("forecast", metered, total),
            ("measured", memory, memory["peak"]),
        )
    )
    return f"<div class='wb-twobars'>{rows}</div>"


def _parts_bar(parts: Mapping[str, int], whole: int) -> str:
    pieces = segments({part: parts[part] for part in PARTS}, whole)
    return f"<div class='wb-membar'>{pieces}</div>"
