"""Knobs, Train and the curve on one screen, with JupyterLab's file browser open."""

from __future__ import annotations

import re

import pytest

MAKE = """\
import workbench as wb
short = dict(max_length=64, max_train_samples=320, max_eval_samples=32, max_steps=20, eval_steps=20)
wb.Bench(wb.Recipe(**short), runs="runs/{name}")"""
STATE = ".wb-run .wb-state"
SIZES = ((1440, 900), (1280, 720))
# How far an element sticks out of what can be seen of the notebook, in pixels.
HIDDEN = """element => {
  const seen = element.closest('.jp-WindowedPanel-outer').getBoundingClientRect();
  const box = element.getBoundingClientRect();
  if (!box.width || !box.height) return Infinity;
  const over = [seen.top - box.top, seen.left - box.left, box.bottom - seen.bottom, box.right - seen.right];
  return Math.max(0, ...over);
}"""
SCROLLED = "() => document.querySelector('.jp-WindowedPanel-outer').scrollTop"
BOX = (
    "element => { const { x, y, width } = element.getBoundingClientRect(); return [x, y, width]; }"
)


@pytest.fixture
def shown(notebook, expect, request, lab, monkeypatch):
    """Show a bench in JupyterLab with the file browser, and wait until it has counted."""
    name = re.sub(r"\W+", "-", request.node.name)
    # A workspace of its own has no tabs of other tests.
    monkeypatch.setattr(lab, "page", f"lab/workspaces/{name}/tree")

    def show(**page):
        book = notebook([MAKE.format(name=name)], name=f"{name}.ipynb", **page)
        expect(book.page.locator(".jp-DirListing")).to_be_visible()
        book.run(0)
        expect(book.page.locator(".wb-trainable b")).to_be_visible()
        return book

    return show


def parts(book):
    """Return what has to be in sight: what one turns, clicks and watches."""
    page = book.page
    return {
        "Train": book.button("Train"),
        "Stop": book.button("Stop"),
        "count": page.locator(".wb-trainable b"),
        "technique": page.get_by_label("Technique", exact=True).first,
        "r": page.get_by_role("textbox", name="r", exact=True),
        "score": page.locator(".wb-score b"),
        "chart": page.locator(".workbench-chart"),
    }


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_pick_train_and_watch_without_scrolling(shown, expect, width, height):
    book = shown(width=width, height=height)
    page = book.page
    train = book.button("Train")
    at = train.evaluate(BOX)
    first = {name: parts(book)[name] for name in ("Train", "count", "technique", "r")}
    first |= {"handle": page.locator(".wb-with-slider .noUi-handle").first}
    first |= {name: page.get_by_label(name, exact=True) for name in ("Base model", "Data", "Task")}
    hidden = {name: part.evaluate(HIDDEN) for name, part in first.items()}
    assert hidden == dict.fromkeys(hidden, 0)
    book.screenshot(f"layout-{width}-fresh")
    train.click()
    expect(page.locator(STATE)).to_have_text(re.compile("^training"))
    expect(page.locator("[data-points]")).not_to_have_attribute("data-points", "0")
    chart = page.locator(".workbench-chart").evaluate(BOX)
    hidden = {name: part.evaluate(HIDDEN) for name, part in parts(book).items()}
    assert hidden == dict.fromkeys(hidden, 0)
    book.screenshot(f"layout-{width}-training")
    # Base and data in a line each say what they are.
    expect(page.locator(".wb-folded")).to_have_count(2)
    expect(page.locator(".wb-line").first).to_contain_text("Village 3M · 3.0 M parameters")
    expect(page.locator(".wb-line").nth(1)).to_contain_text("1,240 rows")
    expect(page.locator(STATE)).to_have_text(re.compile("^finished"))
    # Nothing has moved, neither under the pointer nor where one looks.
    assert train.evaluate(BOX) == at
    assert page.locator(".workbench-chart").evaluate(BOX) == chart
    assert page.evaluate(SCROLLED) == 0
    book.theme("dark")
    book.screenshot(f"layout-{width}-finished-dark")


@pytest.mark.slow
def test_lines_open_by_key_and_the_bar_stays_in_reach(shown, expect):
    book = shown(width=1280, height=720)
    page = book.page
    fold = page.get_by_role("button", name="Collapse Base model", exact=True)
    expect(fold).to_have_attribute("aria-expanded", "true")
    fold.focus()
    page.keyboard.press("Enter")
    change = page.get_by_role("button", name="Change Base model", exact=True)
    expect(change).to_have_attribute("aria-expanded", "false")
    expect(change).to_be_focused()
    picker = page.get_by_label("Base model", exact=True)
    expect(picker).to_be_hidden()
    page.keyboard.press("Enter")
    expect(picker).to_be_visible()
    expect(fold).to_be_focused()
    # The whole line opens a card.
    fold.click()
    expect(change).to_have_attribute("aria-expanded", "false")
    line = page.locator(".wb-line").first.bounding_box()
    page.mouse.click(line["x"] + 20, line["y"] + 8)
    expect(picker).to_be_visible()
    for width in (1280, 900):
        page.set_viewport_size({"width": width, "height": 720})
        page.locator(".wb-anatomy").scroll_into_view_if_needed()
        page.locator(".wb-anatomy").evaluate("one => one.scrollIntoView({block: 'end'})")
        assert page.evaluate(SCROLLED) > 200
        assert book.button("Train").evaluate(HIDDEN) == 0
        book.screenshot(f"layout-bar-{width}")
        # What gets the focus from the keyboard does not lie under the bar.
        field = page.get_by_role("textbox", name="r", exact=True)
        field.focus()
        field.evaluate("one => one.scrollIntoView({block: 'nearest'})")
        assert field.bounding_box()["y"] > page.locator(".wb-dock").bounding_box()["y"] + 40


def test_adding_to_a_race_leads_to_it(shown, expect):
    book = shown(width=1280, height=720)
    page = book.page
    book.button("Add to race").click()
    start = book.button("Start")
    expect(start).to_be_focused()
    expect(start).to_be_in_viewport(ratio=1)
    book.screenshot("layout-race")
    book.button("Add to race").click()
    expect(page.get_by_text("Added to the race below, which has 2 runs now.")).to_be_visible()
    start.click()
    for number in range(2):
        row = page.locator(".workbench-queue tbody tr").nth(number)
        expect(row.locator(".queue-word")).to_have_text(re.compile("finished"))
    for name in ("Compare", "Export"):
        expect(page.get_by_role("button", name=name, exact=True)).to_have_count(1)
    book.button("Compare").click()
    expect(page.locator(".wb-comparison tbody th")).to_have_count(2)
