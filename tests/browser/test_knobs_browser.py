"""The knobs in a real browser: help by pointer, focus and screen reader, errors, contrast, sizes."""

from __future__ import annotations

import csv
import re

import pytest

BENCH = """\
import workbench as wb
recipe = wb.Recipe(max_length=64, max_train_samples=320, max_eval_samples=64, max_steps=20)
bench = wb.Bench(recipe, runs="runs/knobs")
bench"""
RACE = """\
import workbench as wb
recipe = wb.Recipe(max_length=64, max_train_samples=64, max_eval_samples=32, max_steps=4)
race = wb.Race([recipe, recipe.replace(r=2)], "runs/knobs-race")
race"""

# The text that a screen reader says after a control's name, as the browser finds it.
DESCRIPTION = """control => (control.getAttribute('aria-describedby') ?? '').split(' ')
  .map((id) => document.getElementById(id)?.textContent ?? '').join(' ')"""
# Every control of every setting that has no description of its own to point at, or no name.
UNEXPLAINED = """panel => [...panel.querySelectorAll('.wb-field')].flatMap((field) =>
  [...field.querySelectorAll('input, select, textarea, .noUi-handle')].filter((control) => {
    const ids = (control.getAttribute('aria-describedby') ?? '').split(' ');
    const texts = ids.map((id) => document.getElementById(id)?.textContent.trim());
    const name = control.getAttribute('aria-label') ?? control.labels?.[0]?.textContent;
    return !name || !texts.every(Boolean);
  }).map((control) => control.outerHTML))"""


@pytest.fixture
def bench(notebook, expect):
    """Show a bench, wait until it has counted, and return the notebook."""

    def show(code=BENCH, **page):
        book = notebook([code], name="knobs.ipynb", **page)
        book.run(0)
        expect(book.button("Train")).to_be_visible()
        expect(book.page.locator(".wb-trainable b")).to_be_visible()
        return book

    return show


def textbox(book, name):
    return book.page.get_by_role("textbox", name=name, exact=True)


def fill(book, name, text):
    textbox(book, name).fill(text)
    textbox(book, name).press("Enter")


def open_folds(book, expect):
    """Open all folds with settings in them, and wait for what they hold."""
    for fold, name in (
        ("All arguments", "use_rslora"),
        ("More training arguments", "gradient_checkpointing"),
        ("Columns, splits and lengths", "max_length"),
        ("More about the base", "convert_conv1d"),
    ):
        book.button(fold).click()
        expect(book.page.get_by_label(name, exact=True)).to_be_visible()


def test_every_knob_is_explained_by_pointer_key_and_screen_reader(bench, expect):
    book = bench(height=1400)
    page, rank = book.page, textbox(book, "r")
    tip = page.locator(".wb-of-r .wb-tip")
    for part in ("Rank of the update", "Default", "an integer of at least 1"):
        assert part in rank.evaluate(DESCRIPTION)
    expect(tip).to_be_hidden()
    expect(page.locator(".wb-of-r .wb-hint")).to_be_visible()
    ask = book.button("About r")
    ask.hover()
    expect(tip).to_be_visible()
    expect(tip).to_contain_text("Rank of the update")
    book.screenshot("knobs-help-light")
    tip.hover()  # the pointer may go into the text
    expect(tip).to_be_visible()
    page.mouse.move(2, 2)
    expect(tip).to_be_hidden()
    ask.focus()
    expect(tip).to_be_visible()
    page.keyboard.press("Escape")
    expect(tip).to_be_hidden()
    expect(ask).to_be_focused()  # the notebook did not take the key
    ask.click()
    expect(ask).to_have_attribute("aria-expanded", "true")
    page.mouse.move(2, 2)
    book.theme("dark")
    book.screenshot("knobs-help-dark")
    book.theme("light")
    expect(tip).to_be_visible()  # a click holds it open
    ask.click()
    expect(tip).to_be_hidden()
    open_folds(book, expect)
    panel = page.locator(".workbench-bench")
    assert panel.evaluate(UNEXPLAINED) == []
    assert panel.locator(".wb-field").count() > 50
    expect(panel.locator(".wb-group")).not_to_have_count(0)
    book.screenshot("knobs-folds")


def test_what_is_wrong_is_marked_and_train_leads_to_it(bench, expect):
    book = bench(height=900)
    page, rank = book.page, textbox(book, "r")
    fill(book, "r", "0")
    fill(book, "lora_alpha", "many")
    fill(book, "learning_rate", "-1")
    fix = book.button("Fix 3 settings")
    expect(fix).to_be_visible()
    expect(rank).to_have_attribute("aria-invalid", "true")
    assert "must be an integer of at least 1, but is 0" in rank.evaluate(DESCRIPTION)
    ok = "control => getComputedStyle(control).borderTopColor"
    assert rank.evaluate(ok) != textbox(book, "seed").evaluate(ok)
    fix.click()
    expect(rank).to_be_focused()
    expect(rank).to_be_in_viewport()
    for theme in ("dark", "light"):
        book.theme(theme)
        book.screenshot(f"knobs-wrong-{theme}")
    fill(book, "r", "4")
    expect(rank).not_to_have_attribute("aria-invalid", "true")
    expect(book.button("Fix 2 settings")).to_be_visible()
    fill(book, "lora_alpha", "8")
    fill(book, "learning_rate", "")
    expect(book.button("Train")).to_be_visible()
    # What is wrong may be folded away: the fold opens by itself, and again if it was closed.
    fold = book.button("More training arguments")
    fold.click()
    fill(book, "warmup_steps", "-1")
    expect(book.button("Fix 1 setting")).to_be_visible()
    fold.click()
    expect(textbox(book, "warmup_steps")).to_be_hidden()
    page.mouse.move(2, 2)
    book.button("Fix 1 setting").click()
    expect(textbox(book, "warmup_steps")).to_be_focused()
    expect(page.get_by_text("None", exact=False).and_(page.locator(".wb-problem"))).to_have_count(0)


@pytest.mark.slow
def test_a_file_of_ones_own_is_understood_in_two_clicks(bench, expect):
    book = bench(height=1500)
    page = book.page
    with (book.lab.folder / "opinions.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["nr", "said", "mood", "who"])
        for n in range(60):
            writer.writerow([n, f"what a {n}th day it was", ("happy", "sad")[n % 2], f"p{n}"])
    page.get_by_label("Data", exact=True).select_option(label="File, folder or hub id …")
    path = page.get_by_role("textbox", name=re.compile("^Data: "))
    path.fill("opinions.csv")
    path.press("Enter")
    use = book.button("Use this")
    expect(use).to_be_visible()
    expect(page.locator(".wb-raw tbody tr")).to_have_count(3)
    menu = page.get_by_role("combobox", name="text_column", exact=True)
    expect(menu).to_be_visible()
    expect(menu.locator("option")).to_have_count(5)
    expect(page.get_by_label("image_column", exact=True)).to_be_hidden()
    book.button("Fix 1 setting").click()
    expect(page.get_by_label("Data", exact=True)).to_be_focused()
    for theme in ("dark", "light"):
        book.theme(theme)
        book.screenshot(f"knobs-columns-{theme}")
    use.click()
    expect(page.get_by_text("is right 50% of the time")).to_be_visible()
    expect(menu).to_have_value(re.compile("said"))
    expect(book.button("Train")).to_be_visible()
    epochs = textbox(book, "num_train_epochs")
    expect(epochs).to_be_disabled()
    assert "Set by max_steps" in epochs.evaluate(DESCRIPTION)
    fill(book, "max_steps", "")
    expect(epochs).to_be_enabled()
    expect(textbox(book, "max_steps")).to_have_attribute("placeholder", re.compile(r"\(\d+\)"))
    book.screenshot("knobs-columns-taken")


def findings(page):
    """Run axe-core on the panel, and return what is critical or serious."""
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe is not installed"
    )
    # Words are as wide as they are: colours are measured by the test of contrast, which knows color-mix.
    options = {"rules": {"color-contrast": {"enabled": False}}}
    found = axe.Axe().run(page, context=".workbench-bench", options=options).response
    return [
        (rule["id"], node["html"])
        for rule in found["violations"]
        if rule["impact"] in ("critical", "serious")
        for node in rule["nodes"]
    ]


@pytest.mark.slow
def test_axe_finds_nothing_serious_in_the_bench(bench, expect):
    book = bench(height=1400)
    open_folds(book, expect)
    book.button(re.compile("^Anatomy")).click()
    expect(book.page.locator(".wa-row").first).to_be_visible()
    assert findings(book.page) == []
    fill(book, "r", "0")
    expect(book.button("Fix 1 setting")).to_be_visible()
    book.button("About r").click()
    assert findings(book.page) == []
    fill(book, "r", "4")
    book.button("Train").click()
    expect(book.page.locator(".wb-run .wb-state")).to_have_text(re.compile("^finished"))
    assert findings(book.page) == []


@pytest.mark.slow
def test_axe_finds_nothing_serious_in_the_race(notebook, expect):
    book = notebook([RACE], name="knobs-race.ipynb", height=1400)
    book.run(0)
    expect(book.button("Start")).to_be_visible()
    assert findings(book.page) == []
    book.button(re.compile("^Clone")).first.click()
    expect(book.button("Add the clone")).to_be_visible()
    panel = book.page.locator(".workbench-bench")
    expect(textbox(book, "seed")).to_be_visible()
    assert panel.evaluate(UNEXPLAINED) == []
    assert findings(book.page) == []
    for theme in ("dark", "light"):
        book.theme(theme)
        book.screenshot(f"knobs-race-{theme}")


# Contrast by WCAG, of colours as they are drawn: mixed, translucent, over whatever is behind.
CONTRAST = """([panel, selector, property, pseudo, within]) => {
  const context = new OffscreenCanvas(1, 1).getContext('2d', {willReadFrequently: true});
  const rgba = (color) => {
    context.clearRect(0, 0, 1, 1);
    context.fillStyle = color;
    context.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = context.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = ([r, g, b, a], under) => [r, g, b].map((one, n) => one * a + under[n] * (1 - a));
  const behind = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) {
      layers.push(rgba(getComputedStyle(at).backgroundColor));
      if (layers.at(-1)[3] === 1) break;
    }
    return layers.reverse().reduce((under, layer) => over(layer, under), [255, 255, 255]);
  };
  const luminance = (rgb) => rgb.map((one) => one / 255)
    .map((one) => (one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4))
    .reduce((sum, one, n) => sum + one * [0.2126, 0.7152, 0.0722][n], 0);
  const ratio = (a, b) => {
    const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x);
    return (high + 0.05) / (low + 0.05);
  };
  return [...panel.querySelectorAll(selector)].filter((one) => one.checkVisibility())
    .map((element) => {
      const style = getComputedStyle(element, pseudo);
      const on = within ? element.closest(within) : element.parentElement;
      const ground = behind(property === 'color' ? element : on);
      const ink = rgba(style[property]);
      ink[3] *= style.opacity;
      return ratio(over(ink, ground), ground);
    });
}"""
# What, of which property, and the least that WCAG AA asks for.
COLOURS = {
    "labels": (".wb-field .widget-label, .wb-label", "color", 4.5),
    "help": (".wb-hint, .wb-explain", "color", 4.5),
    "quiet words": (".wb-quiet, .wb-facts dt, summary, .wb-fold", "color", 4.5),
    "badges": (".wb-badge, .wb-step, .lk-learned, .lk-quiet, .lk-row", "color", 4.5),
    "states": (".wb-state", "color", 4.5),
    "sentences about errors": (".wb-problem", "color", 4.5),
    "buttons": (".wb-primary, .wb-button:enabled", "color", 4.5),
    "links": (".wb-card a", "color", 4.5),
    "edges": ("input[type=text]:enabled, select:enabled", "borderTopColor", 3),
    "slider handles": (".noUi-handle", "backgroundColor", 3),
    "edges in error": ("[aria-invalid=true]:not(.noUi-handle)", "borderTopColor", 3),
}
ERRORS = ("sentences about errors", "edges in error")


def contrasts(book, theme, fault):
    """Return the least contrast of each kind of thing, and what it must be."""
    book.theme(theme)
    panel = book.page.locator(".workbench-bench").first.element_handle()
    least = {}
    for name, (selector, property, asked) in COLOURS.items():
        # A handle lies on its slider's line, but stands out from the card.
        within = ".wb-card" if name == "slider handles" else None
        ratios = book.page.evaluate(CONTRAST, [panel, selector, property, None, within])
        if not ratios and not fault and name in ERRORS:
            continue
        assert ratios, f"nothing is there of {name}"
        least[name] = (round(min(ratios), 2), asked)
    filled = "input[placeholder]:not([placeholder=''])"
    ratios = book.page.evaluate(CONTRAST, [panel, filled, "color", "::placeholder", None])
    return least | {"placeholders": (round(min(ratios), 2), 4.5)}


@pytest.mark.slow
def test_everyone_can_read_it_in_light_and_dark(bench, expect):
    book = bench(height=1800)
    expect(book.page.locator(".wb-rows .lk-tokens").first).to_be_visible()
    book.button("Train").click()
    expect(book.page.locator(".wb-run .wb-state")).to_have_text(re.compile("^finished"))
    for fault in (False, True):
        if fault:
            fill(book, "seed", "-1")
            expect(book.button("Fix 1 setting")).to_be_visible()
        for theme in ("dark", "light"):
            least = contrasts(book, theme, fault)
            print(theme, least)
            assert {name: pair for name, pair in least.items() if pair[0] < pair[1]} == {}, theme


SIZES = """panel => [...panel.querySelectorAll('*')]
  .filter((one) => one.checkVisibility() && !one.matches('style, canvas, svg *'))
  .filter((one) => [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
  .map((one) => [parseFloat(getComputedStyle(one).fontSize), one.className, one.textContent.slice(0, 40)])
  .filter(([size]) => size < SMALLEST)"""


@pytest.mark.slow
def test_words_are_large_enough_and_grow_with_the_theme(bench, expect):
    book = bench(height=1800)
    panel = book.page.locator(".workbench-bench")
    assert panel.evaluate(SIZES.replace("SMALLEST", "12")) == []
    hint = panel.locator(".wb-hint").first
    size = "hint => parseFloat(getComputedStyle(hint).fontSize)"
    before, height = hint.evaluate(size), textbox(book, "r").bounding_box()["height"]
    # What JupyterLab's "Increase Content Font Size" and "Increase UI Font Size" change.
    root = "([name, size]) => document.documentElement.style.setProperty(name, size)"
    book.page.evaluate(root, ["--jp-content-font-size1", "20px"])
    assert hint.evaluate(size) > before * 1.3
    book.page.evaluate(root, ["--jp-content-font-size1", "14px"])
    assert hint.evaluate(size) == before
    book.page.evaluate(root, ["--jp-ui-font-size1", "18px"])
    assert hint.evaluate(size) > before * 1.3
    assert textbox(book, "r").bounding_box()["height"] > height * 1.2
    assert panel.evaluate(SIZES.replace("SMALLEST", "15")) == []
    book.screenshot("knobs-large")
