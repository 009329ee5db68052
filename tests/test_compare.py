"""Comparisons: honest tables of runs in any state, figures one can read, settings that differ."""

from __future__ import annotations

import io
import itertools
import json
import math
import subprocess
import sys

import pytest
from matplotlib.colors import to_rgb
from matplotlib.text import Text
from PIL import Image

import workbench as wb
from workbench.errors import RecipeError, StoreError, WorkbenchError
from workbench.recipe import Recipe
from workbench.registry.techniques import TECHNIQUES
from workbench.runs.run_folder import RunFolder
from workbench.training.events import Evaluation, Memory, Parameters, State, TrainStep

METRICS = {"classify": "accuracy", "instruct": "exact_match", "lm": "perplexity"}


def write_run(
    root,
    name,
    quality=0.9,
    *,
    state="finished",
    trainable=1000,
    steps=4,
    error=None,
    plan=None,
    **settings,
):
    """Leave the folder that a run leaves; with ``state=None`` that of a run that was killed."""
    recipe = Recipe(name=name, **settings)
    folder = RunFolder(root, recipe)
    folder.write_plan({"max_steps": 4, **(plan or {})})
    folder.append(State("running"))
    folder.append(Parameters(trainable, 10_000, {"injected": 5}))
    for step in range(1, steps + 1):
        folder.append(Memory(step, {"peak": 1_000_000 * step, "rss": 5}))
        folder.append(TrainStep(step, 1 / step, tokens=100 * step, seconds=0.5 * step))
    if steps and quality is not None:
        metric = METRICS[recipe.task]
        for step, value in ((steps // 2, quality / 2), (steps, quality)):
            folder.append(Evaluation(step, 0.25, {metric: value}, seconds=9.0))
    if state is not None:
        result = {"state": state, "error": error, "adapter_bytes": 2048 if steps else 0}
        folder.finish(result)
    folder.close()
    return folder.path


def line_of(comparison, name):
    [line] = [line for line in str(comparison).splitlines() if line.startswith(f"{name} ")]
    return line


def test_the_table_says_what_a_run_cost_and_gave(tmp_path):
    write_run(tmp_path, "small", 0.75)
    text = str(wb.compare(tmp_path)).splitlines()
    assert text[0].split("  ")[0] == "run"
    for heading in ("technique", "trainable", "accuracy", "eval loss", "peak memory", "on disk"):
        assert heading in text[0]
    for figure in ("LoRA", "1,000", "10.00%", "0.7500", "0.2500", "4.0 MB", "2.0 s", "2.0 kB"):
        assert figure in text[2]
    assert "state" not in text[0]


@pytest.mark.parametrize(("task", "winner"), [("classify", "b"), ("instruct", "b"), ("lm", "a")])
def test_the_best_is_marked_in_the_right_direction(task, winner, tmp_path):
    for name, quality in (("a", 0.25), ("b", 0.75)):
        write_run(tmp_path, name, quality, task=task)
    comparison = wb.compare(tmp_path)
    assert ["★" in line_of(comparison, name) for name in "ab"] == [winner == "a", winner == "b"]
    direction = "lower" if task == "lm" else "higher"
    assert f"★ best ({METRICS[task].replace('_', ' ')}, {direction} is better)" in str(comparison)
    assert comparison.frame.set_index("run")["best"].to_dict() == {
        "a": winner == "a",
        "b": winner == "b",
    }


def test_ties_share_the_mark_and_one_run_alone_has_none(tmp_path):
    write_run(tmp_path / "two", "a", 0.5)
    assert "★" not in str(wb.compare(tmp_path / "two"))
    write_run(tmp_path / "two", "b", 0.5)
    assert str(wb.compare(tmp_path / "two")).count("★") == 3


def test_runs_that_did_not_finish_are_listed_but_never_the_best(tmp_path):
    write_run(tmp_path, "whole", 0.5)
    write_run(tmp_path, "other", 0.4)
    write_run(tmp_path, "killed", 0.9, state=None, steps=2)
    write_run(tmp_path, "broken", None, state="failed", steps=0, error="Training stopped: why.")
    write_run(tmp_path, "halted", 0.95, state="stopped", steps=2)
    comparison = wb.compare(tmp_path)
    assert "★" in line_of(comparison, "whole")
    assert line_of(comparison, "whole").endswith("finished")
    assert line_of(comparison, "killed").endswith("interrupted, step 2 of 4")
    assert line_of(comparison, "broken").endswith("failed, step 0 of 4")
    assert line_of(comparison, "halted").endswith("stopped, step 2 of 4")
    assert str(comparison).count("★") == 2
    assert str(comparison).endswith("broken: Training stopped: why.")


def test_no_finished_run_is_a_table_of_states(tmp_path):
    write_run(tmp_path, "broken", None, state="failed", steps=0)
    comparison = wb.compare(tmp_path)
    assert "failed" in line_of(comparison, "broken")
    assert math.isnan(comparison.frame["quality"].astype(float)[0])
    with pytest.raises(WorkbenchError, match="nothing to plot, as no run has taken a step yet"):
        comparison.plot()
    assert "<img" not in comparison.to_html()


def test_different_tasks_have_columns_and_ranks_of_their_own(tmp_path):
    for name, task, quality in (
        ("a", "classify", 0.5),
        ("b", "classify", 0.6),
        ("c", "lm", 30.0),
        ("d", "lm", 20.0),
        ("e", "instruct", 0.1),
    ):
        write_run(tmp_path, name, quality, task=task)
    comparison = wb.compare(tmp_path)
    head = str(comparison).splitlines()[0]
    assert [m in head for m in ("accuracy", "perplexity", "exact match", "task and data")] == [
        True
    ] * 4
    assert ["★" in line_of(comparison, name) for name in "abcde"] == [
        False,
        True,
        False,
        True,
        False,
    ]
    assert "among runs with the same task and data" in str(comparison)
    frame = comparison.frame.set_index("run")
    assert frame["metric"].to_list() == ["accuracy"] * 2 + ["perplexity"] * 2 + ["exact_match"]
    assert frame["quality"].to_list() == [0.5, 0.6, 30.0, 20.0, 0.1]
    assert frame["accuracy"].notna().to_list() == [True, True, False, False, False]
    assert frame.loc["d", "perplexity"] == 20.0


def test_other_data_is_another_question(tmp_path):
    write_run(tmp_path, "a", 0.5, data="reviews")
    write_run(tmp_path, "b", 0.9, data="support")
    assert "★" not in str(wb.compare(tmp_path))
    assert "Classification: support" in line_of(wb.compare(tmp_path), "b")


SPLIT, OWN = {"data": {"eval": None}}, {"data": {"eval": "test.jsonl"}}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"plan": SPLIT, "seed": 0}, {"plan": SPLIT, "seed": 1}),
        ({"plan": SPLIT, "eval_fraction": 0.1}, {"plan": SPLIT, "eval_fraction": 0.2}),
        ({"plan": SPLIT}, {"plan": OWN}),
        ({"plan": {"columns": {"text": "review"}}}, {"plan": {"columns": {"text": "title"}}}),
        ({"data_revision": "a"}, {"data_revision": "b"}),
        ({"task": "lm", "revision": "a"}, {"task": "lm", "revision": "b"}),
        ({"task": "lm", "plan": {"max_length": 512}}, {"task": "lm", "max_length": 16}),
        ({"task": "instruct", "max_length": 64}, {"task": "instruct", "max_length": 16}),
        ({"task": "instruct", "max_new_tokens": 64}, {"task": "instruct", "max_new_tokens": 16}),
    ],
)
def test_runs_that_were_asked_something_else_are_not_ranked(one, other, tmp_path):
    write_run(tmp_path, "a", 0.5, **one)
    write_run(tmp_path, "b", 0.9, **other)
    assert "★" not in str(wb.compare(tmp_path))
    write_run(tmp_path, "c", 0.7, **one)
    assert "★" in str(wb.compare(tmp_path))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"plan": OWN, "seed": 0}, {"plan": OWN, "seed": 1}),
        ({"max_length": 16}, {}),  # a label is asked for, however much of the text is read
        ({"revision": "a"}, {"revision": "b"}),
        ({"text_column": "text"}, {}),
        (
            {"task": "lm", "plan": {"max_length": 512}},
            {
                "task": "lm",
                "technique": "prompt_tuning",
                "plan": {"max_length": 496, "config": {"num_virtual_tokens": 16}},
            },
        ),
    ],
)
def test_runs_that_were_asked_the_same_are_ranked(one, other, tmp_path):
    columns = {"columns": {"text": "text"}}
    for name, settings in (("a", one), ("b", other)):
        plan = {**columns, **settings.get("plan", {})}
        write_run(tmp_path, name, 0.5, **{**settings, "plan": plan})
    # One that has no plan yet can still be asked the same.
    unplanned = wb.Run(Recipe(name="later", **{k: v for k, v in one.items() if k != "plan"}))
    assert "★" in str(wb.compare(tmp_path, unplanned))
    assert "task and data" not in str(wb.compare(tmp_path, unplanned))


def test_the_split_is_named_where_it_differs(tmp_path):
    for seed in (0, 1):
        write_run(tmp_path, f"seed-{seed}", plan=SPLIT, seed=seed)
    assert "10% held out with seed 1" in line_of(wb.compare(tmp_path), "seed-1")


def test_the_base_is_named_where_it_differs(tmp_path):
    write_run(tmp_path, "a", model="village-3m")
    write_run(tmp_path, "b", model="village-3m")
    assert "village-3m" not in str(wb.compare(tmp_path))
    write_run(tmp_path, "c", model="owner/other")
    assert "village-3m" in line_of(wb.compare(tmp_path), "a")
    assert " other " in line_of(wb.compare(tmp_path), "c")


def test_runs_records_and_folders_are_the_same(tiny_llama, tmp_path):
    rows = [{"text": f"the film was {word}", "label": word} for word in ("good", "bad")] * 10
    data = tmp_path / "rows.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    recipe = Recipe(model=str(tiny_llama), data=str(data), max_steps=2, eval_steps=1)
    runs = [
        wb.train(recipe.replace(technique=name), tmp_path / "runs", progress=False)
        for name in ("lora", "head_only")
    ]
    whole = wb.compare(tmp_path / "runs")
    frame = whole.frame
    for sources in (
        [runs],
        runs,
        [run.record() for run in runs],
        [run.path for run in runs],
        [str(runs[0].path), runs[1]],
        [(source for source in (runs[0], runs[1].record()))],
    ):
        comparison = wb.compare(*sources)
        assert str(comparison) == str(whole)
        assert comparison.frame.equals(frame)
    for row, run in zip(frame.to_dict("records"), runs, strict=True):
        assert row["run"] == run.name
        assert row["trainable_parameters"] == run.parameters["trainable"]
        assert row["quality"] == row["accuracy"] == run.evaluations[-1]["accuracy"]
        assert row["train_loss"] == run.losses[-1]
        assert row["peak_memory_bytes"] == run.memory["peak"]
        files = (run.path / "adapter").rglob("*")
        assert row["adapter_bytes"] == sum(file.stat().st_size for file in files)


def test_a_run_that_was_not_started_is_ready(tmp_path):
    run = wb.Run(Recipe(name="later"), tmp_path)
    assert line_of(wb.compare(run), "later").endswith("ready")


def test_equal_names_are_told_apart_by_their_folders(tmp_path):
    for folder in ("old", "new"):
        write_run(tmp_path / folder, "same")
    assert list(wb.compare(tmp_path / "old", tmp_path / "new").frame["run"]) == [
        "old/same",
        "new/same",
    ]


def test_diff_has_only_what_differs(tmp_path):
    own = {name: TECHNIQUES[name].learning_rate for name in ("lora", "ia3")}
    write_run(tmp_path, "a", technique_args={"r": 4}, seed=1)
    write_run(tmp_path, "b", technique_args={"r": 16}, learning_rate=own["lora"], seed=1)
    write_run(tmp_path, "c", technique="ia3", seed=1)
    frame = wb.compare(tmp_path).diff()
    assert list(frame.index) == ["a", "b", "c"]
    assert "seed" not in frame
    assert "name" not in frame
    assert frame["r"].to_list()[:2] == [4, 16]
    assert math.isnan(frame.loc["c", "r"])
    assert frame["learning_rate"].to_list() == [own["lora"], own["lora"], own["ia3"]]
    pair = wb.compare(tmp_path / "a", tmp_path / "b").diff()
    assert list(pair.columns) == ["r"]
    assert wb.compare(tmp_path / "a").diff().shape == (1, 0)


def test_plot_draws_every_loss_and_every_run(tmp_path):
    for i, name in enumerate("abc"):
        write_run(tmp_path, name, 0.5 + i / 10, trainable=10 ** (i + 2))
    left, right = wb.compare(tmp_path).plot().axes
    lines = [line for line in left.lines if line.get_label() in "abc"]
    assert [list(line.get_ydata()) for line in lines] == [[1, 1 / 2, 1 / 3, 1 / 4]] * 3
    evaluations = [line for line in left.lines if line.get_linestyle() == "--"]
    assert [list(line.get_xdata()) for line in evaluations] == [[2, 4]] * 3
    assert right.get_xscale() == "log"
    points = [(line.get_xdata()[0], line.get_ydata()[0]) for line in right.lines]
    assert points == [(100, 0.5), (1000, 0.6), (10_000, 0.7)]
    assert [text.get_text() for text in left.get_legend().texts] == ["a", "b", "c"]
    assert {text.get_text() for text in right.texts} == {"a", "b", "c"}


def test_plot_does_not_make_noise_look_like_progress_and_has_the_baseline(tmp_path):
    for name, quality in (("a", 0.50), ("b", 0.51)):
        write_run(tmp_path, name, quality, plan={"eval_label_counts": {"good": 11, "bad": 9}})
    _, right = wb.compare(tmp_path).plot().axes
    low, high = right.get_ylim()
    assert high - low > 0.1 and low < 0.5 and high > 0.55
    [baseline] = [line for line in right.lines if list(line.get_ydata()) == [0.55, 0.55]]
    assert "majority baseline" in {text.get_text() for text in right.texts}
    assert baseline.get_linewidth() < 1


def test_plot_has_a_row_for_each_question(tmp_path):
    write_run(tmp_path, "a", 0.5)
    write_run(tmp_path, "b", 12.0, task="lm")
    axes = wb.compare(tmp_path).plot().axes
    assert [one.get_ylabel() for one in axes[1::2]] == [
        "accuracy (higher is better)",
        "perplexity (lower is better)",
    ]


def test_plot_of_a_run_without_evaluation_says_so(tmp_path):
    write_run(tmp_path, "a", None, state=None)
    _, right = wb.compare(tmp_path).plot().axes
    assert [text.get_text() for text in right.texts] == ["not evaluated yet"]


def contrast(one, other):
    """Return the ratio of two colours' luminances, as WCAG has it."""

    def luminance(colour):
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    dark, light = sorted(map(luminance, (to_rgb(one), to_rgb(other))))
    return (light + 0.05) / (dark + 0.05)


def test_the_picture_reads_on_light_and_on_dark_pages(tmp_path):
    write_run(tmp_path, "a", 0.5)
    write_run(tmp_path, "b", 12.0, task="lm")
    figure = wb.compare(tmp_path).plot()
    with Image.open(io.BytesIO(figure._repr_png_()[0])) as picture:
        assert picture.convert("RGBA").getpixel((0, 0))[3] == 0
    words = [text for text in figure.findobj(Text) if text.get_text()]
    assert len(words) > 20
    for text in words:
        for page in ("#ffffff", "#111111"):
            assert contrast(text.get_color(), page) > 3, text


@pytest.mark.parametrize("spread", [0.0, 1e-4, 0.02])
def test_labels_lie_neither_on_one_another_nor_on_points(spread, tmp_path):
    for i in range(12):
        name = f"a-rather-long-name-{i}"
        write_run(tmp_path, name, 0.8 + spread * (i % 4), trainable=int(50_000 * 1.3 ** (i % 3)))
    figure = wb.compare(tmp_path).plot()
    right = figure.axes[1]
    figure.canvas.draw()
    texts = [text for text in right.texts if text.get_text()]
    assert len(texts) == 12
    boxes = [text.get_window_extent() for text in texts]
    for one, other in itertools.combinations(boxes, 2):
        assert not one.overlaps(other)
    for line in right.lines:
        [(x, y)] = right.transData.transform(line.get_xydata())
        assert not any(box.contains(x, y) for box in boxes)
    frame = figure.bbox
    assert all(frame.x0 <= box.x0 and box.x1 <= frame.x1 for box in boxes)


def test_html_escapes_names_and_marks_the_best(tmp_path):
    write_run(tmp_path, "plain", 0.5)
    path = write_run(tmp_path, "other", 0.7, error="<b>bold</b>")
    path.rename(tmp_path / "<i>other")
    html = wb.compare(tmp_path)._repr_html_()
    assert "&lt;i&gt;other" in html
    assert "&lt;b&gt;bold&lt;/b&gt;" in html
    assert "<i>" not in html
    assert html.count("wb-best'>") == 1
    assert "0.7000 ★" in html
    assert "var(--jp-ui-font-color1" in html


def test_the_page_to_share_is_whole(tmp_path):
    write_run(tmp_path, "a", technique_args={"r": 4})
    write_run(tmp_path, "b", technique_args={"r": 5})
    page = wb.compare(tmp_path).to_html(tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == page
    assert page.startswith("<!DOCTYPE html>")
    assert "src='data:image/png;base64," in page
    assert "Settings that differ" in page
    assert "http" not in page


def test_json_holds_the_frame_and_no_nan(tmp_path):
    write_run(tmp_path, "a", math.inf)
    write_run(tmp_path, "b", 0.5)
    rows = json.loads(wb.compare(tmp_path).to_json(), parse_constant=pytest.fail)
    assert [row["quality"] for row in rows] == [None, 0.5]
    assert list(rows[0]) == list(wb.compare(tmp_path).frame.columns)


def test_what_cannot_be_compared_is_said_in_a_sentence(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(
        StoreError, match="contains no run: give a run's folder or a folder that contains"
    ):
        wb.compare(tmp_path / "empty")
    with pytest.raises(StoreError, match="must exist"):
        wb.compare(tmp_path / "absent")
    for nothing in ((), ([],)):
        with pytest.raises(RecipeError, match="runs must be at least one run"):
            wb.compare(*nothing)
    with pytest.raises(RecipeError, match="runs must be runs, their folders"):
        wb.compare(3)


def test_only_what_is_asked_for_is_imported():
    code = (
        "import workbench.compare, sys; "
        "assert not {'pandas', 'matplotlib', 'torch'} & set(sys.modules); "
        "import workbench as wb; assert callable(wb.compare)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_notebook_shows_the_figure_once_and_the_table_as_html(tmp_path):
    import nbformat
    from nbclient import NotebookClient

    write_run(tmp_path, "a")
    cells = [
        f"import workbench as wb; comparison = wb.compare({str(tmp_path)!r})",
        "comparison",
        "comparison.plot()",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, kernel_name="python3").execute()
    table, figure = notebook.cells[1].outputs, notebook.cells[2].outputs
    assert len(table) == len(figure) == 1
    assert "wb-compare" in table[0].data["text/html"]
    assert "a  " in table[0].data["text/plain"]
    assert "image/png" in figure[0].data
