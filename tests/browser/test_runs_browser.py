"""The runs of a bench and Try it, as a person meets them: with a pointer, with keys, and in any width."""

from __future__ import annotations

import re

MAKE = """\
import workbench as wb
recipe = wb.Recipe(
    max_length=64, max_train_samples=160, max_eval_samples=40, max_steps=20, eval_steps=10
)
bench = wb.Bench(recipe, runs="runs/{name}")
bench"""
TRAIN = """\
for r in (2, 16):
    bench.recipe = bench.recipe.replace(r=r)
    bench.train().wait()"""
TEXT = "I would not give this lovely kettle back for the world."
OUTSIDE = """panel => {
  const box = panel.getBoundingClientRect();
  return [...panel.querySelectorAll('.wb-runs *, .wb-try *')].filter((one) => {
    const inner = one.getBoundingClientRect();
    return inner.width && !one.matches('.wb-unseen, .wb-unseen *')
      && (inner.left < box.left - 1 || inner.right > box.right + 1);
  }).map((one) => `${one.className} ${one.textContent}`);
}"""


def open_bench(notebook, expect, name, **page):
    """Show a bench with two trained runs."""
    book = notebook([MAKE.format(name=name), TRAIN], name=f"{name}.ipynb", **page)
    book.run(0)
    expect(book.page.locator(".wb-trainable b")).to_be_visible()
    book.run(1)
    expect(row(book, "lora-reviews-2").locator(".wb-state")).to_have_text(re.compile("^finished"))
    return book


def row(book, name):
    return book.page.locator(f".wb-row[data-run='{name}']")


def names(book):
    return book.page.locator(".wb-pick").all_inner_texts()


def test_runs_are_sorted_renamed_hidden_used_and_deleted(notebook, expect):
    book = open_bench(notebook, expect, "actions", height=1800)
    page = book.page
    assert names(book) == ["lora r=2", "lora r=16"]
    # Sorted from the heading, by the keyboard.
    head = page.get_by_role("columnheader", name="Trainable")
    sort = head.get_by_role("button")
    sort.focus()
    page.keyboard.press("Enter")
    expect(head).to_have_attribute("aria-sort", "ascending")
    page.wait_for_timeout(600)  # a second click at once would be half of a double click
    page.keyboard.press("Enter")
    expect(head).to_have_attribute("aria-sort", "descending")
    assert names(book) == ["lora r=16", "lora r=2"]
    # The menu goes by arrows and Escape, and the notebook's cell stays where it is.
    more = row(book, "lora-reviews-1").locator(".wb-more")
    more.focus()
    page.keyboard.press("ArrowDown")
    items = page.get_by_role("menuitem")
    expect(items.nth(0)).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(items.nth(4)).to_be_focused()
    page.keyboard.press("Escape")
    expect(more).to_be_focused()
    more.click()
    book.screenshot("runs-menu")
    page.get_by_role("menuitem", name="Rename").click()
    field = page.get_by_role("textbox", name="New name of lora r=2")
    field.fill("small <b>rank</b>")
    field.press("Enter")
    expect(row(book, "lora-reviews-1").locator(".wb-pick")).to_have_text("small <b>rank</b>")
    expect(page.get_by_text("small <b>rank</b>").first).to_be_visible()
    more.click()
    page.get_by_role("menuitem", name="Use these settings").click()
    expect(page.get_by_role("textbox", name="r", exact=True)).to_have_value("2")
    more.click()
    page.get_by_role("menuitem", name="Hide").click()
    expect(row(book, "lora-reviews-1")).to_have_count(0)
    hidden = page.get_by_role("button", name="Show 1 hidden run")
    hidden.click()
    expect(row(book, "lora-reviews-1")).to_be_visible()
    book.screenshot("runs-hidden")
    more.click()
    page.get_by_role("menuitem", name="Delete").click()
    question = page.get_by_role("alertdialog")
    expect(question).to_contain_text("lora-reviews-1 with its weights?")
    expect(question.get_by_role("button", name="Keep it")).to_be_focused()
    for theme in ("dark", "light"):
        book.theme(theme)
        book.screenshot(f"runs-delete-{theme}")
    folder = book.lab.folder / "runs/actions/lora-reviews-1"
    assert folder.is_dir()
    question.get_by_role("button", name="Delete").click()
    expect(row(book, "lora-reviews-1")).to_have_count(0)
    expect(page.locator(".wb-pick")).to_have_text(["lora"])
    assert not folder.exists()
    assert (folder.parent / "lora-reviews-2").is_dir()


def test_a_run_is_tried(notebook, expect):
    book = open_bench(notebook, expect, "try", height=2200)
    page = book.page
    examples = page.locator(".wb-asked tbody tr")
    expect(examples).to_have_count(6)
    expect(page.locator(".wb-asked :is(.wb-right, .wb-wrong)")).to_have_count(12)
    expect(page.locator(".wb-asked thead")).to_contain_text(re.compile("[0-6] of 6 right"))
    field = page.get_by_role("textbox", name="Input text")
    field.fill(TEXT)
    field.press("Enter")
    answers = page.locator(".wb-answer")
    expect(answers.nth(1).locator(".wb-probabilities li")).to_have_count(2)
    expect(answers.nth(0)).to_contain_text("its new head is not trained")
    expect(answers.nth(1).get_by_role("heading")).to_have_text("lora r=16")
    # The other run, by its name; what is typed stays.
    page.get_by_role("combobox", name="Run to try").select_option(label="lora r=2")
    expect(page.locator(".wb-answer")).to_have_count(0)
    expect(field).to_have_value(TEXT)
    page.get_by_role("button", name="Predict", exact=True).click()
    expect(answers.nth(1).get_by_role("heading")).to_have_text("lora r=2")
    first = examples.nth(0).get_by_role("button")
    words = first.inner_text()
    first.click()
    expect(field).to_have_value(words)
    expect(answers.nth(1).locator(".wb-probabilities li")).to_have_count(2)
    expect(page.locator(".wb-asked :is(.wb-right, .wb-wrong)")).to_have_count(12)
    panel = page.locator(".workbench-bench")
    for width in (1440, 900, 640):
        page.set_viewport_size({"width": width, "height": 2200})
        expect(field).to_be_visible()
        assert panel.evaluate(OUTSIDE) == [], width
        book.screenshot(f"try-{width}")
    book.theme("dark")
    book.screenshot("try-dark", page.locator(".wb-try"))
