"""The live chart's kernel side: what it keeps, and what it sends."""

from __future__ import annotations

import colorsys
import math
import re
import threading
from array import array
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import workbench
from workbench.display.colours import PALETTE, TRAINED, WARNING
from workbench.panels.chart import chart as chart_module
from workbench.panels.chart.chart import LiveChart
from workbench.panels.chart.series import smooth, thin


class Wire:
    """A browser's end of a chart: puts together what is sent, as the page does."""

    def __init__(self, chart: LiveChart):
        self.chart = chart
        self.messages: list[tuple[dict, bytes]] = []
        self.points: dict[int, tuple[list[float], list[float]]] = {}
        self.labels: dict[int, str] = {}
        self.totals: dict[int, int] = {}
        self.lock = threading.Lock()
        chart.comm.publish_msg = self.receive

    def receive(self, msg_type, data=None, metadata=None, buffers=None, **keys):
        if data.get("method") != "custom":
            return
        with self.lock:
            self.messages.append((data["content"], bytes(buffers[0])))
            self.take(data["content"], bytes(buffers[0]))

    def take(self, content, values):
        if "series" in content:
            self.labels = {one["id"]: one["label"] for one in content["series"]}
        numbers = array("d", values)
        for number, count, total in content["counts"]:
            self.totals[number] = total
            xs, ys = self.points.setdefault(number, ([], []))
            xs.extend(numbers[:count])
            ys.extend(numbers[count : 2 * count])
            numbers = numbers[2 * count :]
        assert not numbers, "more numbers than announced"

    @property
    def lines(self):
        return {label: self.points.get(number, ([], [])) for number, label in self.labels.items()}

    def ask(self, content):
        """Send a message as the page would."""
        self.chart._handle_custom_msg(content, [])


@pytest.fixture
def chart():
    chart = LiveChart()
    yield chart
    chart.close()


@pytest.fixture
def wire(chart):
    return Wire(chart)


def test_only_new_points_are_sent(chart, wire):
    chart.add_series("a/train", "a")
    chart.append("a/train", range(1000), [1.0] * 1000)
    chart.flush()
    chart.append("a/train", 1000, 0.25)
    chart.append("a/train", 1001, 0.5)
    chart.flush()
    content, values = wire.messages[-1]
    assert content["counts"] == [[1, 2, 1002]]
    assert array("d", values).tolist() == [1000.0, 1001.0, 0.25, 0.5]
    assert "series" not in content, "the legend is sent only when it changes"
    assert wire.lines["a"] == chart.points("a/train")


def test_messages_are_numbered_without_a_gap_and_nothing_new_sends_nothing(chart, wire):
    chart.add_series("a/train", "a")
    for step in range(5):
        chart.append("a/train", step, step)
        chart.flush()
        chart.flush()
    chart.rename("a/train", "b")
    numbers = [content["n"] for content, _ in wire.messages]
    assert numbers == list(range(1, 7))


def test_append_alone_sends_nothing(chart, wire):
    chart.add_series("a/train", "a")
    before = len(wire.messages)
    chart.append("a/train", 1, 1)
    assert len(wire.messages) == before


def test_the_state_holds_what_was_sent_and_goes_on_from_its_number(chart, wire):
    chart.add_series("a/train", "a")
    chart.append("a/train", [1, 2], [4, 3])
    chart.flush()
    chart.append("a/train", 3, 2)
    state = chart.get_state("_history")["_history"]
    assert state["n"] == wire.messages[-1][0]["n"]
    late = Wire(chart)
    late.take(state, state["values"])
    chart.flush()
    assert late.messages[0][0]["n"] == state["n"] + 1
    assert late.lines["a"] == ([1, 2, 3], [4, 3, 2])


def test_a_snapshot_is_small_however_long_the_run(chart, wire):
    chart.add_series("a/train", "a")
    ys = [math.sin(step / 500) for step in range(50_000)]
    ys[31_234] = 17.0
    chart.append("a/train", range(50_000), ys)
    chart.flush()
    wire.ask({"kind": "snapshot"})
    content, values = wire.messages[-1]
    assert content["kind"] == "snapshot" and content["n"] == 1
    assert len(values) <= 2000 * 16
    wire.points.clear()
    wire.take(content, values)
    xs, shown = wire.lines["a"]
    assert (xs[0], xs[-1], max(shown)) == (0, 49_999, 17.0)


def test_what_a_screen_cannot_show_is_not_sent(chart, wire):
    chart.add_series("a/train", "a")
    ys = [math.sin(step / 500) for step in range(50_000)]
    ys[31_234] = 17.0
    chart.append("a/train", range(50_000), ys)
    chart.flush()
    assert wire.messages[-1][0]["counts"] == [[1, len(wire.lines["a"][0]), 50_000]]
    assert len(wire.lines["a"][0]) <= 2000 and max(wire.lines["a"][1]) == 17.0
    # A hundred more of so long a line fall on two or three pixels.
    chart.append("a/train", range(50_000, 50_100), [1.0] * 50 + [9.0, -9.0] + [1.0] * 48)
    chart.flush()
    content, values = wire.messages[-1]
    assert len(values) <= 8 * 16
    assert {9.0, -9.0} <= set(array("d", values))
    assert wire.lines["a"][0][-1] == 50_099 and content["counts"][0][2] == 50_100


def test_a_long_run_is_shown_as_finely_at_its_start_as_at_its_end(chart, wire):
    chart.add_series("a/train", "a")
    for start in range(0, 100_000, 50):
        xs = range(start, start + 50)
        chart.append("a/train", xs, [(x * 7919) % 101 for x in xs])
        chart.flush()
    state = chart.get_state("_history")["_history"]
    late = Wire(chart)
    late.take(state, state["values"])
    xs, _ = late.points[1]
    tenths = [sum(start <= x < start + 10_000 for x in xs) for start in range(0, 100_000, 10_000)]
    assert max(tenths) <= 1.5 * min(tenths) and sum(tenths) <= 2000


def test_a_key_added_again_starts_empty(chart, wire):
    chart.add_series("a/train", "a")
    chart.append("a/train", 1, 1)
    chart.flush()
    chart.add_series("a/train", "again")
    chart.flush()
    assert wire.lines == {"again": ([], [])}


def test_a_run_has_one_colour_until_the_chart_is_cleared(chart, wire):
    for run in ("a", "b"):
        chart.add_series(f"{run}/train", run)
        chart.add_series(f"{run}/eval", run, style="points")
    chart.add_series("a/train", "again")
    chart.flush()
    colours = {series["key"]: series["colour"] for series in wire.messages[-1][0]["series"]}
    assert colours == {"a/train": 0, "a/eval": 0, "b/train": 1, "b/eval": 1}
    chart.clear()
    chart.add_series("c/train", "c")
    chart.flush()
    assert [series["colour"] for series in wire.messages[-1][0]["series"]] == [0]


def test_highlight_and_clear_reach_the_browser(chart, wire):
    chart.add_series("a/train", "a")
    chart.highlight("a")
    assert wire.messages[-1][0]["highlight"] == "a"
    chart.clear()
    content, _ = wire.messages[-1]
    assert content["series"] == [] and content["highlight"] is None


def test_threads_append_while_one_flushes(chart, wire):
    keys = [f"{run}/train" for run in range(4)]
    for key in keys:
        chart.add_series(key, key)
    done = threading.Event()

    def pump():
        while not done.is_set():
            chart.flush()
            done.wait(0.001)

    def train(key):
        for step in range(2000):
            chart.append(key, step, step / 7)

    flusher = threading.Thread(target=pump)
    trainers = [threading.Thread(target=train, args=(key,)) for key in keys]
    for thread in (flusher, *trainers):
        thread.start()
    for thread in trainers:
        thread.join()
    done.set()
    flusher.join()
    chart.flush()
    expected = (list(range(2000)), [step / 7 for step in range(2000)])
    assert wire.lines == dict.fromkeys(keys, expected)
    numbers = [content["n"] for content, _ in wire.messages]
    assert numbers == sorted(numbers), "messages left out of order"


def test_the_page_sets_what_is_shown_and_nothing_else(chart, wire):
    values = {
        "log_y": True,
        "smoothing": 0.5,
        "metrics": ["memory"],
        "x_axis": "seconds",
        "outliers": True,
    }
    for name, value in values.items():
        wire.ask({"kind": "set", "name": name, "value": value})
    assert {name: getattr(chart, name) for name in values} == values
    wire.ask({"kind": "set", "name": "empty", "value": "surprise"})
    wire.ask({"kind": "set", "name": "x_axis", "value": "surprise"})
    assert (chart.empty, chart.x_axis) == ("Press Train: the loss appears here.", "seconds")


def test_a_page_cannot_overwrite_the_history(chart):
    chart.add_series("a/train", "a")
    chart.append("a/train", 1, 1)
    chart.flush()
    chart.set_state({"_history": {"n": 99, "counts": []}})
    assert chart.get_state("_history")["_history"]["counts"] == [[1, 1, 1]]


def test_bad_calls_say_what_is_wrong(chart):
    chart.add_series("a/train", "a")
    with pytest.raises(KeyError, match=r"a/train.*but is 'b/train'"):
        chart.append("b/train", 1, 1)
    with pytest.raises(ValueError, match="1 and 2"):
        chart.append("a/train", [1], [1, 2])
    with pytest.raises(ValueError, match="'line' or 'points', but is 'bars'"):
        chart.add_series("c", "c", style="bars")
    assert chart.points("a/train") == ([], [])


def test_the_picture_has_a_plot_for_each_metric_and_one_name_for_each_run(chart):
    for run in ("a", "b"):
        chart.add_series(f"{run}/train", f"run {run}")
        chart.add_series(f"{run}/eval", f"run {run}", style="points")
        chart.add_series(
            f"{run}/accuracy", f"run {run}", style="points", metric="score", group="Accuracy"
        )
        chart.append(f"{run}/train", [1, 2, 3], [3, math.nan, 1])
        chart.append(f"{run}/eval", [2], [2])
        chart.append(f"{run}/accuracy", [2], [0.5])
    chart.log_y = True
    figure = chart.figure()
    assert [axes.get_title("left") for axes in figure.axes] == ["Loss", "Accuracy"]
    assert {axes.get_yscale() for axes in figure.axes} == {"log"}
    colours = {line.get_color() for axes in figure.axes for line in axes.lines}
    assert colours == set(PALETTE[:2])
    (legend,) = figure.legends
    names = [text.get_text() for text in legend.get_texts()]
    assert names == ["run a", "run b", "training", "evaluation"]
    assert chart.to_png().startswith(b"\x89PNG")


def test_the_picture_is_smoothed_and_its_legend_covers_no_line(chart):
    ys = [2 + (-1) ** step for step in range(100)]
    for run in range(16):
        chart.add_series(f"{run}/train", f"a run with quite a long name, number {run}")
        chart.append(f"{run}/train", range(100), ys)
    figure = chart.figure()
    figure.draw_without_rendering()
    (axes,) = figure.axes
    raw, smoothed = axes.lines[:2]
    assert raw.get_alpha() < 0.5 and raw.get_ydata().tolist() == ys
    assert max(smoothed.get_ydata()[20:]) - min(smoothed.get_ydata()[20:]) < 1
    assert figure.legends[0].get_window_extent().y1 <= axes.get_window_extent().y0
    height = figure.get_window_extent().height
    assert axes.get_window_extent().height > height / 3


def test_far_points_do_not_flatten_the_picture(chart):
    chart.add_series("a/train", "a")
    chart.append("a/train", range(100), [1.0 + step % 7 for step in range(99)] + [1e6])
    assert chart.figure().axes[0].get_ylim()[1] < 10
    chart.log_y = True
    assert 7 < chart.figure().axes[0].get_ylim()[1] < 10
    chart.outliers = True
    assert chart.figure().axes[0].get_ylim()[1] >= 1e6


@pytest.mark.parametrize("log", [False, True])
def test_noise_does_not_look_like_progress_in_the_picture(log, chart):
    chart.log_y = log
    chart.add_series("a/train", "a")
    chart.append("a/train", range(60), [0.69 + step % 2 / 1000 for step in range(60)])
    chart.add_series("a/accuracy", "a", style="points", metric="score", group="Accuracy")
    chart.append("a/accuracy", [20, 40], [0.50, 0.51])
    loss, accuracy = (axes.get_ylim() for axes in chart.figure().axes)
    assert loss[1] - loss[0] > 0.06 and loss[0] < 0.69 < loss[1]
    assert accuracy[1] - accuracy[0] > 0.05 if log else accuracy == pytest.approx((0.45, 0.56))
    chart.set_reference("a", "score", "majority baseline", 0.62)
    axes = chart.figure().axes[1]
    assert axes.get_ylim()[1] > 0.62 and "majority baseline" in [
        text.get_text() for text in axes.texts
    ]


def test_more_runs_than_colours_are_told_apart_by_dashes(chart):
    for run in range(18):
        chart.add_series(f"{run}/train", f"run {run}")
        chart.append(f"{run}/train", [1, 2], [run, run + 1])
    handles = chart.figure().legends[0].get_lines()
    looks = {(line.get_color(), line.get_linestyle()) for line in handles[:18]}
    assert len(looks) == 18 and {line.get_color() for line in handles[:18]} == set(PALETTE)


def test_a_picture_goes_with_the_widget_once_there_are_points(chart):
    data, _ = chart._repr_mimebundle_()
    assert "image/png" not in data and "application/vnd.jupyter.widget-view+json" in data
    chart.add_series("a/train", "a")
    chart.append("a/train", 1, 1)
    data, metadata = chart._repr_mimebundle_()
    assert data["image/png"].startswith("iVBOR") and "image/png" in metadata


def test_the_module_stands_alone():
    lines = LiveChart._esm.splitlines()
    assert not [line for line in lines if line.startswith("import ")]
    exports = [line for line in lines if line.startswith("export ")]
    assert exports == ["export default () => {"]
    assert "http" not in LiveChart._esm.replace("http://www.w3.org/2000/svg", "")


def test_each_part_of_the_module_has_its_import():
    """The parts are joined into one module, where a missing import would not show."""
    folder = Path(chart_module.__file__).parent / "js"
    texts = {path.stem: path.read_text() for path in folder.glob("*.js")}
    declared = r"^export (?:function\*?|const|class) (\w+)"
    exports = {
        name: stem
        for stem, text in texts.items()
        for name in re.findall(declared, text, re.MULTILINE)
    }
    assert len(exports) > 30 and all(len(text.splitlines()) <= 300 for text in texts.values())
    for stem, text in texts.items():
        imported = re.findall(r'^import { (.*) } from "\./(\w+)\.js";$', text, re.MULTILINE)
        named = {name: source for names, source in imported for name in names.split(", ")}
        body = re.sub(r"^import .*$|//.*$|/\*[\s\S]*?\*/", "", text, flags=re.MULTILINE)
        used = {
            name
            for name, home in exports.items()
            if home != stem and re.search(rf"(?<![\w.'\"-]){name}\(", body)
        }
        assert used <= set(named), f"{stem}.js uses {used - set(named)} without an import"
        assert named.items() <= exports.items(), f"{stem}.js imports what is not there"
        unused = [name for name in named if not re.search(rf"\b{name}\b", body)]
        assert not unused, f"{stem}.js does not use {unused}"


# Red and orange, in degrees on the circle of hues.
LOW_HUE, HIGH_HUE = -20, 40


def is_red_or_orange(colour):
    hue, saturation, value = colorsys.rgb_to_hsv(
        *(int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    )
    degrees = (hue * 360 + 180) % 360 - 180
    return saturation > 0.4 and value > 0.3 and LOW_HUE < degrees < HIGH_HUE


def test_red_is_wrong_orange_is_trained_and_no_run_is_either():
    assert [colour for colour in PALETTE if is_red_or_orange(colour)] == []
    assert is_red_or_orange(WARNING) and is_red_or_orange(TRAINED)
    package = Path(workbench.__file__).parent
    used = {
        (path.name, colour)
        for ending in ("css", "js", "py")
        for path in package.rglob(f"*.{ending}")
        for colour in re.findall(r"#[0-9a-f]{6}\b", path.read_text(), re.IGNORECASE)
        if is_red_or_orange(colour) and colour not in (WARNING, TRAINED)
    }
    assert not used, "red and orange are declared in workbench/display/colours.py"
    for sheet, name, colour in (
        ("panels/widgets/cards.css", "--wb-warn", WARNING),
        ("panels/race/run_list.css", "--warn", WARNING),
        ("panels/widgets/cards.css", "--wb-trained", TRAINED),
        ("panels/anatomy/anatomy.css", "--wa-trained", TRAINED),
    ):
        assert f"{name}: {colour};" in (package / sheet).read_text()


def test_bars_of_what_is_trained_are_in_its_colour():
    package = Path(workbench.__file__).parent
    sheets = "".join(path.read_text() for path in (package / "panels/widgets").glob("*.css"))
    for bar in (".wb-share i", ".wb-trainable .wb-bar i"):
        rules = re.findall(rf"{re.escape(bar)} \{{(.*?)\}}", sheets, re.DOTALL)
        assert any("background: var(--wb-trained)" in rule for rule in rules), bar


def test_palette_reads_on_white_and_on_black():
    def light(colour):
        channels = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
        linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    def contrast(one, other):
        low, high = sorted((light(one), light(other)))
        return (high + 0.05) / (low + 0.05)

    assert len(set(PALETTE)) == 16
    for colour in PALETTE:
        assert contrast(colour, "#ffffff") >= 3 and contrast(colour, "#111111") >= 3, colour


@given(st.lists(st.floats(-1e6, 1e6) | st.just(math.nan), min_size=1, max_size=400))
def test_thinning_keeps_ends_and_extremes(ys):
    xs, kept = thin(range(len(ys)), ys, limit=20)
    assert len(kept) <= max(20, 0) and list(xs) == sorted(set(xs))
    assert (xs[0], xs[-1]) == (0, len(ys) - 1)
    numbers = [y for y in ys if not math.isnan(y)]
    if numbers:
        shown = [y for y in kept if not math.isnan(y)]
        assert (min(shown), max(shown)) == (min(numbers), max(numbers))


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=50), st.floats(0, 0.99))
def test_smoothing_stays_between_the_extremes(ys, weight):
    out = smooth(range(len(ys)), ys, weight)
    assert out[0] == pytest.approx(ys[0])
    assert min(ys) - 1e-6 <= min(out) and max(out) <= max(ys) + 1e-6


def test_smoothing_passes_over_what_is_not_a_number():
    out = smooth([1, 2, 3], [1.0, math.nan, 1.0], 0.5)
    assert out[0] == out[2] == 1.0 and math.isnan(out[1])
