"""Techniques that do not fit, as a person meets them: grey, with the reason, and a way out."""

from __future__ import annotations

import re

from tests.conftest import save_architecture

MAKE = """\
import workbench as wb
recipe = wb.Recipe(model="tiny-gpt2", task="lm", data="chronicle", max_length=32, technique="{0}")
bench = wb.Bench(recipe, runs="runs/fits")
bench"""
CONVERT = "bench.recipe = bench.recipe.replace(technique='oft')"


def test_what_does_not_fit_is_grey_and_says_why(notebook, expect, lab):
    save_architecture(lab.folder / "tiny-gpt2", "gpt2")
    book = notebook([MAKE.format("lora"), CONVERT], name="fits.ipynb", height=1500)
    book.run(0)
    page = book.page
    option = page.locator("option[value=oft]")
    expect(option).to_be_disabled()
    expect(option).to_have_attribute("title", re.compile("gpt2 uses Conv1D, which OFT cannot wrap"))
    expect(page.locator("option[value=lora]")).to_be_enabled()
    picker = page.get_by_label("Technique", exact=True)
    for theme in ("dark", "light"):
        book.theme(theme)
        picker.evaluate("list => { list.size = 60; list.style.height = '900px'; }")
        book.screenshot(f"fits-list-{theme}")
        picker.evaluate("list => { list.size = 1; list.style.height = ''; }")
    book.run(1)
    expect(page.get_by_text("OFT does not fit: gpt2 uses Conv1D")).to_be_visible()
    for theme in ("dark", "light"):
        book.theme(theme)
        book.screenshot(f"fits-reason-{theme}")
    book.button("Convert the base").click()
    expect(page.locator(".wb-trainable b")).to_be_visible()
    expect(page.get_by_text("OFT does not fit")).not_to_be_visible()
    expect(option).to_be_enabled()
