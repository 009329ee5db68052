"""Data of one's own whose columns are not understood: rows, menus and a proposal in place of a riddle."""

from __future__ import annotations

import csv
import threading

import ipywidgets as widgets
import pytest

from workbench.panels import Bench
from workbench.panels.kernel import preload
from workbench.recipe import Recipe
from workbench.sources.datasets.load import guess_task, load
from workbench.sources.datasets.propose import propose
from workbench.sources.run_length import planned_steps, training_rows

MOODS = ("happy", "sad")


def settle(bench):
    """Wait until the panel has said all that it has to say."""
    loaded = threading.Event()
    preload.load(loaded.set)
    assert loaded.wait(120)
    bench._libraries_loaded()
    assert bench._debouncer.wait(60)
    assert bench._ui_loop.flush(60)


def opinions(n=40):
    return [
        {"nr": n, "said": f"what a {n}th day this was", "mood": MOODS[n % 2], "who": f"p{n}"}
        for n in range(n)
    ]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "opinions.csv"
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, ["nr", "said", "mood", "who"])
        writer.writeheader()
        writer.writerows(opinions())
    return path


@pytest.mark.parametrize(
    ("rows", "task", "columns"),
    [
        (opinions(), "classify", {"text": "said", "label": "mood"}),
        ([{"a": "what is it then?", "b": "it is a cat"}], "instruct", {"prompt": "a", "completion": "b"}),
        ([{"line": "to be or not to be"}], "lm", {"text": "line"}),
        ([{"text": "so it is", "label": 1}], "classify", {"text": "text", "label": "label"}),
    ],
)  # fmt: skip
def test_a_proposal_is_made_of_names_or_of_values(rows, task, columns):
    proposal = propose(rows)
    assert (proposal.task, proposal.columns) == (task, columns)


def test_nothing_is_proposed_for_numbers():
    assert propose([{"x": n, "y": n / 2} for n in range(9)]) is None


def test_a_file_of_ones_own_is_understood_in_two_clicks(tiny_llama, file, tmp_path):
    bench = Bench(Recipe(model=str(tiny_llama), max_length=32), runs=tmp_path / "runs")
    settle(bench)
    bench._form.data._picker.value = str(file)
    settle(bench)
    card = bench._form.data
    assert "opinions.csv" in card._problems.value
    assert card._fold.open and card._choice.widget.layout.display is None
    assert all(f"<th scope='col'>{name}</th>" in card._choice._text.value for name in opinions()[0])
    menu = card.fields["text_column"].control
    assert isinstance(menu, widgets.Dropdown) and menu.label == "detected by its name"
    assert [value for _, value in menu.options] == ["", "nr", "said", "mood", "who"]
    # Only the columns that the task needs are asked for.
    asked = {name for name, field in card.fields.items() if field.widget.layout.display != "none"}
    assert {name for name in asked if name.endswith("_column")} == {"text_column", "label_column"}
    assert bench._train.widget.description == "Fix 1 setting"
    card._choice._button.click()
    settle(bench)
    assert (bench.recipe.task, bench.recipe.text_column, bench.recipe.label_column) == (
        "classify",
        "said",
        "mood",
    )
    assert card._problems.value == "" and card._choice.widget.layout.display == "none"
    assert bench._train.widget.description == "Train"
    assert "majority baseline 50% accuracy (always “happy”)" in card._rows.value


def test_a_menu_keeps_a_column_that_is_not_there_to_be_corrected(tiny_llama, file, tmp_path):
    recipe = Recipe(model=str(tiny_llama), data=str(file), label_column="mod", text_column="said")
    bench = Bench(recipe, runs=tmp_path / "runs")
    settle(bench)
    field = bench._form.data.fields["label_column"]
    assert field.control.value == "mod"
    field.control.value = "mood"
    settle(bench)
    assert bench.recipe.label_column == "mood" and bench._form.data._problems.value == ""


def test_the_length_of_a_run_is_known_before_it(tiny_llama, file, tmp_path):
    recipe = Recipe(
        model=str(tiny_llama),
        data=str(file),
        label_column="mood",
        text_column="said",
        max_length=32,
    )
    bench = Bench(recipe, runs=tmp_path / "runs")
    settle(bench)
    table = load(str(file), "classify", label_column="mood", text_column="said")
    steps = planned_steps(recipe, training_rows(recipe, table))
    training = bench._form.training
    assert training.fields["max_steps"].control.placeholder == f"set by the epochs ({steps})"
    run = bench.train()
    run.wait()
    assert len(run.losses) == steps
    bench.recipe = recipe.replace(max_steps=3)
    epochs = training.fields["num_train_epochs"]
    assert (
        epochs.control.disabled and "Set by max_steps: 3 steps." in epochs.widget.children[0].value
    )
    bench.recipe = recipe.replace(max_steps=3, num_train_epochs=-1)
    assert not epochs.control.disabled  # it must be corrected
    bench.recipe = recipe
    assert not epochs.control.disabled


def test_a_task_is_guessed_where_the_names_say_it(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("question,answer\nwhat is it,a cat\n")
    assert guess_task(str(path)) == propose([{"question": "what is it", "answer": "a cat"}]).task


def test_a_menu_says_which_column_was_detected(tiny_llama, tmp_path):
    bench = Bench(Recipe(model=str(tiny_llama), max_length=32), runs=tmp_path / "runs")
    settle(bench)
    card = bench._form.data
    card._fold.toggle()
    assert card.fields["text_column"].control.label == "text (detected)"
    assert card.fields["text_column"].control.value == "" and bench.recipe.text_column is None
