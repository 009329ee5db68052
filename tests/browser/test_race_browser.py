"""A race as a person meets it: in JupyterLab, with a kernel that trains three runs at once."""

from __future__ import annotations

import re

import pytest

MAKE = """\
import workbench as wb
recipe = wb.Recipe(
    max_length=64, max_train_samples=160, max_eval_samples=32, max_steps={steps}, eval_steps=20
)
race = wb.Race(
    [recipe, recipe.replace(r=16), recipe.replace(technique="ia3")], runs="runs/{name}"
)
race"""
ENDED = re.compile("finished|stopped")


@pytest.fixture
def shown(notebook, expect, request):
    """Show a race of three in cell 0 and give the notebook."""

    def show(*cells, steps=40, **page):
        name = re.sub(r"\W+", "-", request.node.name)
        make = MAKE.format(name=name, steps=steps)
        book = notebook([make, *cells], name=f"{name}.ipynb", **page)
        book.run(0)
        expect(rows(book)).to_have_count(3)
        return book

    return show


def rows(book):
    return book.output(0).locator(".workbench-queue tbody tr")


def row(book, name):
    """Find the row of a run: rows change places."""
    named = book.page.get_by_role("button", name=name, exact=True)
    return rows(book).filter(has=named)


def points(book):
    return book.output(0).locator("[data-points]")


def pictures(book, name):
    """Take a picture in each theme."""
    for theme in ("dark", "light"):
        book.theme(theme)
        book.screenshot(f"race-{name}-{theme}")


def test_start_pause_clone_stop_and_the_standings(shown, expect):
    book = shown(steps=4000, height=1500)
    page = book.page
    expect(rows(book).nth(1)).to_contain_text("r 16")
    expect(rows(book).nth(2)).to_contain_text("waiting")
    pictures(book, "ready")
    legend = book.output(0).get_by_role("list", name="Runs")
    book.button("Start").click()
    # Every run has points, and an evaluation with its score: that is nine lines.
    expect(points(book)).to_have_attribute("data-series", "9")
    first, second, third = (
        row(book, name) for name in ("lora-reviews-1", "lora-reviews-2", "ia3-reviews-1")
    )
    named = legend.get_by_role("button", name="ia3-reviews-1", exact=True)
    named.click()
    expect(points(book)).to_have_attribute("data-series", "6")
    named.click()
    expect(points(book)).to_have_attribute("data-series", "9")
    expect(first.locator(".queue-medal")).to_have_text(re.compile("[123]"))
    expect(first.locator(".queue-metric")).to_have_text("accuracy")
    page.get_by_role("button", name=re.compile("^Pause lora-reviews-1")).click()
    expect(first).to_contain_text("paused")
    still = first.locator(".queue-step").inner_text()
    ahead = second.locator(".queue-step").inner_text()
    expect(second.locator(".queue-step")).not_to_have_text(ahead)
    expect(first.locator(".queue-step")).to_have_text(still)
    pictures(book, "paused")
    page.get_by_role("button", name=re.compile("^Clone and change lora-reviews-2")).click()
    rank = page.get_by_role("textbox", name="r", exact=True)
    expect(rank).to_have_value("16")
    rank.fill("2")
    rank.press("Enter")
    pictures(book, "clone")
    book.button("Add the clone").click()
    expect(rows(book)).to_have_count(4)
    clone = row(book, "lora-reviews-3")
    expect(clone).to_contain_text("r 2")
    expect(clone).to_contain_text("training")
    page.get_by_role("button", name=re.compile("^Stop ia3-reviews-1")).click()
    expect(third).to_contain_text("stopped")
    page.locator(".queue-name", has_text="ia3-reviews-1").click()
    expect(page.locator(".wb-status .wb-run strong", has_text="ia3-reviews-1")).to_be_visible()
    book.button("Stop all").click()
    for number in range(4):
        expect(rows(book).nth(number).locator(".queue-word")).to_have_text("stopped")
    book.button("Compare").click()
    expect(page.locator(".wb-comparison img")).to_be_visible()
    pictures(book, "compared")


PLACES = "rows => rows.map((row) => row.querySelector('.queue-medal').textContent)"
NAMES = "rows => rows.map((row) => row.querySelector('.queue-name').textContent)"


def test_rows_are_in_the_order_of_places_or_of_the_column_that_was_clicked(shown, expect):
    book = shown(steps=20, height=1500)
    page = book.page
    book.button("Start").click()
    for number in range(3):
        word = rows(book).nth(number).locator(".queue-word")
        expect(word).to_have_text(ENDED, timeout=180_000)
    page.mouse.move(4, 4)  # nothing moves under the pointer
    body = book.output(0).locator(".workbench-queue")
    expect(body.locator("th[aria-sort=ascending]")).to_have_text("Place")
    places = rows(book).evaluate_all(PLACES)
    assert places == sorted(places)
    for _ in range(2):
        body.get_by_role("button", name="Run", exact=True).click()
    expect(body.locator("th[aria-sort=descending]")).to_have_text("Run")
    assert rows(book).evaluate_all(NAMES) == ["ia3-reviews-1", "lora-reviews-2", "lora-reviews-1"]
    more = page.get_by_role("button", name="More: how the runs share the computer", exact=True)
    expect(page.get_by_label("runs at a time", exact=True)).to_be_hidden()
    more.click()
    expect(page.get_by_label("runs at a time", exact=True)).to_be_visible()
    pictures(book, "sorted")


def test_a_double_click_on_start_starts_the_race(shown, expect):
    book = shown(steps=4000, height=1500)
    page = book.page
    start, stop = book.button("Start"), book.button("Stop all")
    expect(stop).to_be_disabled()
    places = start.bounding_box(), stop.bounding_box()
    start.dblclick()
    expect(rows(book).first.locator(".queue-word")).to_have_text("training")
    pause = book.button("Pause all")
    assert (pause.bounding_box(), stop.bounding_box()) == places
    pause.dblclick()
    expect(book.button("Resume all")).to_be_focused()
    expect(rows(book).first.locator(".queue-word")).to_have_text("paused")
    page.keyboard.press("Enter")  # the focus is where it was
    expect(rows(book).first.locator(".queue-word")).to_have_text("training")
    stop.click()
    for number in range(3):
        expect(rows(book).nth(number).locator(".queue-word")).to_have_text("stopped")


def test_a_grid_is_added_in_one_line(shown, expect):
    book = shown(height=1500)
    page = book.page
    page.get_by_role("button", name="Add runs: all combinations of some settings").click()
    line = page.get_by_placeholder("learning_rate=1e-4, 3e-4; r=4, 16")
    line.fill("learning_rate=1e-4, 3e-4; r=2")
    expect(page.get_by_text(re.compile("Makes 2 runs like"))).to_be_visible()
    book.button("Add 2 runs").click()
    expect(rows(book)).to_have_count(5)
    line.fill("colour=1, 2")
    expect(page.get_by_text(re.compile("colour must be"))).to_be_visible()
    expect(book.button("Add runs")).to_be_disabled()
    pictures(book, "grid")


OUTSIDE = """panel => {
  const box = panel.getBoundingClientRect();
  return [...panel.querySelectorAll('button, input, select, th, td, dd')]
    .filter((one) => {
      const inner = one.getBoundingClientRect();
      return inner.width && (inner.left < box.left - 1 || inner.right > box.right + 1
        || (one.matches('td, dd') && one.scrollWidth > one.clientWidth + 1));
    })
    .map((one) => `${one.className} ${one.textContent}`);
}"""


@pytest.mark.slow
def test_at_any_width_after_a_reload_and_without_a_kernel(shown, expect):
    book = shown(steps=20)
    page = book.page
    book.button("Start").click()
    for number in range(3):
        expect(rows(book).nth(number).locator(".queue-word")).to_have_text(ENDED)
    expect(points(book)).to_have_attribute("data-points", "66")
    for width in (560, 700, 900, 1400):
        page.set_viewport_size({"width": width, "height": 1500})
        expect(page.locator(".workbench-race")).to_be_visible()
        assert page.locator(".workbench-race").evaluate(OUTSIDE) == [], width
        book.screenshot(f"race-{width}")
    book.save()
    book.reload()
    expect(rows(book)).to_have_count(3)
    expect(rows(book).nth(2)).to_contain_text("finished")
    expect(points(book)).to_have_attribute("data-points", "66")
    page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    book.reload()  # with a fresh kernel, which knows nothing of the panel
    still = page.locator(".workbench-snapshot")
    expect(still.locator("img")).to_be_visible()
    expect(still).to_contain_text("ia3-reviews-1")
    pictures(book, "still")
