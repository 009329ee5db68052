"""The header of the race panel: the progress of the race, its controls and its rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ipywidgets as widgets

from workbench.display.html import esc, facts
from workbench.display.units import number, time
from workbench.panels.kernel import subshell_patch
from workbench.panels.run.run_view import STATE_NAMES
from workbench.panels.run.status import folded_notes, make_button, name_button
from workbench.panels.widgets import parsing
from workbench.panels.widgets.fields import Fold
from workbench.panels.widgets.help import Help, with_help
from workbench.race.halving import SuccessiveHalving
from workbench.race.leaderboard import Standing
from workbench.race.race import FUSE, Race
from workbench.runs.step_scheduler import TURNS

TOOLTIPS = {
    "Start": "Start all runs; the notebook stays usable",
    "Pause all": "Pause every run after its current step",
    "Resume all": "Continue every run",
    "Stop all": "End every run after its current step, evaluate it, and save the trained weights",
    "Stop all now": "End every run without its evaluation; the trained weights are saved",
}
# What its rules are, by what they are called.
HELP = {
    help.name: help
    for help in (
        Help(
            "give each run equal",
            "How computing time is divided between the runs: all get the same number of steps, "
            "tokens or seconds.",
            default="steps",
            allowed=", ".join(TURNS),
        ),
        Help(
            "runs at a time",
            "Number of runs that take a step at the same time.",
            default="empty: one per core, one on a GPU",
            allowed="an integer of at least 1, or left empty",
            unit="runs",
        ),
        Help(
            "train LoRA runs in one batch",
            "Plain LoRA runs with the same base can share the forward and backward pass; "
            "choose never if the losses must stay the same to the last bit.",
            default=next(iter(FUSE)),
            allowed=", ".join(FUSE),
        ),
        Help(
            "Stop the worst runs early",
            "Successive halving: at set steps the runs with the worst metric are stopped, and the "
            "others go on.",
            default="off",
            allowed="on or off",
        ),
    )
}
# What the first button does next, by the state of the race; while it is running, it pauses.
GOING = {"ready": "Start", "paused": "Resume all"}


class RaceHeader:
    """Progress, controls and rules of a race. Its text is written by the UI loop only.

    Parameters
    ----------
    race : Race
    acts : mapping
        What a button does, by its word of ``TOOLTIPS``.
    change : callable
        Called with the name and the value of a rule that a person has changed.
    """

    def __init__(
        self,
        race: Race,
        acts: Mapping[str, Callable[[], object]],
        change: Callable[[str, Any], object],
    ):
        self._race = race
        self._text = widgets.HTML()
        # One button begins, pauses and continues: none that ends the race is where it was begun.
        going = make_button("Start", TOOLTIPS["Start"], lambda: acts[going.description]())
        stop = make_button("Stop all", TOOLTIPS["Stop all"], lambda: acts[stop.description]())
        stop.add_class("wb-ending")
        self.buttons = {"Start": going, "Stop all": stop}
        bar = widgets.HBox(list(self.buttons.values()))
        bar.add_class("wb-controls")
        top = widgets.Box([self._text, bar])
        top.add_class("wb-status-top")
        about = {"style": {"description_width": "auto"}}
        self.turns = widgets.Dropdown(
            description="give each run equal",
            options=list(TURNS),
            value=race.turns,
            **about,
        )
        self.workers = widgets.Text(
            description="runs at a time",
            value=parsing.write(race.workers),
            placeholder="automatic",
            continuous_update=False,
            **about,
        )
        self.fuse = widgets.Dropdown(
            description="train LoRA runs in one batch",
            options=list(FUSE),  # in words: None as a value would show as nothing chosen
            value=next(word for word, value in FUSE.items() if value is race.fuse),
            **about,
        )
        rule = SuccessiveHalving() if race.halving is None else race.halving
        self.halving = widgets.Checkbox(
            value=race.halving is not None, indent=False, description="Stop the worst runs early"
        )
        self._rule = widgets.HTML()
        self.turns.observe(lambda event: change("turns", event["new"]), "value")
        self.workers.observe(
            lambda event: change("workers", parsing.read(event["new"], int | None)), "value"
        )
        self.fuse.observe(lambda event: change("fuse", FUSE[event["new"]]), "value")
        self.halving.observe(
            lambda event: change("halving", rule if event["new"] else None), "value"
        )
        halving = with_help(self.halving, HELP[self.halving.description])
        stopping = widgets.Box([halving, self._rule])
        stopping.add_class("wb-stopping")
        # For those who know why they would change it.
        more = Fold("More: how the runs share the computer", self._sharing)
        self._notes = widgets.HTML()
        self._notes.add_class("wb-race-notes")
        rules = widgets.VBox([stopping, more.widget, self._notes])
        rules.add_class("wb-rules")
        self.widget = widgets.VBox([top, rules])
        self.widget.add_class("wb-race-head")
        subshell_patch.answer_while_busy(list(self.buttons.values()))

    def _sharing(self) -> list[widgets.Widget]:
        controls = (self.turns, self.workers, self.fuse)
        return [with_help(control, HELP[control.description]) for control in controls]

    def show(self, leaderboard: Sequence[Standing]) -> None:
        """Show the race as it is now."""
        state = self._race.state
        self._set(self._text, _describe(self._race, state, leaderboard))
        rule = self._race.halving
        self._set(self._rule, "" if rule is None else f"<p class='wb-quiet'>{esc(rule)}</p>")
        # The rule of halving is shown next to its checkbox.
        self._set(self._notes, folded_notes([n for n in self._race.notes if n != str(rule)]))
        going = self.buttons["Start"]
        name_button(going, GOING.get(state, "Pause all"), TOOLTIPS)
        (going.add_class if state == "ready" else going.remove_class)("wb-start")
        going.disabled = state == "ended"
        stop = self.buttons["Stop all"]
        is_stopping = all(run.stopping for run in self._race.members if not run.ended)
        name_button(
            stop, "Stop all now" if is_stopping and state != "ended" else "Stop all", TOOLTIPS
        )
        stop.disabled = state in ("ready", "ended")
        for control in (self.turns, self.workers, self.fuse):
            control.disabled = state != "ready"
        self.halving.disabled = state == "ended"

    @staticmethod
    def _set(widget: widgets.HTML, text: str) -> None:
        if widget.value != text:
            widget.value = text


def _describe(race: Race, state: str, leaderboard: Sequence[Standing]) -> str:
    runs = [standing.run for standing in leaderboard]
    steps = sum(run.progress[0] for run in runs)
    total = sum(run.progress[1] for run in runs)
    # A run that has ended takes no more steps, even if it was stopped early.
    over = sum(run.progress[1] - run.progress[0] for run in runs if run.ended)
    done = 100 * steps / (total - over) if total > over else 0
    states = Counter("stopping" if run.stopping else STATE_NAMES[run.state] for run in runs)
    count = f"{len(runs)} run{'s' * (len(runs) != 1)}"
    what = ", ".join(f"{number} {word}" for word, number in states.items())
    going = [one for one in leaderboard if not (one.run.ended or one.run.stopping)]
    left = [standing.left for standing in going if standing.left]
    any_finished = any(run.state == "finished" for run in runs)
    bar = state if state != "ended" else "finished" if any_finished else "stopped"
    return (
        f"<div class='wb-run'><strong>Race of {count}</strong>"
        f"<span class='wb-state wb-{state}'>{esc(what)}</span></div>"
        f"<div class='wb-bar' role='progressbar' aria-label='Progress of the race' "
        f"aria-valuemin='0' aria-valuemax='100' aria-valuenow='{done:.0f}'>"
        f"<i class='wb-{bar}' style='width:{done:.1f}%'></i>"
        f"</div>{facts(_figures(leaderboard, left, steps, total))}"
    )


def _figures(
    leaderboard: Sequence[Standing], left: Sequence[float], steps: int, total: int
) -> list[tuple[str, str]]:
    first = next((standing for standing in leaderboard if standing.place == 1), None)
    leader = "–"
    if first is not None and first.score is not None:
        leader = f"{first.run.name}, {first.metric.replace('_', ' ')} {number(first.score, 3)}"
    return [
        ("Steps in total", f"{steps:,} of {total:,}" if total else "–"),
        ("Time left", time(max(left)) if left else "–"),
        ("Leading", leader),
    ]
