"""Techniques as a person picks them: with the keyboard, the mouse or a finger, in any window."""

from __future__ import annotations

import re

import pytest
from test_keys_browser import NOTEBOOK

BENCH = """\
import workbench as wb
recipe = wb.Recipe(max_length=64, max_train_samples=320, max_eval_samples=64, technique="{0}")
bench = wb.Bench(recipe, runs="runs/{1}")
bench"""
RACE = """\
import workbench as wb
race = wb.Race([wb.Recipe(max_steps=4, max_train_samples=64)])
race"""
# The ids that one element names in an attribute, and whether they are there.
REFERS = """(element, name) => {
  const ids = (element.getAttribute(name) ?? '').split(' ').filter(Boolean);
  return ids.length > 0 && ids.every((id) => document.getElementById(id));
}"""
# Whatever of the list's options nothing else lies over, at its middle.
IN_SIGHT = """option => {
  const { left, top, width, height } = option.getBoundingClientRect();
  const hit = document.elementFromPoint(left + width / 2, top + height / 2);
  return option.contains(hit);
}"""


class Picker:
    """The bench's picker in a page."""

    def __init__(self, book, expect):
        self.book, self.page, self.expect = book, book.page, expect
        self.field = self.page.get_by_label("Technique", exact=True)
        self.search = self.page.get_by_role("combobox", name="Search techniques", expanded=True)
        self.list = self.page.get_by_role("listbox", name="Techniques")
        self.pane = self.page.locator(".wt-pane")

    def option(self, name):
        return self.list.locator(f"[data-name={name}]")

    def press(self, *keys):
        for key in keys:
            self.page.keyboard.press(key)

    def active(self):
        """Return the option that a screen reader is told of."""
        return self.page.locator(f"[id='{self.search.get_attribute('aria-activedescendant')}']")


@pytest.fixture
def opened(request, notebook, expect):
    """Show a bench and return its picker."""

    def show(technique="lora", **how):
        name = re.sub(r"\W+", "-", request.node.name)
        cells = [BENCH.format(technique, name), "'second'", "bench.recipe.technique"]
        book = notebook(cells, name=f"{name}.ipynb", **how)
        book.run(0)
        picker = Picker(book, expect)
        expect(picker.field).to_be_visible()
        return picker

    return show


def test_keys_search_move_and_pick_and_stay_in_the_panel(opened, expect):
    picker = opened()
    expect(picker.field).to_have_text("LoRALow-rank adaptation (LoRA)")
    expect(picker.field).to_have_attribute("aria-expanded", "false")
    before = picker.page.evaluate(NOTEBOOK)
    picker.field.focus()
    picker.press("ArrowDown")
    expect(picker.search).to_be_focused()
    expect(picker.field).to_have_attribute("aria-expanded", "true")
    assert picker.field.evaluate(REFERS, "aria-controls")
    for attribute in ("aria-controls", "aria-activedescendant", "aria-describedby"):
        assert picker.search.evaluate(REFERS, attribute), attribute
    assert picker.active().get_attribute("data-name") == "lora"
    expect(picker.option("lora")).to_have_attribute("aria-selected", "true")
    groups = picker.list.get_by_role("group")
    expect(groups.first).to_have_accessible_name("Good first choices")
    names = groups.evaluate_all("all => all.map((group) => group.firstChild.textContent)")
    assert len(names) == len(set(names)) > 10
    total = picker.list.get_by_role("option").count()
    assert total > 70
    for keys, name in (
        (["ArrowDown", "ArrowDown", "ArrowUp"], "qlora"),
        (["Home"], "lora"),
        (["ArrowUp"], "lora"),
        (["PageDown"], "rslora"),
        (["PageUp"], "lora"),
        (["End"], "few_shot"),
    ):
        picker.press(*keys)
        assert picker.active().get_attribute("data-name") == name, keys
        expect(picker.active()).to_be_in_viewport(ratio=1)
    for typed, name in (("ia3", "ia3"), ("4-bit", "qlora"), ("butterfly fact", "boft")):
        picker.search.fill(typed)
        assert picker.active().get_attribute("data-name") == name, typed
    picker.search.fill("no such thing")
    expect(picker.page.get_by_role("status").filter(has_text="Nothing found")).to_be_visible()
    expect(picker.search).not_to_have_attribute("aria-activedescendant", re.compile("."))
    picker.press("Escape")
    expect(picker.field).to_be_focused()
    expect(picker.list).to_be_hidden()
    picker.page.keyboard.type("householder")
    expect(picker.pane).to_contain_text("Householder reflections")
    picker.press("Enter")
    expect(picker.field).to_have_text("HRAOrthogonal fine-tuning")
    expect(picker.field).to_be_focused()
    picker.press("ArrowUp", "Tab")
    expect(picker.pane).to_be_focused()
    picker.press("Escape")
    expect(picker.field).to_be_focused()
    picker.press("ArrowUp", "Tab", "Tab")
    expect(picker.list).to_be_hidden()
    assert picker.page.evaluate(NOTEBOOK) | {"status": True} == before | {"status": True}
    picker.book.run(2)
    expect(picker.book.output(2)).to_contain_text("'hra'")


@pytest.mark.slow
def test_what_a_technique_costs_and_looks_like_comes_by_and_by(opened, expect):
    picker = opened()
    picker.field.click()
    expect(picker.pane).to_contain_text("two trained low-rank matrices")
    counted = picker.page.locator(".wb-trainable b")
    expect(counted).to_be_visible()
    cost = picker.option("lora").locator(".wt-cost")
    expect(cost).to_have_text(re.compile(r"\d"), timeout=120_000)
    expect(picker.pane).to_contain_text(f"{counted.inner_text()} trainable parameters on this base")
    expect(picker.option("lora")).to_have_attribute(
        "aria-label", re.compile(f"^LoRA, {counted.inner_text()} trainable parameters, .*merged")
    )
    drawing = picker.pane.locator(".wt-picture [role=img]").first
    expect(drawing).to_have_accessible_name(re.compile("^LoRA on "))
    picker.option("ia3").hover()
    expect(picker.pane).to_contain_text("one trained factor for each feature")
    expect(drawing).to_have_accessible_name(re.compile("^IA³ on "))
    expect(picker.search).to_be_focused()
    expect(picker.option("alora")).to_contain_text("only for instruction data", timeout=180_000)
    picker.list.locator(".wt-group").first.click()
    expect(picker.search).to_be_focused()
    for theme in ("dark", "light"):
        picker.book.theme(theme)
        picker.book.screenshot(f"picker-{theme}")
    picker.option("ia3").click()
    expect(picker.field).to_have_text("IA³Scaling and bias vectors")
    expect(picker.page.get_by_label("init_ia3_weights")).to_have_count(0)
    picker.field.click()
    picker.page.mouse.click(3, 450)
    expect(picker.list).to_be_hidden()


@pytest.mark.slow
@pytest.mark.parametrize(("width", "height"), [(1280, 720), (900, 700), (720, 450), (400, 700)])
def test_nothing_cuts_the_open_picker_off(opened, expect, width, height):
    picker = opened(width=width, height=height)
    picker.page.locator(".jp-Cell-outputArea").first.evaluate(
        "area => Object.assign(area.style, { maxHeight: '260px', overflow: 'auto' })"
    )
    picker.field.scroll_into_view_if_needed()
    picker.field.click()
    # It follows its field when the window changes.
    picker.page.set_viewport_size({"width": width, "height": height + 60})
    picker.page.set_viewport_size({"width": width, "height": height})
    popover = picker.page.locator(".wt-popover")
    popover.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
    box = popover.bounding_box()
    notebook = picker.page.locator(".jp-WindowedPanel-outer").bounding_box()
    assert box["x"] >= 0 and box["y"] >= 0
    assert box["x"] + box["width"] <= width
    assert box["y"] + box["height"] <= notebook["y"] + notebook["height"]
    for name in ("lora", "few_shot"):
        picker.press("Home" if name == "lora" else "End")
        assert picker.option(name).evaluate(IN_SIGHT)
        wide = picker.option(name).evaluate("row => row.scrollWidth - row.clientWidth")
        assert wide <= 0
    expect(picker.pane.locator(".wt-sentence")).to_be_in_viewport()
    picker.book.screenshot(f"picker-{width}")


@pytest.mark.slow
def test_a_finger_looks_first_and_picks_then(opened, expect, browser):
    picker = opened()
    for name, again in (("dora", False), ("dora", True)):
        if not again:
            picker.field.click()
        picker.option(name).evaluate(
            """row => {
              const at = { bubbles: true, pointerType: 'touch' };
              row.dispatchEvent(new PointerEvent('pointerdown', at));
              row.dispatchEvent(new PointerEvent('click', at));
            }"""
        )
        if not again:
            expect(picker.pane).to_contain_text("separately trained magnitude")
            expect(picker.field).to_contain_text("LoRA")
    expect(picker.field).to_contain_text("DoRA")


@pytest.mark.slow
def test_after_a_reload_the_picked_technique_is_shown_and_others_can_be_picked(opened, expect):
    picker = opened("boft")
    picker.book.pick_technique("vera")
    expect(picker.field).to_contain_text("VeRA")
    picker.book.save()
    picker.book.reload()
    expect(picker.field).to_contain_text("VeRA")
    picker.book.pick_technique("prefix")
    expect(picker.field).to_contain_text("Prefix tuning")


@pytest.mark.slow
def test_techniques_of_a_grid_are_picked_in_the_same_list(notebook, expect):
    book = notebook([RACE], name="picker-grid.ipynb")
    book.run(0)
    page = book.page
    book.button("Add runs: all combinations of some settings").click()
    page.locator(".wb-grid select").select_option("technique")
    expect(page.get_by_text("Pick techniques below")).to_be_visible()
    for words in ("dora", "ia3", "vera", "ia3"):
        book.pick_technique(words, "Techniques of the grid")
    expect(page.locator(".wb-grid input[type=text]").first).to_have_value("technique=dora, vera")
    expect(book.button("Add 2 runs")).to_be_enabled()
    book.button("Add 2 runs").click()
    expect(page.locator(".queue-name", has_text="vera")).to_be_visible()
