"""The bench without a browser: every click calls what a person can type."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
import sys
import threading

import ipywidgets as widgets
import pytest

from workbench.errors import RecipeError, TrainingError
from workbench.panels import Bench
from workbench.panels.bench.form import RecipeForm
from workbench.panels.bench.inspector import Inspector
from workbench.panels.kernel import preload
from workbench.panels.kernel.ui_loop import Debouncer, UiLoop
from workbench.panels.run.table import figures
from workbench.panels.widgets.fields import Field
from workbench.recipe import FIELDS, Recipe
from workbench.registry.techniques import TECHNIQUES
from workbench.runs.train import train


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
        max_steps=4,
        eval_steps=2,
        per_device_train_batch_size=8,
        max_length=32,
    )


@pytest.fixture
def bench(recipe, tmp_path):
    return Bench(recipe, runs=tmp_path / "runs")


def load_libraries():
    loaded = threading.Event()
    preload.load(loaded.set)
    assert loaded.wait(120)


def settle(bench):
    """Wait until the panel has said all that it has to say."""
    load_libraries()
    bench._libraries_loaded()
    assert bench._debouncer.wait(60)
    assert bench._ui_loop.flush(60)


def inside(widget):
    """List a widget and everything inside it."""
    found = [widget]
    for child in getattr(widget, "children", ()):
        found += inside(child)
    return found


def words(bench):
    """Return all that the panel says by itself."""
    return "\n".join(one.value for one in inside(bench.widget) if isinstance(one, widgets.HTML))


def button(bench, name):
    [found] = [
        one
        for one in inside(bench.widget)
        if isinstance(one, widgets.Button) and one.description == name
    ]
    return found


def click(bench, act, run, **more):
    """Choose an act in the row of a run, as a page does."""
    content = {"act": act, "id": bench._view(run).number, **more}
    bench._table._on_message(bench._table, content, [])
    assert bench._ui_loop.flush(60)


def end(bench):
    """Wait for the newest run, and for the panel to have shown its end."""
    run = bench.runs[-1]
    run._thread.join(120)
    bench._ui_loop.wake()
    assert bench._ui_loop.flush(60)
    return run


def test_it_is_made_and_shown_without_heavy_libraries():
    code = (
        "import sys, workbench as wb; bench = wb.Bench(); bench._debouncer.wait(); "
        "print(*{'torch', 'transformers', 'peft', 'matplotlib', 'pandas'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_recipe_in_recipe_out(bench, recipe):
    assert bench.recipe == recipe
    other = recipe.replace(technique="ia3", learning_rate=0.01)
    bench.recipe = other
    assert bench.recipe == other


def test_what_a_person_changes_is_in_the_recipe(bench, recipe):
    technique, training = bench._form.technique, bench._form.training
    technique.fields["r"]._slider.value = 16
    assert bench.recipe == recipe.replace(r=16)
    assert technique.fields["r"].control.value == "16"
    training.fields["learning_rate"].control.value = "3e-4"
    assert bench.recipe.learning_rate == 3e-4
    training.fields["learning_rate"].control.value = ""
    assert bench.recipe.learning_rate is None
    technique._picker.value = "prompt_tuning"
    assert bench.recipe == recipe.replace(technique="prompt_tuning")
    technique.fields["num_virtual_tokens"]._slider.value = 5
    assert bench.recipe.technique_args == {"num_virtual_tokens": 5}


def test_a_knob_at_its_default_is_not_in_the_recipe(bench):
    bench.recipe = bench.recipe.replace(r=32)
    field = bench._form.technique.fields["r"]
    assert (field.control.value, field._slider.value) == ("32", 32)
    field._slider.value = 8
    assert bench.recipe.technique_args == {}


def test_other_data_brings_its_own_task_and_forgets_columns(bench):
    bench.recipe = bench.recipe.replace(text_column="text")
    bench._form.data._picker.value = "village-qa"
    assert (bench.recipe.data, bench.recipe.task) == ("village-qa", "instruct")
    assert bench.recipe.text_column is None


def test_every_setting_of_a_recipe_has_a_field_once(bench):
    settle(bench)
    for card in bench._form._all:
        folds = [one for one in inside(card.widget) if "wb-fold" in one._dom_classes]
        for fold in folds:
            fold.click()
    pickers = ["model", "data", "task", "technique"]
    fields = [name for card in bench._form._all for name in card.fields]
    assert len(fields) == len(set(fields))
    assert set(FIELDS) - set(pickers) - set(fields) == {"technique_args"}


@pytest.mark.parametrize(
    "name", [one.name for one in TECHNIQUES.values() if one.trainable == "nothing"]
)
def test_where_nothing_is_trained_only_what_is_made_use_of_is_asked_for(bench, recipe, name):
    def offered():
        fields = bench._form.training.fields
        return {name for name, one in fields.items() if one.widget.layout.display != "none"}

    every = offered()
    assert {"learning_rate", "num_train_epochs", "name", "seed"} <= every
    bench.recipe = recipe.replace(technique=name)
    assert offered() == {"name", "seed"}
    for one in inside(bench._form.training.widget):
        if "wb-fold" in one._dom_classes:
            one.click()
    rest = {"name", "seed", "per_device_eval_batch_size", "bf16", "onednn"}
    assert offered() == rest
    # What stands in the way is there to be mended.
    bench.recipe = recipe.replace(technique=name, torch_compile=True, learning_rate=-1)
    assert offered() == rest | {"torch_compile", "learning_rate"}
    bench.recipe = recipe
    assert offered() > every


def test_all_arguments_of_a_technique_reach_the_recipe(bench):
    settle(bench)
    bench._form.technique._fold.toggle()
    fields = bench._form.technique.fields
    assert {"r", "use_rslora", "bias", "target_modules"} <= set(fields)
    fields["use_rslora"].control.value = True
    fields["bias"].control.value = "lora_only"
    fields["target_modules"].control.value = "q_proj, v_proj"
    assert bench.recipe.technique_args == {
        "use_rslora": True,
        "bias": "lora_only",
        "target_modules": ["q_proj", "v_proj"],
    }
    assert "Rank of the update" in fields["r"].widget.children[0].value


def test_the_count_is_there_before_training_and_follows_the_rank(bench):
    settle(bench)
    small = bench._count.widget.value
    bench._form.technique.fields["r"]._slider.value = 16
    settle(bench)
    large = bench._count.widget.value
    run = bench.train().wait()
    assert f"<b>{run.parameters['trainable']:,}</b>" in large
    assert small != large


def test_base_and_data_are_described(bench):
    settle(bench)
    said = words(bench)
    assert "Classification" in said or "classification" in said
    assert "LlamaForCausalLM" not in said  # which few need to know is folded away
    [more] = [one for one in inside(bench._form.base.widget) if "wb-fold" in one._dom_classes]
    more.click()
    assert "LlamaForCausalLM" in words(bench)
    assert "80 training rows" in said
    assert "the film was good number 0" in said
    assert "tokens</summary>" in said


def test_base_and_data_fold_to_a_line_when_training_starts_and_open_again(bench, recipe):
    settle(bench)
    base, data = bench._form.base, bench._form.data
    assert (base.folded, data.folded) == (False, False)
    bench.train().wait()
    for card, chosen in ((base, "parameters"), (data, "80 rows")):
        assert card.folded and card.body.layout.display == "none"
        assert chosen in card._line.value
        [toggle] = [one for one in inside(card.widget) if "wb-toggle" in one._dom_classes]
        assert toggle.description == "Change"
        toggle.click()
        assert not card.folded and card.body.layout.display is None
        assert toggle.description == "Collapse"
    base.fold()
    data.fold()
    bench.recipe = recipe.replace(model="<b>", data="<i>")
    settle(bench)
    assert (base.folded, data.folded) == (False, False)  # what is wrong is to be seen
    assert "<b>&lt;b&gt;</b>" in base._line.value and "<b>&lt;i&gt;</b>" in data._line.value


def test_train_gives_a_run_that_the_panel_follows(bench):
    settle(bench)
    run = bench.train()
    assert bench.runs == [run] and bench.selected is run
    end(bench)
    assert run.state == "finished"
    steps, losses = bench.chart.points("run-0/train")
    assert steps == [1, 2, 3, 4] and losses == run.losses
    assert bench.chart.points("run-0/eval")[0] == [2, 4]
    said = words(bench)
    [row] = bench._table.rows
    assert f"{run.parameters['trainable']:,}" in row["cells"]["trained"]
    assert "4 of 4" in said and "weights" in said and "finished" in said
    assert f"accuracy <b>{view_score(bench):.3f}</b>" in bench._status.head.value


def view_score(bench):
    return bench._views[-1].evaluation.figure("accuracy")


def test_a_run_is_told_from_its_own_steps_that_compiling_could_pay(bench, monkeypatch):
    bench.recipe = bench.recipe.replace(max_steps=8)
    bench.train().wait()
    end(bench)
    assert "torch_compile could save time" not in words(bench)  # it takes longer than these steps
    monkeypatch.setattr("workbench.panels.run.speed_hints.SECONDS", (0, 0))
    bench._ui_loop.wake()
    assert bench._ui_loop.flush(60)
    assert "this run has 8." in words(bench)


def test_a_run_has_the_same_figures_in_the_panel_and_in_a_comparison(bench):
    bench.train().wait()
    end(bench)
    said = figures(bench._views[0])
    [line] = [line for line in str(bench.compare()).splitlines() if line.startswith("lora-rows-1")]
    for head in ("Peak memory", "Training time"):
        assert said[head] in line
    count, share = said["Trainable"].rstrip(")").split(" (")
    assert count in line and share in line


def test_watching_does_not_change_a_bit(bench, recipe, tmp_path):
    settle(bench)
    run = bench.train()
    for rank in range(1, 30):  # counting all the while
        bench.recipe = recipe.replace(r=rank)
    run.wait()
    alone = train(recipe, tmp_path / "alone", progress=False)
    assert run.losses == alone.losses


def test_clicks_do_what_the_methods_do(bench, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    bench.recipe = bench.recipe.replace(max_steps=2000, eval_steps=2000)
    settle(bench)
    button(bench, "Train").click()
    run = bench.selected
    stepped = threading.Event()
    run.subscribe(lambda _, event: event["event"] == "train" and stepped.set())
    assert stepped.wait(60)
    paused = threading.Event()
    run.subscribe(lambda _, event: event.get("state") == "paused" and paused.set())
    button(bench, "Pause").click()
    assert paused.wait(60)
    at = len(run.losses)
    bench._ui_loop.wake()
    assert bench._ui_loop.flush()
    assert not button(bench, "Resume").disabled
    assert len(run.losses) == at
    stepped.clear()
    button(bench, "Resume").click()
    assert stepped.wait(60)
    button(bench, "Stop").click()
    end(bench)
    assert run.state == "stopped"
    button(bench, "Compare").click()
    button(bench, "Export").click()
    assert bench._ui_loop.flush(60)
    assert (tmp_path / f"{run.name}.py").is_file()
    assert ">lora</th>" in bench._results._shown.value  # as it is called in the table
    # What a click did is said beside its button, which is far below the other messages.
    assert f"{run.name}.py" in bench._results.messages.widget.value
    assert bench._messages.widget.value == ""


def test_runs_that_are_in_the_folder_already_are_shown(bench, recipe, tmp_path, monkeypatch):
    done = train(recipe, tmp_path / "runs", progress=False)
    cut = train(recipe, tmp_path / "runs", progress=False)
    (cut.path / "result.json").unlink()
    names = [done.name, cut.name]
    # As after a restart, which forgets all runs.
    monkeypatch.setattr("workbench.panels.run.earlier.started_here", set)
    bench._ipython_display_()
    settle(bench)
    shown = [view.run for view in bench._views]
    assert [run.name for run in shown] == names
    assert [run.state for run in shown] == ["finished", "interrupted"]
    assert figures(bench._views[0])["Metric"] != "–"
    assert bench.chart.points("run-0/train") == ([1.0, 2.0, 3.0, 4.0], done.losses)
    assert bench.runs == []
    monkeypatch.chdir(tmp_path)
    click(bench, "pick", bench._views[1].run)
    settle(bench)
    for name in ("Compare", "Export"):
        assert not button(bench, name).disabled
        button(bench, name).click()
    bench._ipython_display_()  # shown again, it does not show them twice
    settle(bench)
    assert len(bench._views) == 2
    assert "lora (2)" in bench._status.head.value and cut.name in bench._status.head.value
    assert all(f">{name}</th>" in bench._results._shown.value for name in ("lora", "lora (2)"))
    assert (tmp_path / f"{cut.name}.py").is_file()
    new = bench.train()
    end(bench)
    assert [view.run.name for view in bench._views] == [*names, new.name]


def test_runs_of_this_kernel_are_not_taken_for_earlier_ones(recipe, tmp_path):
    run = train(recipe, tmp_path / "runs", progress=False)
    bench = Bench(recipe, runs=tmp_path / "runs")
    bench._ipython_display_()
    settle(bench)
    assert run.ended and bench._views == []


def test_of_many_earlier_runs_the_newest_are_shown(recipe, tmp_path, monkeypatch):
    run = train(recipe.replace(max_steps=1), tmp_path / "runs", progress=False)
    for number in range(10):
        folder = shutil.copytree(run.path, tmp_path / "runs" / f"copy-{number}")
        os.utime(folder / "recipe.yaml", (2e9 + number, 2e9 + number))
    (tmp_path / "runs" / "copy-9" / "recipe.yaml").write_text("{")
    bench = Bench(recipe, runs=tmp_path / "runs")
    monkeypatch.setattr("workbench.panels.run.earlier.started_here", set)
    bench._ipython_display_()
    settle(bench)
    expected = [f"copy-{number}" for number in range(2, 9)]
    assert [view.run.name for view in bench._views][-7:] == expected
    button(bench, "Show 3 of 3 older runs").click()  # one of which is damaged
    assert bench._ui_loop.flush(60)
    assert {view.run.name for view in bench._views} >= {"copy-0", run.name}
    assert bench._older.layout.display == "none"


def test_pause_and_stop_mean_the_run_that_was_clicked(bench):
    bench.recipe = bench.recipe.replace(max_steps=3000, eval_steps=3000)
    settle(bench)
    first, second = bench.train(), bench.train()
    assert bench.selected is second
    bench._ui_loop.wake()
    bench._ui_loop.flush()
    click(bench, "pick", first)
    assert bench.selected is first
    bench.stop()
    first.wait()
    assert (first.state, second.ended) == ("stopped", False)
    second.stop()
    second.wait()
    end(bench)
    assert len(bench._table.rows) == 2


def test_all_problems_are_said_where_they_are_and_go_when_mended(bench, recipe):
    bench.recipe = recipe.replace(r=0, learning_rate=-1.0, warmup_steps=-5)
    settle(bench)
    assert "r must be an integer of at least 1" in bench._form.technique.fields["r"]._message.value
    assert "learning_rate" in bench._form.training.fields["learning_rate"]._message.value
    assert bench._ui_loop.flush()
    assert bench._form.training._fold.open  # its field was folded away
    assert "warmup_steps" in bench._form.training.fields["warmup_steps"]._message.value
    assert bench._messages.widget.value == ""
    button(bench, "Fix 3 settings").click()
    bench._ui_loop.flush()
    assert bench.runs == []
    with pytest.raises(RecipeError, match="r must be"):
        bench.train()
    bench.recipe = recipe
    settle(bench)
    assert "must be" not in words(bench)
    button(bench, "Train")
    bench.train().wait()


@pytest.mark.parametrize(
    ("change", "card", "said"),
    [
        ({"model": "./nowhere"}, "base", "nowhere"),
        ({"data": "no-such.csv"}, "data", "no-such.csv"),
        ({"text_column": "body"}, "data", "body"),
    ],
)
def test_a_base_or_data_that_is_not_there_is_said_in_its_card(bench, recipe, change, card, said):
    bench.recipe = recipe.replace(**change)
    settle(bench)
    assert said in getattr(bench._form, card)._problems.value
    with pytest.raises(RecipeError, match=said):
        bench.train()
    assert bench.runs == []


def test_what_train_finds_is_not_said_twice(bench, recipe):
    bench.recipe = recipe.replace(rnak=4)  # no card has a field for it
    settle(bench)
    button(bench, "Fix 1 setting").click()
    assert bench._ui_loop.flush(60)
    assert (
        bench._messages.widget.value.count(
            "rnak must be a setting of the recipe or an argument of LoRA"
        )
        == 1
    )
    bench.recipe = recipe
    settle(bench)
    assert bench._messages.widget.value == ""


def test_a_mended_file_is_read_again(bench, recipe, rows, tmp_path):
    path = tmp_path / "late.jsonl"
    bench.recipe = recipe.replace(data=str(path))
    settle(bench)
    with pytest.raises(RecipeError):
        bench.train()
    path.write_bytes(rows.read_bytes())
    assert bench.train().wait().state == "finished"


def test_a_run_that_fails_says_why_with_the_details_folded(bench, recipe):
    bench.recipe = recipe.replace(learning_rate=1e30, max_steps=30, max_grad_norm=1e30)
    settle(bench)
    bench.train()
    run = end(bench)
    assert run.state == "failed"
    said = bench._messages.widget.value
    assert "try a learning_rate below" in said
    assert "<details" in said and "Traceback" in said
    bench.recipe = recipe
    bench._ui_loop.flush()
    assert "Traceback" not in bench._messages.widget.value


def test_without_a_run_it_says_what_to_do(bench):
    for act in (bench.pause, bench.resume, bench.stop, bench.export, bench.compare):
        with pytest.raises(TrainingError, match="press Train first"):
            act()


def test_a_picture_is_shown_beside_the_panel_and_kept_up_to_date(bench, monkeypatch):
    shown = []
    monkeypatch.setattr(
        "workbench.panels.run.base_panel.display", lambda widget: shown.append(widget)
    )
    monkeypatch.setattr(
        "workbench.panels.run.snapshot.display", lambda data, **about: shown.append((data, about))
    )
    monkeypatch.setattr(
        "workbench.panels.run.snapshot.update_display",
        lambda data, **about: shown.append((data, about)),
    )
    bench._ipython_display_()
    settle(bench)
    bench.train()
    run = end(bench)
    panel, (first, about), (last, again) = shown
    assert panel is bench.widget
    assert about["display_id"] == again["display_id"]
    assert "<img" not in first["text/html"]
    assert "data:image/png;base64" in last["text/html"] and run.name in last["text/html"]
    assert "finished" in last["text/plain"]


@pytest.mark.parametrize(
    ("hint", "typed", "value"),
    [
        (int, "8", 8),
        (int, "many", "many"),
        (float | None, "1e-3", 0.001),
        (float | None, "", None),
        (str | None, "007", "007"),
        (bool | str, "true", True),
        (list[str] | str | None, "all-linear", "all-linear"),
    ],
)
def test_what_is_typed_becomes_a_value_and_back(hint, typed, value):
    told = []
    field = Field("x", hint, lambda *change: told.append(change))
    field.show("something else")
    field.control.value = typed
    assert told == [("x", value)]
    field.show(None)
    field.show(value)
    assert len(told) == 1


def test_the_pump_is_one_thread_and_outlives_a_job_that_fails():
    threads, failures = set(), []
    ui_loop = UiLoop(lambda: threads.add(threading.current_thread()) or False, failures.append)
    for _ in range(20):
        ui_loop.post(lambda: threads.add(threading.current_thread()))
        ui_loop.post(lambda: 1 / 0)
        ui_loop.wake()
    assert ui_loop.flush()
    assert len(threads) == 1 and threading.current_thread() not in threads
    assert len(failures) == 20


def test_only_the_newest_request_is_worked_on():
    done = []
    debouncer = Debouncer(lambda asked, stale: done.append(asked), pytest.fail, pause=0.05)
    for number in range(50):
        debouncer.ask(number)
    assert debouncer.wait()
    assert done == [49]


def test_looking_up_outlives_what_fails():
    done, failures = [], []
    debouncer = Debouncer(lambda asked, stale: done.append(1 // asked), failures.append, pause=0.01)
    for number in (0, 1):
        debouncer.ask(number)
        assert debouncer.wait(10)
    assert done == [1]
    assert [type(error) for error in failures] == [ZeroDivisionError]


@pytest.mark.parametrize("name", FIELDS)
def test_whatever_a_setting_is_it_is_shown_and_looked_up(recipe, name):
    load_libraries()
    cards, inspector = RecipeForm(print), Inspector(print)
    named = name in ("data", "eval_data")  # made files of, or refused, when a recipe is made
    for value in (3.5, "", "no such thing", *(() if named else (None, ["lm"], {"a": 1}))):
        odd = dataclasses.replace(recipe, **{name: value})
        cards.show(odd)
        said = [str(problem) for problem in inspector.look_up(odd).problems]
        assert {str(problem) for problem in odd.problems()} <= set(said)


def test_odd_settings_do_not_stop_the_panel(bench, recipe):
    odd = {"task": ["lm"], "technique": ["x"], "technique_args": None, "data": 3, "model": ["y"]}
    bench.recipe = dataclasses.replace(recipe, **odd)
    settle(bench)
    labels = ("Task", "Technique", "Data", "Base model")
    assert all(f"{label} must be" in words(bench) for label in labels)
    assert "The panel itself failed" not in words(bench)
    with pytest.raises(RecipeError, match="technique must be a known technique"):
        bench.train()
    bench.recipe = recipe
    settle(bench)
    assert "80 training rows" in words(bench) and "must be" not in words(bench)


def test_while_libraries_load_only_their_arguments_wait():
    code = (
        "import workbench as wb\n"
        "from workbench.panels.bench.inspector import Inspector\n"
        "recipe = wb.Recipe(technique_args={'use_rslora': 'odd', 'r': 0}, learning_rate=-1)\n"
        "print(*(problem.parameter for problem in Inspector(print).look_up(recipe).problems))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["r", "learning_rate"]
