"""The live chart as a person meets it: in JupyterLab, with a kernel behind it."""

from __future__ import annotations

import csv
import io
import math
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

MAKE = """\
import math, os, random, time
import ipywidgets
from workbench.panels.chart.chart import LiveChart
chart = LiveChart()
chart"""
FILL = """\
random.seed(0)
names = {"full-1": "full fine-tuning", "lora-2": "lora r=8", "ia3-3": "ia3", "pt-4": "prompt tuning"}
for place, (run, label) in enumerate(names.items()):
    chart.add_series(f"{run}/train", label)
    chart.add_series(f"{run}/eval", label, style="points")
    chart.add_series(f"{run}/accuracy", label, style="points", metric="score", group="Accuracy")
    chart.add_series(f"{run}/learning_rate", label, metric="learning_rate")
    chart.add_series(f"{run}/tokens", label, metric="tokens", group="tokens")
    chart.append(f"{run}/tokens", [0, 300], [0, 300_000])
    for step in range(1, 301):
        loss = 0.4 + place * 0.3 + 3 * math.exp(-step / (40 + 20 * place))
        chart.append(f"{run}/train", step, loss * random.gauss(1, 0.06))
        chart.append(f"{run}/learning_rate", step, 1e-3 * (1 - step / 301))
        if step % 50 == 0:
            chart.append(f"{run}/eval", step, loss * 1.05)
            chart.append(f"{run}/accuracy", step, 1 - loss / 4)
chart.set_reference("lora-2", "score", "majority baseline", 0.4)
chart.flush()"""
FILLED = 4 * 300 + 4 * 6 + 4 * 6
RATES = 4 * 300
ONE_MORE = "chart.append('lora-2/train', 301, 0.5); chart.flush()"
LOSE_ONE = f"""\
chart.send = lambda *_: None
{ONE_MORE}
del chart.send
chart.append('lora-2/train', 302, 0.25); chart.flush()"""
GONE = "The kernel is gone: run the cell again to show the panel."
CHART = "[data-points]"


@pytest.fixture
def shown(notebook, expect):
    """Show a chart in cell 0, filled by cell 1; give the notebook and the chart's element."""

    def show(*cells: str, **page):
        book = notebook([MAKE, FILL, *cells], **page)
        book.run(0)
        chart = book.output(0).locator(CHART)
        expect(chart).to_have_attribute("data-points", "0")
        book.run(1)
        expect(chart).to_have_attribute("data-points", str(FILLED))
        return book, chart

    return show


def plot(chart, title="loss"):
    """Locate a plot of the chart by its title."""
    return chart.get_by_role("img", name=re.compile(f"^Chart of {title} by "))


def test_it_says_what_to_do_and_then_draws(notebook, expect):
    book = notebook([MAKE, FILL, ONE_MORE])
    book.run(0)
    chart = book.output(0).locator(CHART)
    expect(chart.get_by_text("Press Train: the loss appears here.")).to_be_visible()
    expect(chart.get_by_role("slider")).to_be_hidden()
    book.screenshot("chart-empty-light")
    book.run(1)
    expect(chart).to_have_attribute("data-points", str(FILLED))
    expect(chart).to_have_attribute("data-series", "12")
    expect(chart.get_by_text("Press Train: the loss appears here.")).to_be_hidden()
    expect(chart.get_by_role("slider")).to_have_value("0.6")
    expect(chart.get_by_role("img")).to_have_count(2)
    book.run(2)
    expect(chart).to_have_attribute("data-points", str(FILLED + 1))
    said = re.compile(
        r"Chart of loss by step\. .*lora r=8: 301 points, last 0\.5000; lora r=8, evaluation: 6 points"
    )
    expect(plot(chart)).to_have_attribute("aria-label", said)
    expect(chart.get_by_text(GONE)).to_be_hidden()


@pytest.mark.slow
def test_both_themes_redraw_by_themselves(shown, expect):
    book, chart = shown()
    picture = "element => element.querySelector('canvas').toDataURL()"
    light = chart.evaluate(picture)
    book.screenshot("chart-light")
    book.theme("dark")
    book.page.wait_for_function(
        "light => document.querySelector('.workbench-chart canvas').toDataURL() !== light",
        arg=light,
    )
    book.screenshot("chart-dark")


def test_legend_hover_and_keys(shown, expect):
    book, chart = shown()
    expect(chart.get_by_label("Runs").get_by_role("button")).to_have_count(4)
    chip = chart.get_by_role("button", name="ia3", exact=True)
    expect(chip).to_have_attribute("aria-pressed", "true")
    chip.click()
    expect(chip).to_have_attribute("aria-pressed", "false")
    expect(chart).to_have_attribute("data-series", "9")
    expect(chart).to_have_attribute("data-points", str(FILLED - FILLED // 4))
    canvas, tip = plot(chart), chart.locator(".workbench-chart-tip")
    box = canvas.bounding_box()
    canvas.hover(position={"x": box["width"] / 2, "y": box["height"] / 2})
    expect(tip).to_contain_text(re.compile(r"step 1[45]\d"))
    expect(tip.get_by_role("row")).to_have_count(
        4
    )  # the heads, and a row for each run that is shown
    expect(tip).to_contain_text("evaluation")
    expect(tip).not_to_contain_text("ia3")
    book.screenshot("chart-hover-light")
    book.page.mouse.move(0, 0)
    expect(tip).to_be_hidden()
    chart.get_by_role("button", name="Show all", exact=True).click()
    expect(chart).to_have_attribute("data-series", "12")
    chip.click(modifiers=["Shift"])
    expect(chart).to_have_attribute("data-series", "3")
    chip.click(modifiers=["Shift"])
    expect(chart).to_have_attribute("data-series", "12")
    book.page.mouse.move(0, 0)
    canvas.focus()
    canvas.press("ArrowLeft")
    expect(tip).to_contain_text("step 300")
    expect(chart.get_by_role("status")).to_contain_text("Loss, step 300: prompt tuning training")
    canvas.press("ArrowLeft")
    expect(tip).to_contain_text("step 299")
    canvas.press("Escape")
    expect(tip).to_be_hidden()


def test_what_is_plotted_and_against_what(shown, expect):
    book, chart = shown("print(chart.metrics, chart.x_axis)")
    expect(plot(chart, "accuracy")).to_be_visible()
    chooser = chart.get_by_role("button", name="Choose what is plotted: Loss, Metric", exact=True)
    chooser.click()
    expect(chart.get_by_role("checkbox", name="Memory")).to_have_count(
        0
    )  # these runs say nothing of it
    chart.get_by_role("checkbox", name="Learning rate").check()
    expect(chart).to_have_attribute("data-points", str(FILLED + RATES))
    chart.get_by_role("checkbox", name="Loss").uncheck()
    expect(chart.get_by_role("img")).to_have_count(2)
    chart.get_by_role("checkbox", name="All").check()
    expect(chart.get_by_role("img")).to_have_count(3)
    book.page.keyboard.press("Escape")
    expect(chart.get_by_role("checkbox", name="All")).to_be_hidden()
    expect(chart.get_by_role("button", name="Choose what is plotted: All")).to_be_focused()
    chart.get_by_label("x axis").select_option(label="by tokens")
    rates = plot(chart, "learning rate").and_(
        chart.get_by_role("img", name=re.compile("by tokens"))
    )
    expect(rates).to_be_visible()
    plot(chart, "accuracy").focus()
    plot(chart, "accuracy").press("End")
    expect(chart.locator(".workbench-chart-tip")).to_contain_text("300,000 tokens")
    expect(chart.get_by_label("x axis").get_by_role("option")).to_have_count(2)
    book.run(2)
    expect(book.output(2)).to_have_text("['all'] tokens")
    book.screenshot("chart-all-light", of=chart)


def first_and_last(chart, canvas, expect):
    """Read the steps at the ends of the window by the keyboard, without moving it."""
    tip = chart.locator(".workbench-chart-tip")
    steps = []
    for key in ("ArrowRight", "ArrowLeft"):
        canvas.press("Escape")
        expect(tip).to_be_hidden()
        canvas.press(key)
        expect(tip).to_be_visible()
        steps.append(int(tip.locator("strong").inner_text().removeprefix("step ")))
    canvas.press("Escape")
    expect(tip).to_be_hidden()
    return steps


def test_zoom_by_drag_and_by_keys(shown, expect):
    book, chart = shown()
    canvas, mouse = plot(chart), book.page.mouse
    reset = chart.get_by_role("button", name="Reset zoom", exact=True)
    box = canvas.bounding_box()
    across = [box["x"] + box["width"] * share for share in (0.3, 0.6)]
    middle = box["y"] + box["height"] / 2

    def drag(*ends):
        mouse.move(across[0], middle)
        mouse.down()
        mouse.move(*ends, steps=4)
        mouse.up()
        mouse.move(0, 0)

    expect(reset).to_be_hidden()
    drag(across[1], middle)
    expect(reset).to_be_visible()
    canvas.focus()
    begin, end = first_and_last(chart, canvas, expect)
    assert 60 < begin < 100 and 150 < end < 200
    canvas.press("+")
    closer = first_and_last(chart, canvas, expect)
    assert begin < closer[0] < closer[1] < end
    canvas.press("Shift+ArrowRight")
    assert first_and_last(chart, canvas, expect)[0] > closer[0]
    canvas.press("-")
    canvas.press("0")
    expect(reset).to_be_hidden()
    assert first_and_last(chart, canvas, expect) == [1, 300]
    drag(across[1], box["y"] + 40)  # a box: both axes of this plot
    book.screenshot("chart-zoomed-light", of=chart)
    mouse.dblclick(across[0], middle)
    expect(reset).to_be_hidden()
    drag(across[1], middle)
    before = first_and_last(chart, canvas, expect)
    book.page.keyboard.down("Shift")
    drag(across[1], middle)  # to the right: what was at the left comes into view
    book.page.keyboard.up("Shift")
    assert first_and_last(chart, canvas, expect)[1] < before[1]
    reset.click()
    expect(reset).to_be_hidden()


@pytest.mark.slow
def test_the_curves_are_downloaded(shown, expect):
    long = """\
chart.add_series("long/train", 'long, "quoted"')
chart.append("long/train", range(10_000), [2 + math.sin(step) for step in range(10_000)])
chart.flush()"""
    book, chart = shown(long)
    book.run(2)
    expect(chart).to_have_attribute("data-points", str(FILLED + 10_000))

    def save(name):
        chart.get_by_role("button", name="Download the curves").click()
        with book.page.expect_download() as download:
            chart.get_by_role("button", name=name).click()
        return Path(download.value.path()).read_bytes()

    png = save("Picture (PNG)")
    assert png.startswith(b"\x89PNG") and len(png) > 20_000
    drawing = ElementTree.fromstring(save("Drawing (SVG)"))
    texts = {text.text for text in drawing.iter("{http://www.w3.org/2000/svg}text")}
    assert {"Loss", "Accuracy", "lora r=8", "majority baseline", 'long, "quoted"'} <= texts
    rows = list(csv.DictReader(io.StringIO(save("All points (CSV)").decode())))
    losses = [row["training_loss"] for row in rows if row["run"] == 'long, "quoted"']
    assert [float(loss) for loss in losses] == [2 + math.sin(step) for step in range(10_000)]
    names = [
        "run",
        "step",
        "tokens",
        "training_loss",
        "evaluation_loss",
        "accuracy",
        "learning_rate",
    ]
    assert list(rows[0]) == names


def test_two_views_and_the_kernel_agree_on_scale_and_smoothing(shown, expect):
    book, first = shown("chart", "print(chart.log_y, chart.smoothing)")
    book.run(2)
    second = book.output(2).locator(CHART)
    expect(second).to_have_attribute("data-points", str(FILLED))
    second.get_by_role("button", name="Log scale").click()
    second.get_by_role("slider").fill("0.9")
    expect(first.get_by_role("button", name="Log scale")).to_have_attribute("aria-pressed", "true")
    expect(first.get_by_role("slider")).to_have_value("0.9")
    book.run(3)
    expect(book.output(3)).to_have_text("True 0.9")
    # It repaints while it may be scrolled away, and must not be blank when it is scrolled back.
    book.theme("dark")
    book.screenshot("chart-log-smooth-dark", of=second)
    assert second.evaluate("element => element.querySelector('canvas').width") > 0
    second.get_by_role("button", name="Outliers").click()
    expect(first.get_by_role("button", name="Outliers")).to_have_attribute("aria-pressed", "true")


@pytest.mark.slow
def test_a_lost_message_is_made_up_for(shown, expect):
    book, chart = shown(LOSE_ONE, ONE_MORE)
    book.run(2)
    expect(chart).to_have_attribute("data-points", str(FILLED + 2))
    book.run(3)
    expect(chart).to_have_attribute("data-points", str(FILLED + 3))


@pytest.mark.slow
def test_long_curves_are_thinned_and_say_so(notebook, expect):
    long = """\
for number in range(3):
    chart.add_series(f"run-{number}/train", f"run {number}")
    losses = [number + 2 * math.exp(-step / 3000) for step in range(10_000)]
    losses[7321] = 9.0 + number
    chart.append(f"run-{number}/train", range(10_000), losses)
chart.flush()"""
    book = notebook([MAKE, long, "chart.append('run-1/train', 10_000, 0.5); chart.flush()"])
    book.run(0)
    chart = book.output(0).locator(CHART)
    expect(chart).to_have_attribute("data-points", "0")
    book.run(1)
    expect(chart).to_have_attribute("data-points", "30000")
    book.run(2)
    expect(chart).to_have_attribute("data-points", "30001")
    said = re.compile(
        r"run 1: 10001 points, last 0\.5000.*Curves are thinned: only the lowest and highest"
    )
    expect(plot(chart)).to_have_attribute("aria-label", said)
    expect(chart.get_by_text("Curves are thinned: only the lowest")).to_be_visible()
    book.screenshot("chart-long-light", of=chart)
    book.page.keyboard.press("Escape")
    plot(chart).focus()
    tip = chart.locator(".workbench-chart-tip")
    plot(chart).press("ArrowLeft")
    expect(tip).to_contain_text("step 10,000")


@pytest.mark.slow
def test_after_a_reload_all_is_there_and_it_goes_on(shown, expect):
    book, _ = shown(ONE_MORE)
    book.save()
    book.reload()
    chart = book.output(0).locator(CHART)
    expect(chart).to_have_attribute("data-points", str(FILLED))
    book.run(2)
    expect(chart).to_have_attribute("data-points", str(FILLED + 1))
    expect(chart.get_by_text(GONE)).to_be_hidden()


@pytest.mark.slow
@pytest.mark.parametrize("width, height", [(360, None), (640, None), (480, 600), (900, 220)])
def test_nothing_is_cut_off_in_a_small_place(shown, expect, width, height):
    layout = {"width": f"{width}px", "height": f"{height}px" if height else None}
    book, _ = shown(f"ipywidgets.VBox([chart], layout={layout})")
    book.run(2)
    chart = book.output(2).locator(CHART)
    expect(chart).to_have_attribute("data-points", str(FILLED))
    outside = chart.evaluate(
        """element => {
          const box = element.parentElement.getBoundingClientRect();
          return [...element.querySelectorAll('*')].filter(one => {
            const inner = one.getBoundingClientRect();
            const cut = one.matches('span') && one.scrollWidth > one.clientWidth + 1;
            const wide = inner.left < box.left - 1 || inner.right > box.right + 1;
            const high = inner.top < box.top - 1 || inner.bottom > box.bottom + 1;
            return inner.width && (wide || high || cut);
          }).map(one => one.className || one.tagName);
        }"""
    )
    assert outside == []
    sizes = chart.locator("canvas").evaluate_all(
        "all => all.map((one) => [one.clientWidth, one.clientHeight])"
    )
    assert len(sizes) == 2 and all(wide >= 250 and high >= 120 for wide, high in sizes), sizes
    book.screenshot(f"chart-{width}x{height}", of=chart)


def test_a_busy_kernel_is_not_gone_but_a_restarted_one_is(shown, expect):
    book, chart = shown("print('began'); time.sleep(4); print('ended')", "print('fresh')")
    book.run(2)
    expect(book.output(2)).to_contain_text("began")
    expect(chart.get_by_text(GONE)).to_be_hidden()
    expect(book.output(2)).to_contain_text("ended")
    expect(chart.get_by_text(GONE)).to_be_hidden()
    book.restart_kernel()
    expect(chart.get_by_text(GONE)).to_be_visible()
    expect(chart).to_have_attribute("data-points", str(FILLED))
    book.screenshot("chart-gone-light", of=chart)
    book.run(0)
    fresh = book.output(0).locator(CHART)
    expect(fresh).to_have_attribute("data-points", "0")
    expect(fresh.get_by_text(GONE)).to_be_hidden()


@pytest.mark.slow
@pytest.mark.parametrize("end", ["crash", "shutdown", "changeKernel"])
def test_a_kernel_that_ended_is_gone(shown, expect, end):
    book, chart = shown("os.kill(os.getpid(), 9)")
    if end == "crash":
        book.run(2)
    else:
        book.page.evaluate(
            """end => {
              void jupyterapp.shell.currentWidget.sessionContext[end]({name: 'python3'});
            }""",
            end,
        )
    expect(chart.get_by_text(GONE)).to_be_visible()


@pytest.mark.slow
def test_saved_with_its_widgets_it_shows_its_points_without_its_kernel(shown, expect):
    book, _ = shown()
    book.page.evaluate(
        "() => jupyterapp.commands.execute('@jupyter-widgets/jupyterlab-manager:saveWidgetState')"
    )
    states = book.save()["metadata"]["widgets"]["application/vnd.jupyter.widget-state+json"]
    assert any("_history" in state["state"] for state in states["state"].values())
    book.page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    book.reload()
    chart = book.output(0).locator(CHART)
    expect(chart).to_have_attribute("data-points", str(FILLED))
    expect(chart.get_by_text(GONE)).to_be_visible()


@pytest.mark.slow
def test_what_is_chosen_comes_while_a_cell_is_running(notebook, expect):
    panel = """\
import time
import workbench as wb
recipe = wb.Recipe(max_length=64, max_train_samples=160, max_eval_samples=32, max_steps=20)
bench = wb.Bench(recipe, runs="runs/busy")
bench"""
    book = notebook(
        [panel, "run = bench.train()", "print('began'); time.sleep(45); print('ended')"]
    )
    book.run(0)
    chart = book.output(0).locator(CHART)
    expect(chart).to_have_attribute("data-points", "0")
    book.run(1)
    expect(chart).to_have_attribute("data-points", "22")
    select = chart.get_by_label("x axis")
    assert select.bounding_box()["width"] < 140, "the panel's style of its own fields"
    book.run(2)
    expect(book.output(2)).to_contain_text("began")
    chart.get_by_role("button", name="Choose what is plotted").click()
    chart.get_by_role("checkbox", name="Gradient norm").check()
    expect(chart).to_have_attribute("data-points", "42")
    expect(book.output(2)).not_to_contain_text("ended")
