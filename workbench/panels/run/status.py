"""The status of the selected run: its progress, speed and memory, and its controls."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import ipywidgets as widgets

from workbench.display.html import esc, facts
from workbench.display.memory_bar import memory_bar
from workbench.display.units import number, time
from workbench.panels.run.run_view import RunView
from workbench.panels.run.speed_hints import compile_hint, onednn_hint
from workbench.registry.tasks import ALL_TASKS

PAUSE = {"Pause": "Pause after the current step", "Resume": "Continue training"}
STOP = {
    "Stop": "End after the current step, evaluate, and save the trained weights. Interrupting the "
    "kernel does not stop a run.",
    "Stop now": "End without the evaluation; the trained weights are saved",
}
_NO_RUN = (
    "<div class='wb-no-run'><strong>No run yet</strong></div><div class='wb-bar'></div>"
    "<p class='wb-quiet'>Press Train: the run and its figures are shown here.</p>"
)


class RunStatus:
    """The selected run: where it stands, what there is to know about it, its controls.

    Written by the UI loop only.

    Parameters
    ----------
    pause, resume, stop, stop_now : callable
        What the buttons do.

    Attributes
    ----------
    head : widgets.HTML
        Name, state, verdict, metric, progress and figures: always as high, so that nothing below it moves.
    details : widgets.HTML
        What is wrong with the run, and its notes.
    memory : widgets.HTML
        What was measured of its memory.
    controls : widgets.HBox
        Its buttons.
    top : widgets.Box
        The head and the controls.
    widget : widgets.VBox
        All of them together, once there is a run.
    """

    def __init__(
        self,
        pause: Callable[[], object],
        resume: Callable[[], object],
        stop: Callable[[], object],
        stop_now: Callable[[], object],
    ):
        self.head = widgets.HTML(_NO_RUN)
        self.head.add_class("wb-run-head")
        self.details = widgets.HTML()
        self.details.add_class("wb-run-details")
        self.memory = widgets.HTML()
        acts = {"Pause": pause, "Resume": resume, "Stop": stop, "Stop now": stop_now}
        # One button for two acts: it keeps its place, and the focus of the keyboard. What it does is what
        # it says when it is clicked: the second of two quick clicks on Stop skips nothing.
        self._going = make_button("Pause", PAUSE["Pause"], lambda: acts[self._going.description]())
        self._ending = make_button("Stop", STOP["Stop"], lambda: acts[self._ending.description]())
        self._ending.add_class("wb-ending")
        self.buttons = {"Pause": self._going, "Stop": self._ending}
        for button in self.buttons.values():
            button.disabled = True
        self.controls = widgets.HBox(list(self.buttons.values()))
        self.controls.add_class("wb-controls")
        self.top = widgets.Box([self.head, self.controls])
        self.top.add_class("wb-status-top")
        self.widget = widgets.VBox(
            [self.top, self.details, self.memory], layout={"display": "none"}
        )
        self.widget.add_class("wb-status")

    def show(self, view: RunView) -> None:
        """Show a run as it is now."""
        run = view.run
        memory = memory_bar(None, run.memory) if run.memory else ""
        texts = ((self.head, _head(view)), (self.details, _details(view)), (self.memory, memory))
        for widget, text in texts:
            if text != widget.value:
                widget.value = text
        name_button(self._going, "Resume" if run.state == "paused" else "Pause", PAUSE)
        name_button(self._ending, "Stop now" if run.stopping else "Stop", STOP)
        self._going.disabled = run.ended or run.stopping
        self._ending.disabled = run.ended
        self.widget.layout.display = None

    def clear(self) -> None:
        """Show that there is no run, as before the first one."""
        self.head.value, self.details.value, self.memory.value = _NO_RUN, "", ""
        for button in self.buttons.values():
            button.disabled = True


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


def _head(view: RunView) -> str:
    run = view.run
    step, total = run.progress
    word = view.state
    if view.evaluating and not run.ended:
        word += f", batch {view.evaluating.done} of {view.evaluating.total}"
    done = 100 * step / total if total else 0
    return (
        f"<div class='wb-run'><strong title='{esc(run.name)}'>{esc(view.label)}</strong>"
        f"<span class='wb-state {view.css}'>{esc(word)}</span>{_verdict(view)}{_metric(view)}</div>"
        f"<div class='wb-bar' role='progressbar' aria-label='Progress of {esc(view.label)}' "
        f"aria-valuemin='0' aria-valuemax='{total}' aria-valuenow='{step}'>"
        f"<i class='{view.css}' style='width:{done:.1f}%'></i></div>{facts(_figures(view))}"
    )


def _verdict(view: RunView) -> str:
    return f"<span class='wb-verdict'>{esc(view.verdict)}</span>" if view.verdict else ""


def _metric(view: RunView) -> str:
    """Write the result: the task's own metric at the latest evaluation."""
    metric = ALL_TASKS[view.run.recipe.task].metric
    score = view.evaluation.figure(metric) if view.evaluation else None
    words = esc(metric.replace("_", " "))
    at = "" if view.score_step is None else f" at step {view.score_step:,}"
    if score is None and view.run.ended and view.run.progress[0]:
        at = " not evaluated"
    return (
        f"<span class='wb-score'>{words} <b>{'–' if score is None else number(score, 3)}</b>{at}"
        "</span>"
    )


def _details(view: RunView) -> str:
    run = view.run
    warning = str(run.diagnosis or "")
    notes = [
        *(note for note in run.notes if note != warning),
        *compile_hint(run.recipe, run.plan, run.progress[1], view.first, view.pace),
        *onednn_hint(run.recipe, run.plan, view.pace),
    ]
    wrong = f"<p class='wb-warning' role='status'>{esc(warning)}</p>" if warning else ""
    return f"{wrong}{_ranks(view)}{folded_notes(notes)}"


def folded_notes(notes: Sequence[str]) -> str:
    """Fold notes, which nobody has to act on, behind their number.

    Examples
    --------
    >>> folded_notes(["One."])
    "<details class='wb-notes'><summary>1 note</summary><p class='wb-note'>One.</p></details>"
    >>> folded_notes([])
    ''
    """
    if not notes:
        return ""
    lines = "".join(f"<p class='wb-note'>{esc(note)}</p>" for note in notes)
    summary = f"{len(notes)} note{'s' * (len(notes) != 1)}"
    return f"<details class='wb-notes'><summary>{summary}</summary>{lines}</details>"


def _figures(view: RunView) -> list[tuple[str, str]]:
    run, train = view.run, view.train
    step, total = run.progress
    if run.ended:
        spent = ("Training time", time(train.seconds) if train else "–")
    elif run.stopping:
        spent = ("Time left", "–")
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
