"""What a chart shows of a run's events, what of it is sent, and the table of all its points."""

from __future__ import annotations

import csv
import io
from array import array

import pytest

from workbench import Recipe
from workbench.panels.chart.chart import LiveChart
from workbench.panels.chart.curves import RunCurves, score_title
from workbench.panels.chart.metrics import METRICS
from workbench.registry.tasks import ALL_TASKS
from workbench.training.events import Evaluation, Memory, Parameters, TrainStep

LABELS = {"eval_label_counts": {"good": 30, "bad": 10}}


class Sent:
    """What a chart sends: the keys of series of which points were sent, and references."""

    def __init__(self, chart: LiveChart):
        self.keys: list[str] = []
        self.references: list[dict] = []
        self._names: dict[int, str] = {}
        chart.comm.publish_msg = self._receive

    def _receive(self, msg_type, data=None, metadata=None, buffers=None, **rest):
        content = data.get("content", {})
        if content.get("kind") != "points":
            return
        if "series" in content:
            self._names = {series["id"]: series["key"] for series in content["series"]}
            self.references = content["references"]
        self.keys += [self._names[number] for number, *_ in content["counts"]]
        assert len(array("d", bytes(buffers[0]))) == 2 * sum(n for _, n, _ in content["counts"])


@pytest.fixture
def chart():
    chart = LiveChart()
    yield chart
    chart.close()


def step(number, **extra):
    return TrainStep(
        number,
        1 / number,
        100 * number,
        number / 4,
        learning_rate=0.1 / number,
        grad_norm=2.0,
        tokens_per_second=400.0,
        extra=extra,
    )


def run_events():
    yield Parameters(1200, 3_000_000)
    yield Memory(0, {"peak": 7})
    yield Evaluation(0, 0.9, {"accuracy": 0.45, "f1": 0.4})
    yield step(1)
    yield Memory(1, {"peak": 70})
    yield step(2)
    yield Evaluation(2, 0.6, {"accuracy": 0.8, "f1": 0.7})


def test_every_figure_of_a_run_is_a_curve(chart):
    RunCurves("run-0", Recipe(task="classify")).add(chart, "lora", list(run_events()), LABELS)
    expected = {
        "train": ([1, 2], [1, 0.5]),
        "eval": ([0, 2], [0.9, 0.6]),
        "accuracy": ([0, 2], [0.45, 0.8]),
        "f1": ([0, 2], [0.4, 0.7]),
        "learning_rate": ([1, 2], [0.1, 0.05]),
        "grad_norm": ([1, 2], [2, 2]),
        "tokens_per_second": ([1, 2], [400, 400]),
        "tokens": ([0, 1, 2], [0, 100, 200]),
        "seconds": ([0, 1, 2], [0, 0.25, 0.5]),
        "memory": ([1], [70]),  # before the first step there is nothing that training needs
        "trainable": ([0, 2], [1200, 1200]),
    }
    assert {name: chart.points(f"run-0/{name}") for name in expected} == expected
    shown = {line.metric for line in chart._lines.copies()}
    assert {metric.name for metric in METRICS} <= shown


@pytest.mark.parametrize("name", ALL_TASKS)
def test_the_plots_of_every_task_are_there_before_its_first_point(chart, name):
    task = ALL_TASKS[name]
    curves = RunCurves("run-0", Recipe())
    curves._task = task  # a recipe cannot name the tasks of modules
    curves.add(chart, "run", [], {})
    plots = {(line.metric, line.group) for line in chart._lines.copies()}
    score = set() if task.metric == "loss" else {("score", score_title(task))}
    assert plots == {("loss", task.title)} | score


def test_ranks_that_are_dropped_are_a_curve(chart):
    curves = RunCurves("run-0", Recipe(technique="adalora"))
    curves.add(chart, "adalora", [Parameters(1200, 9), step(1, trainable=1100)], {})
    curves.add(chart, "adalora", [step(2, trainable=900)], {})
    assert chart.points("run-0/trainable") == ([0, 1, 2], [1200, 1100, 900])


def test_a_run_has_one_name_which_can_change(chart):
    curves = RunCurves("run-0", Recipe())
    curves.add(chart, "lora", list(run_events()), {})
    curves.add(chart, "my run", [step(3)], {})
    assert {line.label for line in chart._lines.copies()} == {"my run"}


def test_values_to_compare_scores_with_are_marked(chart):
    sent = Sent(chart)
    RunCurves("run-0", Recipe(task="classify")).add(chart, "lora", list(run_events()), LABELS)
    RunCurves("run-1", Recipe(task="lm")).add(chart, "lm", [step(1)], {"eval_label_counts": {}})
    chart.flush()
    assert sent.references == [
        {"run": "run-0", "metric": "score", "label": "before training", "value": 0.45},
        {"run": "run-0", "metric": "score", "label": "majority baseline", "value": 0.75},
    ]
    figure = chart.figure()
    texts = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert texts == ["before training", "majority baseline"]
    chart.remove("run-0")
    assert sent.references == []


def test_points_are_sent_only_of_what_is_shown(chart):
    sent = Sent(chart)
    curves = RunCurves("run-0", Recipe(task="classify"))
    curves.add(chart, "lora", list(run_events()), LABELS)
    chart.flush()
    assert sent.keys == ["run-0/train", "run-0/eval", "run-0/accuracy"]
    sent.keys.clear()
    chart.metrics = ["grad_norm"]
    assert sent.keys == ["run-0/grad_norm"], "what is chosen is sent at once, from its start"
    chart.x_axis = "tokens"
    assert sent.keys == ["run-0/grad_norm", "run-0/tokens"]
    sent.keys.clear()
    curves.add(chart, "lora", [step(3)], LABELS)
    chart.flush()
    assert sent.keys == ["run-0/grad_norm", "run-0/tokens"]
    sent.keys.clear()
    chart.metrics = ["all"]
    assert {key.partition("/")[2] for key in sent.keys} >= {"train", "memory", "trainable", "f1"}


def test_a_hidden_run_comes_back_as_it_was(chart):
    sent = Sent(chart)
    for number in range(2):
        curves = RunCurves(f"run-{number}", Recipe(task="classify"))
        curves.add(chart, f"run {number}", list(run_events()), LABELS)
    chart.flush()
    chart.hide("run-0")
    assert {line.run for line in chart._lines.copies()} == {"run-1"}
    sent.keys.clear()
    chart.append("run-0/train", 3, 0.25)
    chart.flush()
    assert sent.keys == []
    chart.show("run-0")
    assert sorted(sent.keys) == ["run-0/accuracy", "run-0/eval", "run-0/train"]
    assert chart.points("run-0/train") == ([1, 2, 3], [1, 0.5, 0.25])
    chart.remove("run-0")
    chart.add_series("run-2/train", "another")
    assert [line.colour for line in chart._lines.copies() if line.run == "run-2"] == [2]


def test_the_table_has_a_row_for_each_step_and_all_figures(chart):
    RunCurves("run-0", Recipe(task="classify")).add(chart, 'a "b", c', list(run_events()), LABELS)
    rows = list(csv.DictReader(io.StringIO(chart.csv())))
    assert [(row["run"], row["step"]) for row in rows] == [('a "b", c', str(n)) for n in range(3)]
    assert rows[2] == {
        "run": 'a "b", c',
        "step": "2",
        "tokens": "200",
        "seconds": "0.5",
        "training_loss": "0.5",
        "evaluation_loss": "0.6",
        "accuracy": "0.8",
        "f1": "0.7",
        "learning_rate": "0.05",
        "gradient_norm": "2",
        "tokens_per_second": "400",
        "memory_bytes": "",
        "trainable_parameters": "1200",
    }


def test_the_page_asks_for_the_table(chart):
    chart.add_series("run-0/train", "lora")
    chart.append("run-0/train", range(5000), range(5000))
    got = []
    chart.send = lambda content, buffers: got.append((content, bytes(buffers[0])))
    chart._handle_custom_msg({"kind": "csv"}, [])
    assert got == [({"kind": "csv"}, chart.csv().encode())]
    assert len(chart.csv().splitlines()) == 5001


def test_losses_of_two_tasks_have_a_plot_each_in_the_picture(chart):
    for number, task in enumerate(("classify", "lm")):
        events = [step(1), step(2), Evaluation(2, 0.6, {ALL_TASKS[task].metric: 0.8})]
        RunCurves(f"run-{number}", Recipe(task=task)).add(chart, task, events, {})
    titles = [axes.get_title("left") for axes in chart.figure().axes]
    assert titles == [
        "Loss: Classification",
        "Loss: Language modelling",
        "Accuracy",
        "Perplexity (lower is better)",
    ]
    chart.metrics, chart.x_axis = ["loss"], "seconds"
    figure = chart.figure()
    assert [axes.get_xlabel() for axes in figure.axes] == ["seconds", "seconds"]
    assert figure.axes[0].lines[0].get_xdata() == pytest.approx([0.25, 0.5])
