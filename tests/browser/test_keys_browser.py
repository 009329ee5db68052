"""With the focus in a panel, keys act on the panel and not on the notebook around it."""

from __future__ import annotations

import re

import pytest

BENCH = """\
import workbench as wb
recipe = wb.Recipe(
    max_length=64, max_train_samples=320, max_eval_samples=64, max_steps=4, eval_steps=4
)
bench = wb.Bench(recipe, runs="runs/{name}")
bench"""
PANELS = {
    "bench": BENCH,
    "race": "import workbench as wb\nwb.Race([wb.Recipe(), wb.Recipe(technique='ia3')])",
    "anatomy": "import workbench as wb\nwb.Anatomy(wb.Recipe())",
    "chart": """\
from workbench.panels.chart.chart import LiveChart
chart = LiveChart()
chart.add_series("run/train", "run")
chart.append("run/train", range(40), range(40))
chart.flush()
chart""",
}
FOCUSABLE = (
    "button, input, select, textarea, canvas[tabindex], summary, [tabindex='0'], .noUi-handle"
)
# Most of them are commands of notebooks: to move, cut, copy, delete, change a cell, or restart.
KEYS = (
    *("ArrowDown", "ArrowUp", "ArrowLeft", "ArrowRight", "Home", "End", "PageDown", "PageUp"),
    *("x", "c", "v", "z", "a", "b", "d", "d", "r", "m", "y", "1", "j", "k", "o", "l", "0", "0"),
    *("Shift+ArrowDown", "Shift+M", "Shift+L", "Backspace", "Delete"),
)
NOTEBOOK = """() => {
  const { content, sessionContext } = jupyterapp.shell.currentWidget;
  return {
    active: content.activeCellIndex,
    mode: content.mode,
    selected: content.widgets.filter((cell) => content.isSelectedOrActive(cell)).length,
    cells: content.widgets.map((cell) => `${cell.model.type} ${cell.model.sharedModel.source}`),
    hidden: content.widgets.map((cell) => cell.outputHidden ?? false),
    lines: content.widgets.map((cell) => cell.editor?.getOption('lineNumbers')),
    kernel: sessionContext.session?.kernel?.id,
    status: ['idle', 'busy'].includes(sessionContext.session?.kernel?.status),
    dialogs: document.querySelectorAll('.jp-Dialog').length,
  };
}"""


@pytest.fixture(params=["lab", "notebook7"])
def opened(request, notebook, expect):
    """Show a panel in cell 0 of three, in each of the two applications."""

    def show(panel):
        server = request.getfixturevalue(request.param)
        name = re.sub(r"\W+", "-", request.node.name)
        code = PANELS[panel].replace("{name}", name)
        book = notebook(
            [code, "'second'", "'third'"], name=f"{name}.ipynb", height=1400, server=server
        )
        book.run(0)
        expect(book.output(0).locator(FOCUSABLE).first).to_be_visible()
        book.wait_idle()
        return book

    return show


def press_all(book, keys):
    """Press the keys on each control that can be seen; return what they did to the notebook."""
    page, harm = book.page, []
    before = page.evaluate(NOTEBOOK)
    for control in book.output(0).locator(FOCUSABLE).element_handles():
        if not (control.is_visible() and control.is_enabled()):
            continue
        words = control.evaluate("one => one.outerHTML.slice(0, 90)")
        for key in keys:
            if not control.evaluate("one => (one.focus(), document.activeElement === one)"):
                break  # another control has taken its place
            page.keyboard.press(key)
            after = page.evaluate(NOTEBOOK)
            if after != before:
                changed = {name: after[name] for name in after if after[name] != before[name]}
                return [f"{key} on {words}: {changed}"]
    return harm


@pytest.mark.slow
@pytest.mark.parametrize("panel", PANELS)
def test_no_key_on_any_control_acts_on_the_notebook(opened, expect, panel):
    book = opened(panel)
    if panel == "bench":
        expect(book.page.locator(".wb-trainable b")).to_be_visible()
        for fold in ("Anatomy: what is trained, layer by layer", "More training arguments"):
            book.button(fold).click()
        expect(book.page.locator(".wa-row").first).to_be_visible()
    assert press_all(book, KEYS) == []


def test_arrows_move_a_slider_and_letters_find_a_technique(opened, expect):
    book = opened("bench")
    page = book.page
    rank = page.get_by_role("textbox", name="r", exact=True)
    expect(rank).to_have_value("8")
    page.locator(".wb-with-slider .noUi-handle").first.focus()
    page.keyboard.press("ArrowRight")
    expect(rank).to_have_value("9")
    technique = page.get_by_label("Technique", exact=True)
    technique.focus()
    page.keyboard.type("pro")
    expect(page.get_by_role("combobox", name="Search techniques")).to_have_value("pro")
    page.keyboard.press("Enter")
    expect(technique).to_contain_text("Prompt tuning")
    expect(technique).to_be_focused()
    assert page.evaluate(NOTEBOOK)["active"] == 0


def test_the_notebook_keeps_the_keys_that_no_control_knows(opened, expect):
    book = opened("bench")
    page = book.page
    train = book.button("Train")
    train.focus()
    dirty = "() => jupyterapp.shell.currentWidget.context.model.dirty"
    assert page.evaluate(dirty)
    page.keyboard.press("Control+s")
    page.wait_for_function(f"() => !({dirty})()")
    # A control's own Enter, with whatever is held down, runs no cell: that would replace the panel.
    count = book.cell(0).locator(".jp-InputPrompt").first.inner_text()
    rank = page.get_by_role("textbox", name="r", exact=True)
    for key in ("Shift+Enter", "Control+Enter", "Alt+Enter", "Control+z"):
        rank.fill("16")
        rank.press(key)
    expect(rank).not_to_have_value("8")
    assert page.evaluate(NOTEBOOK)["active"] == 0
    assert len(page.evaluate(NOTEBOOK)["cells"]) == 3
    expect(book.cell(0).locator(".jp-InputPrompt").first).to_have_text(count)
    # Outside the panel the notebook's keys are its own.
    page.evaluate("() => jupyterapp.commands.execute('notebook:enter-command-mode')")
    page.evaluate("() => jupyterapp.shell.currentWidget.content.node.focus()")
    page.evaluate("() => jupyterapp.shell.currentWidget.content.activeCell.node.focus()")
    page.keyboard.press("ArrowDown")
    page.wait_for_function("() => jupyterapp.shell.currentWidget.content.activeCellIndex === 1")


def test_home_and_end_on_the_chart_find_its_first_and_last_step(opened, expect):
    book = opened("chart")
    canvas = book.output(0).locator("canvas[tabindex]")
    tip = book.output(0).locator(".workbench-chart-tip strong").first
    scrolled = "() => document.querySelector('.jp-WindowedPanel-outer').scrollTop"
    before = book.page.evaluate(scrolled)
    canvas.focus()
    for key, step in (("End", 39), ("Home", 0), ("ArrowRight", 1), ("PageDown", 11), ("PageUp", 1)):
        book.page.keyboard.press(key)
        expect(tip).to_have_text(f"step {step}")
    assert book.page.evaluate(scrolled) == before


@pytest.mark.parametrize("opened", ["lab"], indirect=True)
def test_controls_have_names_and_folds_say_whether_they_are_open(opened, expect):
    book = opened("bench")
    page = book.page
    expect(page.get_by_role("slider", name="r", exact=True)).to_be_visible()
    for name in ("More training arguments", "Anatomy: what is trained, layer by layer"):
        fold = page.get_by_role("button", name=name, exact=True)
        expect(fold).to_have_attribute("aria-expanded", "false")
        fold.click()
        expect(fold).to_have_attribute("aria-expanded", "true")
    expect(page.locator(".wa-row").first).to_be_visible()
    assert page.locator("button.wa-twist").evaluate_all(
        "all => all.every((one) => one.getAttribute('aria-label'))"
    )
