"""The bench as a person meets it: in JupyterLab, with a kernel that trains."""

from __future__ import annotations

import re

import pytest

MAKE = """\
import workbench as wb
recipe = wb.Recipe(
    max_length=64, max_train_samples=320, max_eval_samples=64, max_steps=60, eval_steps=20
)
bench = wb.Bench(recipe, runs="runs/{name}")
bench"""
LONG = 'bench.recipe = bench.recipe.replace(max_steps=4000, eval_steps=4000, name="long")'
GONE = "The kernel has ended, and its runs with it."
STATE = ".wb-run .wb-state"


@pytest.fixture
def shown(notebook, expect, request):
    """Show a bench in cell 0, wait until it has counted, and give the notebook."""

    def show(*cells, **page):
        name = re.sub(r"\W+", "-", request.node.name)
        book = notebook([MAKE.format(name=name), *cells], name=f"{name}.ipynb", **page)
        book.run(0)
        expect(book.button("Train")).to_be_visible()
        expect(book.page.locator(".wb-trainable b")).to_be_visible()
        return book

    return show


@pytest.fixture
def trained(shown, expect):
    """Train once by a click, to the end."""

    def train(*cells, **page):
        book = shown(*cells, **page)
        book.button("Train").click()
        expect(book.page.locator(STATE)).to_have_text(re.compile("^finished"))
        return book

    return train


def trainable(book):
    return int(book.page.locator(".wb-trainable b").inner_text().replace(",", ""))


def row(book, name):
    return book.page.locator(f".wb-row[data-run='{name}'] .wb-pick")


def pictures(book, name):
    """Take a picture in each theme."""
    for theme in ("dark", "light"):
        book.theme(theme)
        book.screenshot(f"bench-{name}-{theme}")


def test_pick_train_compare_export(shown, expect):
    book = shown(height=2600)
    page = book.page
    book.button("More about the base").click()
    expect(page.get_by_text("LlamaForCausalLM")).to_be_visible()
    expect(page.locator(".wb-rows > li")).to_have_count(3)
    expect(page.locator(".wb-rows .lk-tokens").first).to_be_visible()  # the first row is open
    pictures(book, "ready")
    before = trainable(book)
    rank = page.get_by_role("textbox", name="r", exact=True)
    rank.fill("16")
    rank.press("Enter")
    expect(page.locator(".wb-trainable b")).not_to_have_text(f"{before:,}")
    assert trainable(book) > before
    book.button("Train").click()
    points = page.locator("[data-points]")
    expect(points).not_to_have_attribute("data-points", "0")
    pictures(book, "training")
    expect(page.locator(STATE)).to_have_text(re.compile("^finished"))
    expect(points).to_have_attribute("data-points", "66")
    book.pick_technique("ia3")
    expect(page.get_by_text("one trained factor for each feature")).to_be_visible()
    book.button("Train").click()
    expect(row(book, "ia3-reviews-1")).to_be_visible()
    expect(page.locator(STATE)).to_have_text(re.compile("^finished"))
    expect(points).to_have_attribute("data-points", "132")
    book.button("Compare").click()
    expect(page.locator(".wb-comparison img")).to_be_visible()
    expect(page.locator(".wb-comparison tbody th").first).to_have_text("lora")
    row(book, "lora-reviews-1").click()
    expect(page.locator(".wb-run strong")).to_have_text("lora")
    page.get_by_role("textbox", name="Script").fill("exported.py")
    book.button("Export").click()
    said = page.get_by_text("The script of lora-reviews-1 is exported.py")
    expect(said).to_be_visible()
    button, sentence = (one.bounding_box() for one in (book.button("Export"), said))
    assert 0 < sentence["y"] - button["y"] < 100
    assert "def train(" in (book.lab.folder / "exported.py").read_text()
    pictures(book, "compared")


def test_pause_resume_and_stop_answer_while_another_cell_runs(shown, expect):
    busy = "import time\nprint('busy')\ntime.sleep(120)"
    book = shown(LONG, busy)
    page = book.page
    book.run(1)
    expect(page.get_by_role("textbox", name="max_steps", exact=True)).to_have_value("4000")
    book.button("Train").click()
    expect(page.locator(STATE)).to_have_text(re.compile("^training"))
    expect(page.locator("[data-points]")).not_to_have_attribute("data-points", "0")
    book.run(2)
    expect(book.output(2)).to_contain_text("busy")
    book.button("Pause").click()
    expect(page.locator(STATE)).to_have_text(re.compile("^paused"))
    pictures(book, "paused")
    at = page.locator("[data-points]").get_attribute("data-points")
    book.button("Resume").click()
    expect(page.locator("[data-points]")).not_to_have_attribute("data-points", at)
    book.button("Stop").click()
    expect(page.locator(STATE)).to_have_text(re.compile("^stopped"))
    # Had the clicks waited for the cell, it would be over.
    expect(book.cell(2).locator(".jp-InputPrompt").first).to_have_text("[*]:")
    pictures(book, "stopped")
    page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.interrupt()")
    book.wait_idle()


def test_reload_with_a_live_kernel_and_show_again(trained, expect):
    book = trained("bench", height=1800)
    page = book.page
    expect(page.locator("[data-points]")).to_have_attribute("data-points", "66")
    book.save()
    book.reload()
    expect(book.button("Train")).to_be_visible()
    expect(page.locator("[data-points]")).to_have_attribute("data-points", "66")
    expect(page.locator(STATE)).to_have_text(re.compile("^finished"))
    expect(page.get_by_role("textbox", name="max_steps", exact=True)).to_have_value("60")
    expect(page.locator(".workbench-snapshot")).to_be_hidden()
    pictures(book, "reloaded")
    book.run(1)
    again = book.output(1)
    expect(again.locator("[data-points]")).to_have_attribute("data-points", "66")
    again.get_by_role("button", name="Train", exact=True).click()
    expect(again.locator("[data-points]")).to_have_attribute("data-points", "132")
    expect(book.output(0).locator("[data-points]")).to_have_attribute("data-points", "132")


def test_a_saved_notebook_without_its_kernel_shows_a_picture(trained, expect):
    book = trained()
    page = book.page
    still = page.locator(".workbench-snapshot")
    expect(still).to_be_hidden()
    expect(still.locator("img")).to_have_count(1)
    book.save()
    page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    expect(page.get_by_text(GONE)).to_be_visible()
    pictures(book, "gone")
    book.reload()  # with a fresh kernel, which knows nothing of the panel
    expect(still.locator("img")).to_be_visible()
    expect(still).to_contain_text("lora-reviews-1")
    expect(page.get_by_text("Error displaying widget")).to_be_hidden()
    pictures(book, "still")


BOXES = """panel => [...panel.querySelectorAll('button, input, select, h3, dt, dd, span, canvas')]
  .filter((one) => !one.matches('.wb-state, .workbench-chart-legend *'))
  .map((one) => [one, one.getBoundingClientRect()]).filter(([, box]) => box.width)
  .map(([one, box]) => `${one.tagName} ${[box.x, box.y].map(Math.round)}`)"""
ICONS = """panel => [...panel.querySelectorAll('.jupyter-widgets-disconnected')]
  .filter((one) => !one.matches('.wb-fold'))
  .filter((one) => getComputedStyle(one, '::before').content !== 'none').length"""


def test_after_a_restart_the_panel_says_so_and_its_runs_come_back(trained, expect):
    book = trained(LONG, height=1800)
    page = book.page
    book.run(1)
    expect(page.get_by_role("textbox", name="max_steps", exact=True)).to_have_value("4000")
    book.button("Train").click()
    expect(page.locator(STATE)).to_have_text(re.compile("^training"))
    expect(row(book, "long")).to_be_visible()
    expect(page.locator("[data-points]")).not_to_have_attribute("data-points", "66")
    book.button("Pause").click()  # so that nothing moves by itself
    expect(page.locator(STATE)).to_have_text(re.compile("^paused"))
    panel = page.locator(".workbench-bench")
    before = panel.evaluate(BOXES)
    table = panel.locator(".wb-table .wb-state")
    ended = table.all_inner_texts()[0]
    book.restart_kernel()
    expect(page.get_by_text(GONE)).to_be_visible()
    expect(page.get_by_text(GONE)).to_have_count(1)
    expect(page.get_by_text(GONE)).to_be_in_viewport()
    assert panel.locator(".jupyter-widgets-disconnected").count() > 20
    assert panel.evaluate(ICONS) == 0
    mark = "fold => getComputedStyle(fold, '::before').content"
    assert "▸" in panel.locator(".wb-fold").first.evaluate(mark)
    assert panel.evaluate(BOXES) == before
    # What had ended keeps its word, with what was wrong with it.
    assert ended == table.all_inner_texts()[0]
    expect(page.locator(STATE)).to_have_text(re.compile("^interrupted"))
    # For no pointer, no key and no screen reader.
    expect(page.locator(".wb-dock")).to_have_js_property("inert", True)
    pictures(book, "restarted")
    # Further down the panel the banner is still in sight.
    page.set_viewport_size({"width": 1280, "height": 700})
    page.locator(".wb-results").scroll_into_view_if_needed()
    expect(page.get_by_text(GONE)).to_be_in_viewport()
    book.screenshot("bench-restarted-below")
    page.set_viewport_size({"width": 1280, "height": 1800})
    book.run(0)
    expect(book.button("Train")).to_be_visible()
    expect(row(book, "lora-reviews-1")).to_be_visible()
    row(book, "long").click()
    expect(page.locator(".wb-run strong")).to_have_text("long")
    expect(page.locator(STATE)).to_have_text(re.compile("^interrupted"))
    expect(page.locator("[data-points]")).not_to_have_attribute("data-points", "0")
    pictures(book, "earlier")


def test_a_double_click_on_train_makes_one_run(shown, expect):
    book = shown(LONG)
    page = book.page
    book.run(1)
    expect(page.get_by_role("textbox", name="max_steps", exact=True)).to_have_value("4000")
    book.button("Train").dblclick()
    expect(page.locator(STATE)).to_have_text(re.compile("^training"))
    book.button("Train").focus()
    for _ in range(2):
        page.keyboard.press("Enter", delay=60)
    expect(page.locator(".wb-row")).to_have_count(2)  # one more run for the key
    expect(page.locator(".wb-row").nth(1)).to_contain_text("training")
    expect(page.locator(".wb-row")).to_have_count(2)
    book.button("Stop").click()


def test_what_is_wrong_is_said_in_the_panel_and_goes_when_mended(shown, expect):
    book = shown(height=1500)
    page = book.page
    rank = page.get_by_role("textbox", name="r", exact=True)
    rank.fill("0")
    rank.press("Enter")
    said = page.get_by_text("r must be an integer of at least 1, but is 0.").first
    expect(said).to_be_visible()
    page.get_by_label("Data", exact=True).select_option(label="File, folder or hub id …")
    path = page.get_by_role("textbox", name=re.compile("^Data: "))
    path.fill("missing.csv")
    path.press("Enter")
    expect(
        page.get_by_text(re.compile("missing.csv")).locator("visible=true").first
    ).to_be_visible()
    book.button("Fix 2 settings").click()
    expect(page.get_by_label("Data", exact=True)).to_be_focused()
    expect(page.locator(".wb-message")).to_have_count(0)  # each is said where it is
    expect(page.locator(".wb-run")).to_have_count(0)
    pictures(book, "problems")
    rank.fill("4")
    rank.press("Enter")
    page.get_by_label("Data", exact=True).select_option("reviews")
    expect(said).to_be_hidden()
    expect(page.locator(".wb-message")).to_have_count(0)
    expect(page.locator(".wb-problem")).to_have_count(0)
    expect(page.locator(".jp-OutputArea-output[data-mime-type*='error']")).to_have_count(0)


OUTSIDE = """bench => {
  const box = bench.getBoundingClientRect();
  return [...bench.querySelectorAll('button, input, select, h3, dd, .wb-row span')]
    .filter((one) => {
      const inner = one.getBoundingClientRect();
      return inner.width && (inner.left < box.left - 1 || inner.right > box.right + 1
        || (one.matches('button, dd, h3') && one.scrollWidth > one.clientWidth + 1));
    })
    .map((one) => `${one.className} ${one.textContent}`);
}"""
OVERLAPPING = """bench => {
  const boxes = [...bench.querySelectorAll('button, input, select')]
    .map((one) => [one, one.getBoundingClientRect()]).filter(([, box]) => box.width);
  // The bar that stays in reach lies over what is scrolled below it.
  const inBar = (one) => Boolean(one.closest('.wb-dock'));
  return boxes.flatMap(([one, a], place) => boxes.slice(place + 1)
    .filter(([other, b]) => inBar(one) === inBar(other) && a.left < b.right - 1
      && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1)
    .map(([other]) => `${one.outerHTML} ${other.outerHTML}`));
}"""
# Words of the table that stick out of their cells, with the longest that a state can be.
STICKING_OUT = """bench => {
  bench.querySelectorAll('.wb-row .wb-state').forEach((one) => {
    one.textContent = 'finished, predicts one class';
  });
  return [...bench.querySelectorAll('.wb-table :is(th, td)')].filter((cell) => {
    const range = document.createRange();
    range.selectNodeContents(cell);
    return cell.checkVisibility() && !cell.matches('.wb-acts')
      && range.getBoundingClientRect().right > cell.getBoundingClientRect().right + 1;
  }).map((cell) => cell.textContent);
}"""


@pytest.mark.slow
def test_nothing_is_cut_off_at_any_width(trained, expect):
    book = trained(height=2600)
    page = book.page
    book.button("Compare").click()
    expect(page.locator(".wb-comparison img")).to_be_visible()
    for width in (640, 800, 1024, 1440, 1800):
        page.set_viewport_size({"width": width, "height": 2600})
        expect(page.locator(".workbench-bench")).to_be_visible()
        assert page.locator(".workbench-bench").evaluate(OUTSIDE) == [], width
        assert page.locator(".workbench-bench").evaluate(OVERLAPPING) == [], width
        assert page.locator(".workbench-bench").evaluate(STICKING_OUT) == [], width
        book.screenshot(f"bench-{width}")
    page.get_by_role("button", name="All arguments").click()
    expect(page.get_by_role("checkbox", name="use_rslora")).to_be_visible()
    assert page.locator(".workbench-bench").evaluate(OUTSIDE) == []
    book.screenshot("bench-arguments")
