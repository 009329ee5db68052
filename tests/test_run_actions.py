"""The runs of a bench: their names, what can be done with them, and how they are tried."""

from __future__ import annotations

import json
import threading
import time

import pytest

from tests.test_bench import button, click, end, settle
from workbench.errors import StoreError, TrainingError
from workbench.panels import Bench, RacePanel
from workbench.panels.run.ask_worker import AskWorker
from workbench.panels.run.labels import labels
from workbench.panels.run.table import figures
from workbench.recipe import FIELDS, Recipe
from workbench.runs.run import Run
from workbench.runs.shown_as import FILE, ShownAs, delete_run, read_shown_as, write_shown_as
from workbench.runs.train import train


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "rows.jsonl"
    lines = [
        json.dumps({"text": f"the film was {label} number {number}", "label": label})
        for number in range(40)
        for label in ("good", "bad")
    ]
    path.write_text("\n".join(lines))
    return path


@pytest.fixture
def recipe(tiny_llama, rows):
    return Recipe(
        model=str(tiny_llama),
        data=str(rows),
        max_steps=4,
        eval_steps=2,
        per_device_train_batch_size=8,
        max_length=32,
    )


@pytest.fixture
def bench(recipe, tmp_path):
    return Bench(recipe, runs=tmp_path / "runs")


def trained(bench, **changes):
    bench.recipe = bench.recipe.replace(**changes)
    bench.train()
    return end(bench)


def shown(bench):
    bench._ui_loop.wake()
    assert bench._ui_loop.flush(60)
    return {row["name"]: row for row in bench._table.rows}


def charted(bench):
    """Name the runs whose curves are in the chart."""
    return {series.run for series in bench.chart._lines._shown()}


def line(bench, number):
    """Return the curve of a run's training loss."""
    return bench.chart._lines._find(f"run-{number}/train")


def restarted(bench, monkeypatch):
    """Return a bench over the same folder, as after a restart of the kernel."""
    monkeypatch.setattr("workbench.panels.run.earlier.started_here", set)
    other = Bench(bench.recipe, runs=bench._folder)
    other._show_earlier()
    return other


# -- names ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", [name for name, field in FIELDS.items() if field.metadata["group"] == "training"]
)
def test_whatever_differs_is_in_the_name(name):
    recipe, default = Recipe(), FIELDS[name].default
    other = {bool: not default, str: "adafactor"}.get(type(default), 7)
    [one, two], _ = labels([recipe, recipe.replace(**{name: other})], [None, None])
    assert one != two and name in two and str(other).lower() in two.lower()


def test_no_two_runs_have_one_name():
    recipe = Recipe()
    recipes = [recipe, recipe, recipe.replace(name="mine"), recipe.replace(technique="ia3")]
    names, _ = labels(recipes, [None, None, None, "mine"])
    assert names == ["lora", "lora (2)", "mine", "mine (2)"]
    assert labels([], []) == ([], [])


def test_a_name_is_no_longer_than_it_must_be_and_what_differs_is_said_below_it(bench):
    first = trained(bench)
    second = trained(bench, r=16, max_steps=5, seed=3)
    rows = shown(bench)
    assert [rows[run.name]["label"] for run in (first, second)] == ["lora r=8", "lora r=16"]
    assert rows[second.name]["differs"] == "r 16 · max_steps 5 · seed 3"


def test_names_follow_what_is_there(bench):
    first = trained(bench)
    assert shown(bench)[first.name]["label"] == "lora"
    second = trained(bench, r=16)
    assert [row["label"] for row in shown(bench).values()] == ["lora r=8", "lora r=16"]
    assert shown(bench)[second.name]["differs"] == second.name  # where it is on disk
    assert bench.chart._lines._find("run-1/train").label == "lora r=16"
    bench.delete(first)
    assert shown(bench)[second.name]["label"] == "lora"


def test_a_name_is_kept_in_the_folder_and_there_after_a_restart(bench, monkeypatch):
    run = trained(bench)
    click(bench, "rename", run, value="  my first\ntry ")
    row = shown(bench)[run.name]
    assert row["label"] == "my first try"
    assert read_shown_as(run.path) == ShownAs("my first try")
    assert run.path.name == "lora-rows-1"
    again = restarted(bench, monkeypatch)
    assert [view.label for view in again._views] == ["my first try"]
    click(bench, "rename", run, value="")
    assert shown(bench)[run.name]["label"] == "lora"
    click(bench, "rename", run, value="x" * 81)
    assert "at most 80 characters" in bench._messages.widget.value
    assert bench.runs == [run]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"label": 7, "hidden": "yes"}'])
def test_a_damaged_name_says_nothing(text, tmp_path):
    (tmp_path / FILE).write_text(text)
    assert read_shown_as(tmp_path) == ShownAs()
    write_shown_as(tmp_path, ShownAs("good", True))
    assert read_shown_as(tmp_path) == ShownAs("good", True)


# -- hide and delete ------------------------------------------------------------------------------


def test_a_compared_run_keeps_the_colour_of_its_row(bench, monkeypatch):
    first, second = trained(bench), trained(bench, seed=1)
    bench.hide(first)
    compared = []
    monkeypatch.setattr(bench._results, "show", compared.append)
    bench.compare()
    colour = shown(bench)[second.name]["colour"]
    assert [entry.colour for entry in compared[0].entries] == [colour]
    assert colour != bench._views[0].colour
    (axes, _) = compared[0].plot().axes
    assert colour in {line.get_color() for line in axes.lines}


def test_a_hidden_run_is_in_neither_chart_nor_comparison_and_comes_back(bench, monkeypatch):
    first, second = trained(bench), trained(bench, r=16)
    points = bench.chart.points("run-0/train")
    colour = line(bench, 0).colour
    click(bench, "hide", first)
    assert shown(bench)[first.name]["hidden"]
    assert "run-0" not in charted(bench)
    assert [entry.name for entry in bench.compare().entries] == [second.name]
    third = trained(bench, r=4)  # with a colour of its own
    again = restarted(bench, monkeypatch)
    assert [view.hidden for view in again._views] == [True, False, False]
    assert charted(again) == {"run-1", "run-2"}
    click(bench, "show", first)
    assert not shown(bench)[first.name]["hidden"]
    assert bench.chart.points("run-0/train") == points
    assert line(bench, 0).colour == colour
    assert len({line(bench, number).colour for number in range(3)}) == 3
    names = [entry.name for entry in bench.compare().entries]
    assert names == [first.name, second.name, third.name]


def test_a_run_that_trains_is_not_deleted(bench):
    bench.recipe = bench.recipe.replace(max_steps=3000, eval_steps=3000)
    run = bench.train()
    with pytest.raises(TrainingError, match="stop it before you delete it"):
        bench.delete(run)
    assert shown(bench)[run.name]["acts"]["delete"] == "Stop it first"
    assert run.path is None or run.path.is_dir()
    run.stop()
    end(bench)


def test_a_deleted_run_is_gone_and_nothing_else(bench, tmp_path):
    first, second = trained(bench), trained(bench, r=16)
    before = {path for path in tmp_path.rglob("*") if first.path not in (path, *path.parents)}
    assert str(first.path) in shown(bench)[first.name]["question"]
    bench.selected = first
    click(bench, "delete", first)
    assert not first.path.exists()
    assert {path for path in tmp_path.rglob("*")} == before
    assert list(shown(bench)) == [second.name]
    assert bench.runs == [second] and bench.selected is second
    assert "run-0" not in charted(bench)
    third = trained(bench, r=4)
    assert [row["id"] for row in shown(bench).values()] == [1, 2]  # numbers are not used again
    with pytest.raises(TrainingError, match="not in this panel"):
        bench.delete(first)
    bench.delete(second)
    bench.delete(third)
    assert shown(bench) == {} and bench.selected is None


def test_the_question_says_who_started_from_a_run(bench):
    run = trained(bench)
    bench.clone(run)
    trained(bench)
    assert "1 other run started from its weights." in shown(bench)[run.name]["question"]


@pytest.mark.parametrize("kind", ["outside", "link", "no run", "nested", "the folder of runs"])
def test_only_a_folder_of_a_run_is_deleted(kind, recipe, tmp_path):
    root = tmp_path / "runs"
    run = train(recipe.replace(max_steps=1), root, progress=False)
    other = train(recipe.replace(max_steps=1), tmp_path / "others", progress=False)
    path = {
        "outside": other.path,
        "link": root / "link",
        "no run": run.path / "adapter",
        "nested": root / ".." / "others" / other.path.name,
        "the folder of runs": root,
    }[kind]
    if kind == "link":
        path.symlink_to(other.path)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(StoreError, match="Only a run's own folder"):
        delete_run(path, root)
    assert sorted(tmp_path.rglob("*")) == before


# -- used again -----------------------------------------------------------------------------------


def test_the_settings_of_a_run_come_back_into_the_form(bench, recipe):
    run = trained(bench, r=16, learning_rate=3e-4, name="mine")
    bench.recipe = recipe
    click(bench, "use", run)
    assert bench.recipe == run.recipe.replace(name=None)
    assert bench._form.technique.fields["r"].control.value == "16"


def test_a_run_is_continued_from_its_weights(bench):
    run = trained(bench)
    recipe = bench.clone(run)
    assert recipe.start_from == str(run.path.resolve() / "at-step-4")
    assert bench.recipe == recipe
    later = trained(bench)
    assert later.state == "finished"
    assert later.losses[0] != run.losses[0]
    assert shown(bench)[later.name]["label"] == "lora from lora-rows-1"


def test_what_cannot_be_used_again_says_why(bench, monkeypatch):
    run = trained(bench)
    again = restarted(bench, monkeypatch)
    [view] = again._views
    assert "not in memory" in again._acts(view)["clone"]
    with pytest.raises(TrainingError, match="not in memory"):
        again.clone(view.run)
    assert again.use_settings(view.run) == run.recipe


# -- scores ---------------------------------------------------------------------------------------


def test_the_majority_baseline_is_beside_the_accuracy(bench):
    run = trained(bench)
    counts = run.plan["eval_label_counts"]
    share = max(counts.values()) / sum(counts.values())
    assert shown(bench)[run.name]["notes"]["score"] == f"majority baseline {share:.2f}"
    assert figures(bench._views[0])["Metric"].endswith(f" · majority baseline {share:.2f}")
    row = shown(bench)[run.name]
    assert row["share"] == run.parameters["trainable"] / run.parameters["total"]
    assert row["sort"]["score"] == run.evaluations[-1]["accuracy"]


@pytest.mark.parametrize("evaluate", [True, False], ids=["evaluated", "at once"])
@pytest.mark.parametrize(("eval_steps", "words"), [(2, "at step 2 of 3"), (50, "before its first")])
def test_a_stopped_run_has_a_score_or_says_how_old_it_is(eval_steps, words, evaluate, bench):
    bench.recipe = bench.recipe.replace(max_steps=1000, eval_steps=eval_steps)
    run = Run(bench.recipe, bench._folder)

    def stop(run, event):
        if event["event"] == "train" and event["step"] == 3:
            run.stop(evaluate)

    run.subscribe(stop)
    bench.follow(run)
    end(bench)
    assert run.state == "stopped" and len(run.losses) == 3
    row = shown(bench)[run.name]
    assert (words in row["notes"]["score"]) is not evaluate
    assert ("accuracy" in row["cells"]["score"]) is (evaluate or eval_steps == 2)
    stale = " at step 2<" if eval_steps == 2 else " not evaluated<"
    at = "</b></span>" if evaluate else stale
    assert at in bench._status.head.value


def test_while_a_stopped_run_is_evaluated_stop_skips_that(bench):
    bench.recipe = bench.recipe.replace(
        max_steps=1000, eval_steps=500, per_device_eval_batch_size=1
    )
    run = Run(bench.recipe, bench._folder)
    stop, seen = bench._status.buttons["Stop"], []

    def watch(run, event):
        if event["event"] == "train" and event["step"] == 3:
            stop.click()
            stop.click()  # a double click is one stop
        if event["event"] == "evaluating" and event["done"] == 1:
            bench._ui_loop.wake()
            deadline = time.monotonic() + 30
            while stop.description == "Stop" and time.monotonic() < deadline:
                time.sleep(0.01)
            seen.append((bench._views[0].state, stop.description))
            stop.click()

    run.subscribe(watch)
    bench.follow(run)
    end(bench)
    assert seen == [("evaluating before stopping", "Stop now")]
    assert run.state == "stopped" and not run.evaluations
    shown(bench)
    assert (stop.description, stop.disabled) == ("Stop", True)


# -- compare and export ---------------------------------------------------------------------------


def test_export_says_of_which_run_and_asks_before_a_file_is_replaced(bench, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first, second = trained(bench), trained(bench, r=16)
    bench.selected = first
    shown(bench)
    assert bench._results._path.description == "Script of lora r=8"
    assert bench._results._path.placeholder == f"{first.name}.py"
    script = tmp_path / f"{first.name}.py"
    script.write_text("mine")
    button(bench, "Export").click()
    assert bench._ui_loop.flush(60)
    assert script.read_text() == "mine"
    assert bench._results._question.layout.display is None
    assert "exists already" in bench._results._asked.value
    button(bench, "Keep it").click()
    assert bench._results._question.layout.display == "none"
    assert script.read_text() == "mine"
    button(bench, "Export").click()
    button(bench, "Replace").click()
    assert bench._ui_loop.flush(60)
    assert "def train(" in script.read_text()
    assert bench._results._question.layout.display == "none"
    assert bench.export(second).name == f"{second.name}.py"


def test_a_race_in_the_bench_is_compared_exported_and_asked_by_the_bench(
    bench, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    run = trained(bench)
    bench.recipe = bench.recipe.replace(r=2)
    member = bench.add_to_race()
    bench.race.start()
    bench.race.wait()
    panel = RacePanel.of(bench.race)
    panel._ui_loop.wake()
    assert panel._ui_loop.flush(60)
    for widget in (panel._results.widget, panel._try_it):
        assert "wb-elsewhere" in widget._dom_classes
    names = [entry.name for entry in bench.compare().entries]
    assert names == [run.name, member.name]
    panel._on_row("pick", 0)
    shown(bench)
    assert member.name in bench._results._path.description
    bench._results.buttons["Export"].click()
    assert (tmp_path / f"{member.name}.py").is_file()
    assert {one["label"] for one in bench._try_it.runs} == {"lora", member.name}


# -- try it ---------------------------------------------------------------------------------------


def tell(bench, **content):
    bench._try_it._on_message(bench._try_it, content, [])
    assert bench._try_it.worker.wait(60)
    assert bench._ui_loop.flush(60)
    return bench._try_it


def test_a_run_is_asked_and_its_examples_are_answered(bench):
    settle(bench)
    run = trained(bench)
    assert bench._try_it.worker.wait(60)
    shown(bench)
    panel = bench._try_it
    assert panel.layout.display is None and panel.chosen == id(run)
    assert len(panel.examples) == 6 and all(row["run"] and row["base"] for row in panel.examples)
    for row in panel.examples:
        assert row["run"]["right"] == (row["run"]["labels"][0][0] == row["expected"])
    tell(bench, act="ask", content="the film was good")
    assert panel.answer["state"] == "done"
    assert panel.answer["run"]["labels"][0][0] == run.ask("the film was good").label
    assert "not trained" in panel.answer["base"]["note"]
    tell(bench, act="example", place=1)
    assert panel.answer["question"] == panel.examples[1]["question"]
    tell(bench, act="ask", content="  ")
    assert panel.answer["state"] == "failed" and "must be a text" in panel.answer["note"]


def test_an_earlier_run_is_asked_too(bench, monkeypatch):
    settle(bench)
    run = trained(bench)
    again = restarted(bench, monkeypatch)
    shown(again)
    assert again._try_it.worker.wait(60)
    tell(again, act="ask", content="the film was good")
    mine = run.ask("the film was good").run
    label, probability = again._try_it.answer["run"]["labels"][0]
    assert label == mine.label and probability == pytest.approx(mine.probabilities[label], abs=1e-4)
    assert all(row["run"] is None for row in again._try_it.examples)
    tell(again, act="examples")
    assert all(row["run"] for row in again._try_it.examples)


def test_another_run_can_be_chosen(bench):
    settle(bench)
    first, second = trained(bench), trained(bench, r=16)
    shown(bench)
    assert bench._try_it.chosen == id(second)
    tell(bench, act="choose", id=id(first))
    assert bench._try_it.chosen == id(first)
    assert bench._try_it.answer["state"] == ""
    assert bench._ui_loop.flush(60) and bench._try_it.worker.wait(60)
    assert bench._ui_loop.flush(60)
    assert len(bench._try_it.examples) == 6
    bench.hide(first)
    shown(bench)
    assert bench._try_it.chosen == id(second)


def test_a_panel_that_asks_does_not_change_a_bit(bench, recipe, tmp_path):
    settle(bench)
    bench.recipe = recipe.replace(max_steps=40, eval_steps=20)
    run = bench.train()
    while not run.ended:
        shown(bench)
        bench._try_it.ask("the film was good")
        bench._try_it.worker.wait(60)
    end(bench)
    assert run.losses == train(bench.recipe, tmp_path / "alone", progress=False).losses


def test_a_question_comes_before_examples_which_come_after_it():
    done, begun, goes_on = [], threading.Event(), threading.Event()

    def example(name):
        def work(is_cancelled):
            begun.set()
            while not is_cancelled() and not goes_on.is_set():
                goes_on.wait(0.01)
            if not is_cancelled():
                done.append(name)

        return work

    worker = AskWorker(done.append)
    worker.fill([example("one"), example("two")])
    assert begun.wait(10)
    worker.ask(lambda is_cancelled: (done.append("question"), goes_on.set()))
    assert worker.wait(10)
    assert done == ["question", "one", "two"]


def test_what_is_cancelled_is_not_done():
    done, begun = [], threading.Event()

    def long(is_cancelled):
        begun.set()
        while not is_cancelled():
            threading.Event().wait(0.01)

    worker = AskWorker(done.append)
    worker.fill([long, lambda _: done.append("example")])
    assert begun.wait(10)
    worker.cancel()
    assert worker.wait(10) and done == []
    begun.clear()
    worker.ask(long)
    assert begun.wait(10)
    worker.ask(lambda _: done.append("newer"))
    assert worker.wait(10) and done == ["newer"]
    worker.ask(lambda _: 1 / 0)
    assert worker.wait(10) and isinstance(done[1], ZeroDivisionError)
