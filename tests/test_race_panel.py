"""The panel of a race without a browser: every click calls what a person can type."""

from __future__ import annotations

import html
import json
import subprocess
import sys
import time

import ipywidgets as widgets
import pytest

from tests.test_bench import inside
from workbench.errors import RecipeError
from workbench.panels import Bench, RacePanel
from workbench.panels.race.grid_form import parse
from workbench.panels.run.recipe_diff import differences
from workbench.race.halving import SuccessiveHalving
from workbench.race.race import Race
from workbench.recipe import Recipe
from workbench.runs import step_scheduler


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    """A file of rows that are learnt in a moment."""
    path = tmp_path_factory.mktemp("data") / "rows.jsonl"
    words = {"good": "the film was good", "bad": "the film was bad"}
    lines = [
        json.dumps({"text": f"{text} number {number}", "label": label})
        for number in range(40)
        for label, text in words.items()
    ]
    path.write_text("\n".join(lines))
    return path


@pytest.fixture
def recipe(tiny_llama, rows):
    return Recipe(
        model=str(tiny_llama),
        data=str(rows),
        max_steps=6,
        eval_steps=3,
        max_train_samples=32,
        max_eval_samples=8,
        max_length=32,
    )


@pytest.fixture
def race(recipe, tmp_path):
    made = Race(
        [recipe, recipe.replace(r=16), recipe.replace(technique="ia3")],
        tmp_path / "runs",
        fuse=False,
    )
    yield made
    if made.state != "ready":
        made.stop()
        made.wait(60)


@pytest.fixture
def panel(race):
    return RacePanel.of(race)


def settle(panel):
    """Wait until the panel has shown all there is."""
    panel._ui_loop.wake()
    assert panel._ui_loop.flush(60)


def click(panel, act, number):
    """Click a control in a row, as the page tells of it."""
    panel._run_list._handle_custom_msg({"act": act, "id": number}, [])
    settle(panel)


def until(true, what, patience=60):
    end = time.monotonic() + patience
    while not true():
        assert time.monotonic() < end, what
        time.sleep(0.02)


def test_a_race_has_one_panel_and_its_rows_before_it_starts(race, panel):
    assert RacePanel.of(race) is panel
    shown = panel._run_list.rows
    assert [row["differs"] for row in shown] == ["lora · r 8", "r 16", ""]
    assert shown[2]["name"] == "ia3"  # which its name says already
    assert {row["word"] for row in shown} == {"waiting"}
    assert len({row["colour"] for row in shown}) == 3


def test_start_and_the_end_of_a_race(race, panel):
    panel._header.buttons["Start"].click()
    race.wait(120)
    settle(panel)
    shown = panel._run_list.rows
    assert {row["word"] for row in shown} == {"finished"}
    assert min(row["place"] for row in shown) == 1
    assert all(row["loss"] and row["score"] and row["memory"] for row in shown)
    by_hand = {standing.run.name: standing.place for standing in race.leaderboard()}
    assert {row["name"]: row["place"] for row in shown} == by_hand
    for number, run in enumerate(race.members):
        xs, ys = panel.chart.points(f"run-{number}/train")
        assert (xs, ys) == ([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], run.losses)
    assert panel._header.buttons["Stop all"].disabled
    panel._results.buttons["Compare"].click()
    settle(panel)
    assert race.members[1].name in panel._results._shown.value
    click(panel, "pick", 2)
    assert panel.selected is race.members[2]
    assert race.members[2].name in panel._status.head.value


def test_each_run_and_all_can_be_paused_resumed_and_stopped(recipe, tmp_path):
    race = Race(
        [recipe.replace(max_steps=5000, eval_steps=5000, seed=seed) for seed in (0, 1)],
        tmp_path / "runs",
    )
    panel = RacePanel.of(race)
    panel._header.buttons["Start"].click()
    first, second = race.members
    until(lambda: first.losses and second.losses, "both train")
    click(panel, "pause", 0)
    until(lambda: first.state == "paused", "the first rests")
    settle(panel)
    assert panel._run_list.rows[0]["word"] == "paused"
    click(panel, "resume", 0)
    until(lambda: first.state == "running", "the first goes on")
    settle(panel)
    going = panel._header.buttons["Start"]
    assert going.description == "Pause all"
    going.click()
    until(lambda: race.state == "paused", "all rest")
    settle(panel)
    assert going.description == "Resume all"
    going.click()
    click(panel, "stop", 1)
    until(lambda: second.ended, "the second is over")
    assert not first.ended
    panel._header.buttons["Stop all"].click()
    race.wait(60)
    settle(panel)
    assert [row["word"] for row in panel._run_list.rows] == ["stopped", "stopped"]


def test_clone_and_change_offers_what_differs_first(race, panel):
    click(panel, "clone", 1)
    form = panel._clone_form
    assert form.widget.layout.display is None
    assert next(iter(form.fields)) == "r"
    form.fields["r"].control.value = "4"
    form.fields["learning_rate"].control.value = "1e-3"
    form.go.click()
    settle(panel)
    assert form.widget.layout.display == "none"
    clone = race.members[-1]
    assert clone.recipe.technique_args == {"r": 4} and clone.recipe.learning_rate == 1e-3
    assert panel._run_list.rows[-1]["differs"] == "r 4 · learning_rate 0.001"


def test_a_clone_can_begin_from_the_weights_of_a_run(race, panel):
    race.start()
    race.wait(120)
    settle(panel)
    click(panel, "clone", 0)
    form = panel._clone_form
    form.begin.value = "the current weights"
    form.fields["learning_rate"].control.value = "1e-4"
    form.go.click()
    settle(panel)
    race.wait(120)
    settle(panel)
    last = panel._run_list.rows[-1]
    came = f"from {race.members[0].name} at step 6"
    assert set(last["differs"].split(" · ")) == {"learning_rate 0.0001", came}
    assert last["word"] == "finished"


def test_what_a_clone_cannot_be_is_said(race, panel):
    click(panel, "clone", 0)
    panel._clone_form.fields["r"].control.value = "0"
    panel._clone_form.go.click()
    settle(panel)
    assert "r must be" in panel._messages.widget.value
    assert len(race.members) == 3


def test_a_grid_in_one_line(race, panel):
    panel._grid.offer()
    panel._grid.line.value = "learning_rate=1e-4, 3e-4; r=2, 4"
    settle(panel)
    assert panel._grid.go.description == "Add 4 runs"
    panel._grid.go.click()
    until(lambda: len(race.members) == 7, "the runs are added")
    added = [(run.recipe.learning_rate, run.recipe.technique_args["r"]) for run in race.members[3:]]
    assert added == [(1e-4, 2), (1e-4, 4), (3e-4, 2), (3e-4, 4)]
    panel._grid.line.value = "no_such_knob=1, 2"
    settle(panel)
    assert "no_such_knob" in panel._grid._text.value and panel._grid.go.disabled


def test_techniques_are_picked_for_the_line_and_taken_out_again(race, panel):
    grid = panel._grid
    grid.offer()
    assert grid.techniques.layout.display == "none"
    grid.knob.value = "technique"
    assert grid.techniques.layout.display is None
    for name in ("lora", "ia3", "dora"):
        grid.techniques.value = name
    assert (grid.line.value, grid.techniques.value) == ("technique=lora, ia3, dora", "")
    grid.techniques.value = "ia3"
    assert grid.techniques.chosen == ["lora", "dora"]
    assert "<svg" in grid.techniques._picture("vera")
    panel._ui_loop.flush()
    assert grid.go.description == "Add 2 runs"
    grid.line.value = "r=2, 4"
    assert grid.techniques.layout.display == "none"


def test_a_large_grid_asks_first(race, panel):
    panel._grid.line.value = f"seed={', '.join(map(str, range(65)))}"
    settle(panel)
    assert panel._grid.go.description == "Add 65 runs"
    panel._grid.go.click()
    until(lambda: panel._grid.go.description == "Add them all", "it asks")
    assert "GB of memory" in panel._grid._text.value
    assert len(race.members) == 3
    with pytest.raises(RecipeError, match="sure must be True for 65"):
        panel.add_grid(seed=list(range(65)))
    panel._grid.go.click()
    until(lambda: len(race.members) == 68, "all are added")


@pytest.mark.parametrize("line", ["learning_rate", "=1, 2", "r=", "r=[1, 2"])
def test_a_line_that_is_no_grid_says_how_one_is_written(line):
    with pytest.raises(RecipeError, match="write for example"):
        parse(line, Recipe())


def test_rules_are_set_until_they_are_fixed(race, panel):
    panel._header.turns.value = "tokens"
    panel._header.workers.value = "1"
    assert panel._header.fuse.value == "never"
    panel._header.fuse.value = "where it pays"
    assert (race.turns, race.workers, race.fuse) == ("tokens", 1, None)
    panel._header.workers.value = "none at all"
    settle(panel)
    assert "workers must be" in panel._messages.widget.value
    race.start()
    until(lambda: race.state != "ready", "it is on its way")
    settle(panel)
    fixed = (panel._header.turns, panel._header.workers, panel._header.fuse)
    assert all(control.disabled for control in fixed)


def test_the_rule_of_halving_is_shown_and_off(race, panel, monkeypatch):
    # On a busy machine a run may be over before the others come to where they are judged.
    monkeypatch.setattr(step_scheduler, "PATIENCE", 10.0)
    assert race.halving is None and not panel._header.halving.value
    settle(panel)
    assert panel._header._rule.value == ""  # no sentence about what is off
    panel._header.halving.value = True
    settle(panel)
    assert str(race.halving) in html.unescape(panel._header._rule.value)
    panel._header.halving.value = False
    settle(panel)
    assert race.halving is None and panel._header._rule.value == ""
    panel._header.halving.value = True
    race.start()
    race.wait(120)
    settle(panel)
    stopped = [row for row in panel._run_list.rows if row["word"] == "stopped"]
    assert stopped and all("Stopped after" in row["reason"] for row in stopped)


def test_a_run_that_loses_at_its_last_step_is_finished(race, panel, monkeypatch):
    monkeypatch.setattr(step_scheduler, "PATIENCE", 10.0)
    race.rule(halving=SuccessiveHalving(at=[2]))  # the second evaluation is at the last step
    race.start()
    race.wait(120)
    settle(panel)
    shown = panel._run_list.rows
    assert {row["word"] for row in shown} == {"finished"}
    assert {row["reason"] for row in shown} == {""}
    assert all(row["score"] for row in shown)


def test_notes_are_folded_behind_their_number(race, panel):
    race.start()
    race.wait(120)
    settle(panel)
    shown = panel._header._notes.value
    count = len([note for note in race.notes if note != str(race.halving)])
    assert count > 1 and f"<details class='wb-notes'><summary>{count} notes</summary>" in shown
    assert shown.count("<details") == 1 and " open" not in shown


def test_rows_bring_what_they_are_sorted_by(race, panel):
    race.start()
    race.wait(120)
    settle(panel)
    for row, run in zip(panel._run_list.rows, race.members, strict=True):
        assert set(row["values"]) >= {"place", "run", "progress", "loss", "score", "left", "memory"}
        assert row["values"]["loss"] == run.losses[-1]
        assert row["values"]["memory"] == run.memory["peak"]
        json.dumps(row, allow_nan=False)


def test_a_run_that_is_added_or_fails_is_in_the_table(race, panel, recipe):
    race.add(recipe.replace(learning_rate=1e30, max_grad_norm=1e30, max_steps=30))
    race.start()
    race.wait(120)
    settle(panel)
    last = panel._run_list.rows[-1]
    assert last["word"] == "failed" and "learning_rate" in last["reason"]
    assert last["place"] is None
    click(panel, "pick", 3)
    assert "Traceback" in panel._messages.widget.value
    click(panel, "pick", 0)
    assert "Traceback" not in panel._messages.widget.value


def test_the_bench_lines_runs_up(recipe, tmp_path, monkeypatch):
    bench = Bench(recipe, runs=tmp_path / "runs")
    revealed = []
    monkeypatch.setattr(bench._frame, "reveal", revealed.append)
    [add] = [
        one
        for one in inside(bench.widget)
        if isinstance(one, widgets.Button) and one.description == "Add to race"
    ]
    add.click()
    assert revealed == [".wb-race-box"]
    bench.recipe = recipe.replace(technique="ia3")
    add.click()
    assert len(revealed) == 1  # whoever adds several is not led away each time
    assert bench._ui_loop.flush(60)
    assert "2 runs" in bench._messages.widget.value
    assert [run.recipe.technique for run in bench.race.members] == ["lora", "ia3"]
    panel = RacePanel.of(bench.race)
    assert panel.widget in bench._race.widget.children
    assert bench.race.state == "ready"
    bench.race.start().wait(120)
    settle(panel)
    settle(bench)
    # One Compare and one Export, for the runs of the bench and those of the race.
    assert "wb-elsewhere" in panel._results.widget._dom_classes
    assert not bench._results.buttons["Compare"].disabled
    assert len(bench.compare()) == 2
    alone = bench.train().wait()
    settle(bench)
    assert len(bench.compare()) == 3
    assert bench._exported() is alone
    click(panel, "pick", 1)
    assert bench._exported() is bench.race.members[1]
    bench._pick(alone)
    assert bench._exported() is alone
    add.click()
    assert len(bench.race.members) == 1  # the next race
    assert len(revealed) == 2


def test_a_notebook_shows_a_race_as_its_panel():
    code = """
import IPython
from ipykernel.zmqshell import ZMQInteractiveShell
shell = ZMQInteractiveShell.instance()
shell.kernel = None
import sys, workbench as wb
print("workbench.panels" in sys.modules)
race = wb.Race([wb.Recipe(max_steps=2), wb.Recipe(max_steps=2, technique="ia3")])
class Panel:
    def _ipython_display_(self):
        print("shown")
wb.RacePanel.of = lambda shown: Panel() if shown is race else None
shell.display_formatter.format(race)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "shown"], done.stderr


def test_few_words_for_what_differs():
    recipe = Recipe()
    assert differences([recipe]) == [""]
    assert differences([recipe.replace(name="a"), recipe.replace(name="b")]) == ["", ""]
    changed = recipe.replace(learning_rate=3e-4)
    assert differences([recipe.replace(learning_rate=1e-4), changed]) == [
        "learning_rate 0.0001",
        "learning_rate 0.0003",
    ]


def test_long_curves_are_looked_at_less_often(race, panel):
    race.start()
    race.wait(120)
    settle(panel)
    assert panel._period() == 1.0  # curves that began a moment ago move far in a second
    panel.chart.add_series("old/train", "old")
    panel.chart.append("old/train", [10_000_000], [1.0])
    assert panel._period() == 3.0
