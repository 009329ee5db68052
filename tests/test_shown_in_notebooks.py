"""What a notebook shows of recipes, runs, comparisons and errors, in a real kernel."""

from __future__ import annotations

import nbformat
import pytest
from nbclient import NotebookClient

CELLS = [
    (
        "import workbench as wb\n"
        "recipe = wb.Recipe(technique='lora', r=4, max_steps=3, max_length=32, max_train_samples=24,\n"
        "                   max_eval_samples=8)\n"
        "recipe"
    ),
    "run = wb.train(recipe)",
    "run",
    "other = wb.train(recipe.replace(technique='ia3', max_steps=2))",
    "comparison = wb.compare(run, other)\ncomparison",
    "comparison.plot()",
    "comparison.diff()",
    "wb.compatible('village-3m', 'oft')",
    "def check(rate):\n    return wb.Recipe(learning_rate=rate, rr=3).check()\ncheck(-1)",
]


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    """The outputs of each cell."""
    folder = tmp_path_factory.mktemp("shown")
    notebook = nbformat.v4.new_notebook(cells=list(map(nbformat.v4.new_code_cell, CELLS)))
    resources = {"metadata": {"path": str(folder)}}
    NotebookClient(
        notebook, kernel_name="python3", allow_errors=True, resources=resources
    ).execute()
    return [cell.outputs for cell in notebook.cells]


def data(outputs, mime):
    return [output.data[mime] for output in outputs if mime in output.get("data", {})]


def test_a_recipe_is_a_line_that_makes_it_again(outputs):
    (text,) = data(outputs[0], "text/plain")
    assert text.startswith("Recipe(model='village-3m', data='reviews', task='classify', ")
    assert "r=4" in text and "None" not in text


@pytest.mark.parametrize("cell", [1, 2, 3])
def test_a_run_is_a_live_card_and_leaves_a_picture(outputs, cell):
    assert len(data(outputs[cell], "application/vnd.jupyter.widget-view+json")) == 1
    (page,) = (html for html in data(outputs[cell], "text/html") if "workbench-snapshot" in html)
    assert "data:image/png;base64," in page and "finished" in page


@pytest.mark.parametrize("cell", range(len(CELLS)))
def test_nothing_is_in_a_red_box_but_errors(outputs, cell):
    assert [output for output in outputs[cell] if output.get("name") == "stderr"] == []


def test_a_comparison_says_what_is_not_like_with_like(outputs):
    (page,) = data(outputs[4], "text/html")
    assert ("Not like with like: the runs differ in steps (2 / 3)." in page) == ("★ best" in page)


def test_a_plot_as_the_last_line_is_a_picture(outputs):
    assert len(data(outputs[5], "image/png")) == 1


def test_settings_that_a_run_lacks_are_empty_cells(outputs):
    (page,) = data(outputs[6], "text/html")
    assert "NaN" not in page and "lora_alpha" in page


def test_compatibility_is_a_sentence(outputs):
    (text,) = data(outputs[7], "text/plain")
    assert text.startswith("OFT works with this base (task: Language modelling): it would train ")


def test_an_error_shows_the_lines_of_the_user_and_the_sentences(outputs):
    (error,) = outputs[8]
    assert error.traceback == [
        "Line 3 of this cell: check(-1)",
        "Line 2 of this cell: return wb.Recipe(learning_rate=rate, rr=3).check()",
        (
            "RecipeError: rr must be a setting of the recipe or an argument of LoRA, but is 'rr': did you mean 'r'?\n"
            "learning_rate must be a number above 0 (or None), but is -1."
        ),
    ]
