"""The anatomy as a person meets it: ticked in JupyterLab, in the bench and by itself."""

from __future__ import annotations

import re

import pytest

MAKE = """\
import workbench as wb
bench = wb.Bench(wb.Recipe(max_train_samples=320, max_eval_samples=64), runs="runs/anatomy")
bench"""
ALONE = "import workbench as wb\nanatomy = wb.Anatomy(wb.Recipe(technique='dora'))\nanatomy"
CUT = """panel => {
  const box = panel.getBoundingClientRect();
  return [...panel.querySelectorAll('button, input, dd, .wa-name, .wa-chip, .wa-count')]
    .filter((one) => {
      const inner = one.getBoundingClientRect();
      return inner.width && (inner.left < box.left - 1 || inner.right > box.right + 1);
    })
    .map((one) => one.textContent);
}"""
# Labels of a picture that lie over one another, letters that are too small to read, what is cut off.
UNREADABLE = """picture => {
  const texts = [...picture.querySelectorAll('svg text')];
  const boxes = texts.map((one) => one.getBoundingClientRect());
  const over = (a, b) => a.left < b.right - 1 && b.left < a.right - 1
    && a.top < b.bottom - 4 && b.top < a.bottom - 4;
  const whole = picture.getBoundingClientRect();
  const shapes = [...picture.querySelectorAll('svg, p, li')];
  return [
    ...texts.filter((_, i) => boxes.some((b, j) => i < j && over(boxes[i], b)))
      .map((one) => 'over: ' + one.textContent),
    ...texts.filter((one) => parseFloat(getComputedStyle(one).fontSize) < 11)
      .map((one) => 'small: ' + one.textContent),
    ...shapes.filter((one) => one.getBoundingClientRect().right > whole.right + 1)
      .map((one) => 'cut: ' + one.textContent),
  ];
}"""


@pytest.fixture
def opened(notebook, expect):
    """Show a bench, open its anatomy, and give the notebook."""

    def open_it(**page):
        book = notebook(
            [MAKE, "print(bench.recipe.technique_args)"], name="anatomy.ipynb", height=1900, **page
        )
        book.run(0)
        expect(book.page.locator(".wb-trainable b")).to_be_visible()
        book.button("Anatomy: what is trained, layer by layer").click()
        expect(book.page.locator(".wa-figures dd").first).to_be_visible()
        return book

    return open_it


def test_ticking_changes_the_recipe_and_the_figures(opened, expect):
    book = opened()
    page = book.page
    trainable = page.locator(".wa-figures dd").first
    before = trainable.inner_text()
    page.get_by_role("checkbox", name="Wrap model.layers.0.mlp", exact=True).click()
    expect(trainable).not_to_have_text(before)
    page.get_by_role("button", name="Layer 0", exact=True).click()
    expect(page.locator(".wa-code")).to_contain_text("layers_to_transform=[1, 2, 3]")
    expect(trainable).to_contain_text("49,664")
    expect(page.locator(".wb-trainable b")).to_have_text("49,664")
    book.run(1)
    expect(book.output(1)).to_contain_text("'layers_to_transform': [1, 2, 3]")
    for width in (640, 800, 1440):
        page.set_viewport_size({"width": width, "height": 1900})
        assert page.locator(".workbench-anatomy").evaluate(CUT) == [], width
        for theme in ("dark", "light"):
            book.theme(theme)
            book.screenshot(f"anatomy-{width}-{theme}")


def test_switching_the_technique_redraws_the_tree(opened, expect):
    book = opened()
    page = book.page
    expect(page.locator(".wa-chip").first).to_contain_text("lora_A")
    for technique, said in (
        ("dora", "lora_magnitude_vector"),
        ("ia3", "ia3_l"),
        ("prompt_tuning", "prompt_encoder"),
        ("last_layers", "modules_to_save"),
    ):
        book.pick_technique(technique)
        chips = page.locator(".wa-chip", has_text=said)
        if technique == "last_layers":
            expect(page.locator(".wa-said")).to_contain_text("wraps no layer")
            expect(page.locator(".wa-row.wa-trained").first).to_be_visible()
        else:
            expect(chips.first).to_be_visible()
        picture = page.locator(".wa-drawing .wd")
        expect(picture.get_by_role("img").first).to_be_visible()
        assert picture.evaluate(UNREADABLE) == [], technique
        book.screenshot(f"anatomy-{technique}", page.locator(".workbench-anatomy"))
    expect(page.locator("input.wa-tick")).to_have_count(0)


def test_a_click_on_a_module_draws_it_or_says_why_not(opened, expect):
    book = opened()
    page = book.page
    picture = page.locator(".wa-drawing .wd")
    expect(picture).to_contain_text("What LoRA does to model.layers.0.self_attn.q_proj")
    page.get_by_role("button", name="Draw model.layers.0.mlp.up_proj", exact=True).click()
    expect(picture).to_contain_text("What LoRA does to model.layers.0.mlp.up_proj")
    expect(picture).to_contain_text("448 × 256")
    drawn = page.locator(".wa-row.wa-drawn .wa-pick")
    expect(drawn).to_have_text("up_proj")
    expect(drawn).to_be_focused()  # the rows are made anew, and the keyboard stays where it was
    page.locator("[data-module='model.norm'] .wa-kind").click()  # the whole row is a place to click
    expect(picture).to_contain_text("LoRA leaves norm as it is")
    page.get_by_role("checkbox", name="Wrap model.layers.0.mlp", exact=True).click()
    expect(picture).to_contain_text("LoRA changes nothing in mlp")
    for width in (640, 900, 1440):
        page.set_viewport_size({"width": width, "height": 1900})
        assert picture.evaluate(UNREADABLE) == [], width


def test_the_technique_card_draws_what_its_arguments_say(notebook, expect):
    book = notebook([MAKE], name="card.ipynb", height=1400)
    book.run(0)
    page = book.page
    picture = page.locator(".wb-technique-picture .wd")
    expect(picture).to_contain_text("h = W x + α/r · B A x")
    expect(picture).to_contain_text("= 4,096")
    page.get_by_role("textbox", name="r", exact=True).fill("16")
    page.get_by_role("textbox", name="r", exact=True).press("Enter")
    expect(picture).to_contain_text("= 8,192")
    for theme in ("dark", "light"):
        book.theme(theme)
        assert picture.evaluate(UNREADABLE) == [], theme
        book.screenshot(f"technique-card-{theme}")
    for width in (900, 1280):
        page.set_viewport_size({"width": width, "height": 1400})
        assert picture.evaluate(UNREADABLE) == [], width
        book.screenshot(f"technique-card-{width}")


@pytest.mark.slow
def test_it_stands_alone(notebook, expect):
    book = notebook([ALONE, "print(anatomy.recipe.technique_args)"], name="alone.ipynb")
    book.run(0)
    page = book.page
    page.get_by_role("checkbox", name="Wrap model.layers.0.self_attn.q_proj", exact=True).click()
    expect(page.locator(".wa-code")).to_contain_text("anatomy.recipe.replace(target_modules=")
    page.get_by_role("button", name="Close model.layers.0.mlp").click()
    expect(page.locator("[data-module='model.layers.0.mlp.up_proj']")).to_have_count(0)
    book.run(1)
    expect(book.output(1)).not_to_contain_text("q_proj")
    expect(book.output(1)).to_contain_text("k_proj")


@pytest.mark.slow
def test_a_saved_notebook_without_its_kernel_shows_the_tree(notebook, expect):
    book = notebook([ALONE], name="alone-saved.ipynb")
    book.run(0)
    page = book.page
    expect(page.locator(".workbench-anatomy .wa-row").first).to_be_visible()
    expect(page.locator(".workbench-anatomy-snapshot")).to_be_hidden()
    book.save()
    page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    book.reload()  # with a fresh kernel, which knows nothing of the panel
    expect(page.locator(".workbench-anatomy-snapshot svg").first).to_be_visible()
    expect(page.get_by_text("Error displaying widget")).to_be_hidden()
    book.screenshot("anatomy-still")


@pytest.mark.slow
def test_adaloras_count_is_drawn_while_it_trains(notebook, expect):
    made = """\
import workbench as wb
recipe = wb.Recipe(
    technique="adalora", max_length=64, max_train_samples=160, max_eval_samples=32, max_steps=40,
    technique_args={"tinit": 4, "tfinal": 10, "deltaT": 1},
)
bench = wb.Bench(recipe, runs="runs/ranks")
bench"""
    book = notebook([made], name="ranks.ipynb", height=1500)
    book.run(0)
    expect(book.page.locator(".wb-trainable b")).to_be_visible()
    book.button("Train").click()
    expect(book.page.locator(".wb-ranks polyline")).to_be_visible()
    expect(book.page.locator(".wb-run .wb-state")).to_have_text(re.compile("^finished"))
    book.screenshot("ranks", book.page.locator(".wb-curves"))
