"""What the live chart computes in the page, against the same in Python."""

from __future__ import annotations

import math
import random

import pytest

from workbench.display.axis_range import LEAST_RELATIVE, LEAST_SHARE, widen
from workbench.panels.chart.chart import LiveChart
from workbench.panels.chart.ranges import robust_range
from workbench.panels.chart.series import Series, at_steps, smooth, thin


@pytest.fixture
def call(browser):
    """Call a function of the chart's module in a page of its own."""
    page = browser.new_page()
    module = LiveChart._esm.replace("export default", "const widget =")

    def call(name, *arguments):
        run = "(name, all, code) => new Function('all', `${code}; return (${name})(...all)`)(all)"
        return page.evaluate(
            f"([name, all, code]) => ({run})(name, all, code)", [name, list(arguments), module]
        )

    yield call
    page.close()


def noisy(count, seed=0):
    random.seed(seed)
    return [0.3 + 2 * math.exp(-step / 60) * random.gauss(1, 0.2) for step in range(count)]


@pytest.mark.parametrize("count", [1, 50, 5000])
def test_a_page_smooths_as_a_picture_does(call, count):
    steps, ys = list(range(count)), noisy(count)
    assert call("smooth", steps, ys, 0.6) == pytest.approx(smooth(steps, ys, 0.6))


def test_a_page_thins_as_the_kernel_does(call):
    steps, ys = list(range(9000)), noisy(9000)
    xs, kept = thin(steps, ys)
    shown = call("((xs, ys) => { const p = {xs, ys}; thin(p); return [p.xs, p.ys]; })", steps, ys)
    assert shown == [xs.tolist(), kept.tolist()]


def test_steps_are_found_on_another_axis_as_in_a_picture(call):
    axis = Series(1, "a/tokens", "a", "line", 0)
    axis.extend([0, 10, 20], [0, 640, 1000])
    steps = [0, 5, 10, 17, 20, 25]
    there = call("atSteps", steps, {"xs": axis.xs.tolist(), "ys": axis.ys.tolist()})
    assert there == pytest.approx(at_steps(steps, axis))


def test_few_far_points_do_not_flatten_the_rest(call):
    ys = noisy(300)
    lowest, highest = min(ys), max(ys)
    spiked = [*ys, 60.0, *ys]
    low, high = call("robustRange", [spiked], False, True)
    assert low == pytest.approx(lowest) and high <= highest < 60
    assert call("robustRange", [ys], False, True)[1] > 0.8 * highest, (
        "no spike: hardly anything is cut"
    )
    low, high = call("robustRange", [[*ys, 1e6]], True, True)
    assert high <= highest


def test_a_run_that_explodes_leaves_the_range_to_the_others(call):
    calm = [noisy(300, seed) for seed in range(3)]
    explodes = [*noisy(100, 9), *(10.0 * step for step in range(200))]
    _, high = call("robustRange", [*calm, explodes], False, True)
    assert high < 10
    assert call("robustRange", [explodes], False, True)[1] > 1000, "alone it is all there is to see"
    # Where more is better, to rise is to learn.
    learns = [0.5 + step / 30 for step in range(12)]
    assert call("robustRange", [[0.5, 0.51, 0.5], learns], False, False)[1] == max(learns)
    # A run that is bad all along is seen.
    bad = [8.0 + y for y in noisy(300)]
    assert call("robustRange", [*calm, bad], False, True)[1] > 8


@pytest.mark.parametrize(
    "low, high, count, unit, labels",
    [
        (0, 1, 5, "", ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        (0, 3e-4, 3, "", ["0", "1e−4", "2e−4", "3e−4"]),
        (0, 40e6, 4, "bytes", ["0 MB", "10 MB", "20 MB", "30 MB", "40 MB"]),
        (0, 20_000, 2, "count", ["0", "10K", "20K"]),
    ],
)
def test_ticks_are_round_and_labelled_alike(call, low, high, count, unit, labels):
    ticks = call("linearTicks", low, high, count)
    assert call("labelTicks", ticks, unit) == labels


@pytest.mark.parametrize("falls", [False, True])
@pytest.mark.parametrize("seed", range(6))
def test_a_page_has_the_range_that_a_picture_has(call, seed, falls):
    random.seed(seed)
    runs = [noisy(random.choice([3, 60, 400, 2300]), seed + run) for run in range(1 + seed)]
    runs[0][-1] = random.choice([0.5, 70.0, -30.0])
    runs[-1].extend(5.0 * step for step in range(0 if seed % 2 else 150))
    assert call("robustRange", runs, False, falls) == list(robust_range(runs, falls=falls))


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("rises", [False, True])
@pytest.mark.parametrize("shown", [(0.5, 0.51), (0.99, 1.0), (0.2, 0.9), (0.69, 0.7), (30.0, 31.0)])
def test_a_page_widens_an_axis_as_a_picture_does(call, shown, rises, log):
    least = {"share": LEAST_SHARE, "relative": LEAST_RELATIVE}
    there = call("widen", list(shown), {"rises": rises, "log": log, "least": least})
    assert there == pytest.approx(widen(shown, rises=rises, log=log))


def test_noise_does_not_fill_the_axis_of_a_score(call):
    lines = [{"run": "a", "xs": [10, 20, 30], "ys": [0.5, 0.51, 0.505]}]
    options = {"xRange": [10, 30], "least": {"share": LEAST_SHARE, "relative": LEAST_RELATIVE}}
    plot = {"lines": lines, "references": [], "rises": True}
    low, high = call("yRange", plot, options)
    assert high - low == pytest.approx(1.1 * LEAST_SHARE)
    plot["references"] = [{"value": 0.62}]
    low, high = call("yRange", plot, options)
    assert low < 0.5 and 0.62 < high < 0.64, "the baseline is on the axis"
    assert call("yRange", plot, {**options, "zoomY": [0.5, 0.51]}) == [0.5, 0.51], "who zooms may"


def test_an_svg_has_what_was_painted(call):
    svg = call(
        """(() => {
          const context = new SvgContext(document.createElement('canvas').getContext('2d'));
          context.translate(10, 20);
          context.fillText('a < "b"', 1, 2);
          context.beginPath();
          context.moveTo(0, 0);
          context.lineTo(5, 5);
          context.stroke();
          return context.finish(30, 40);
        })"""
    )
    assert '<path d="M10 20L15 25" fill="none"' in svg
    assert ">a &lt; &quot;b&quot;</text>" in svg and 'viewBox="0 0 30 40"' in svg
