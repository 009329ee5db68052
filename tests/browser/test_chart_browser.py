"""The live chart as a person meets it: in JupyterLab, with a kernel behind it."""

from __future__ import annotations

import re

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
    chart.add_series(f"{run}/eval", f"{label} (eval)", style="points")
    for step in range(1, 301):
        loss = 0.4 + place * 0.3 + 3 * math.exp(-step / (40 + 20 * place))
        chart.append(f"{run}/train", step, loss * random.gauss(1, 0.06))
        if step % 50 == 0:
            chart.append(f"{run}/eval", step, loss * 1.05)
chart.flush()"""
FILLED = 4 * 300 + 4 * 6
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


def test_it_says_what_to_do_and_then_draws(notebook, expect):
    book = notebook([MAKE, FILL, ONE_MORE])
    book.run(0)
    chart = book.output(0).locator(CHART)
    expect(chart.get_by_text("Press Train: the loss appears here.")).to_be_visible()
    expect(chart.get_by_role("slider")).to_be_hidden()
    book.screenshot("chart-empty-light")
    book.run(1)
    expect(chart).to_have_attribute("data-points", str(FILLED))
    expect(chart).to_have_attribute("data-series", "8")
    expect(chart.get_by_text("Press Train: the loss appears here.")).to_be_hidden()
    book.run(2)
    expect(chart).to_have_attribute("data-points", str(FILLED + 1))
    said = re.compile(r"Chart of loss by step\. .*lora r=8: 301 points, last 0\.5000;")
    expect(chart.get_by_role("img")).to_have_attribute("aria-label", said)
    expect(chart.get_by_text(GONE)).to_be_hidden()


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
    chip = chart.get_by_role("button", name=re.compile("^ia3 1"))
    expect(chip).to_have_attribute("aria-pressed", "true")
    chip.click()
    expect(chart).to_have_attribute("data-series", "7")
    expect(chart).to_have_attribute("data-points", str(FILLED - 300))
    canvas, tip = chart.get_by_role("img"), chart.locator(".workbench-chart-tip")
    box = canvas.bounding_box()
    canvas.hover(position={"x": box["width"] / 2, "y": box["height"] / 2})
    expect(tip).to_contain_text(re.compile(r"step 1[45]\d"))
    expect(tip).to_contain_text("lora r=8 (eval)")
    expect(tip).not_to_contain_text(re.compile("ia3[^(]*$"))
    book.screenshot("chart-hover-light")
    book.page.mouse.move(0, 0)
    expect(tip).to_be_hidden()
    canvas.focus()
    canvas.press("ArrowLeft")
    expect(tip).to_contain_text("step 300")
    canvas.press("ArrowLeft")
    expect(tip).to_contain_text("step 299")
    canvas.press("Escape")
    expect(tip).to_be_hidden()


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


def test_a_lost_message_is_made_up_for(shown, expect):
    book, chart = shown(LOSE_ONE, ONE_MORE)
    book.run(2)
    expect(chart).to_have_attribute("data-points", str(FILLED + 2))
    book.run(3)
    expect(chart).to_have_attribute("data-points", str(FILLED + 3))


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
    expect(chart.get_by_role("img")).to_have_attribute("aria-label", said)
    book.screenshot("chart-long-light", of=chart)
    book.page.keyboard.press("Escape")
    chart.get_by_role("img").focus()
    tip = chart.locator(".workbench-chart-tip")
    chart.get_by_role("img").press("ArrowLeft")
    expect(tip).to_contain_text("step 10,000")


def test_after_a_reload_all_is_there_and_it_goes_on(shown, expect):
    book, _ = shown(ONE_MORE)
    book.save()
    book.reload()
    chart = book.output(0).locator(CHART)
    expect(chart).to_have_attribute("data-points", str(FILLED))
    book.run(2)
    expect(chart).to_have_attribute("data-points", str(FILLED + 1))
    expect(chart.get_by_text(GONE)).to_be_hidden()


@pytest.mark.parametrize("width", [360, 640])
def test_nothing_is_cut_off_when_it_is_narrow(shown, expect, width):
    narrow = f"ipywidgets.VBox([chart], layout=dict(width='{width}px'))"
    book, _ = shown(narrow)
    book.run(2)
    chart = book.output(2).locator(CHART)
    expect(chart).to_have_attribute("data-points", str(FILLED))
    outside = chart.evaluate(
        """element => {
          const box = element.getBoundingClientRect();
          return [...element.querySelectorAll('*')].filter(one => {
            const inner = one.getBoundingClientRect();
            const cut = one.matches('span') && one.scrollWidth > one.clientWidth + 1;
            return inner.width && (inner.left < box.left - 1 || inner.right > box.right + 1 || cut);
          }).map(one => one.className || one.tagName);
        }"""
    )
    assert outside == []
    book.screenshot(f"chart-{width}", of=chart)


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
