"""Techniques that do not fit, as a person meets them: grey, with the reason, and a way out."""

from __future__ import annotations

import re

import pytest

from tests.conftest import save_architecture

MAKE = """\
import workbench as wb
recipe = wb.Recipe(model="tiny-gpt2", task="lm", data="chronicle", max_length=32, technique="{0}")
bench = wb.Bench(recipe, runs="runs/fits")
bench"""
ASK = """\
import workbench as wb
recipe = wb.Recipe(technique="few_shot", max_train_samples=64, max_eval_samples=16, max_length=64)
bench = wb.Bench(recipe, runs="runs/ask")
bench"""
COLOUR = "option => getComputedStyle(option).color"


def test_what_does_not_fit_is_grey_and_says_why(notebook, expect, lab):
    save_architecture(lab.folder / "tiny-gpt2", "gpt2")
    book = notebook([MAKE.format("lora")], name="fits.ipynb", height=1500)
    book.run(0)
    page = book.page
    picker = page.get_by_label("Technique", exact=True)
    picker.click()
    fitting, option = (page.locator(f"[data-name={name}]") for name in ("lora", "delora"))
    # All techniques are tried in a process that gives way to every other one.
    expect(option).to_contain_text("which DeLoRA cannot wrap", timeout=180_000)
    expect(option).to_have_attribute("aria-label", re.compile("^DeLoRA, does not work here: gpt2"))
    assert option.locator("b").evaluate(COLOUR) != fitting.locator("b").evaluate(COLOUR)
    done = re.compile(r"^\d+ of \d+ techniques work with this base")
    expect(page.locator(".wt-status")).to_have_text(done, timeout=180_000)
    option.hover()
    advice = page.locator(".wt-refusal")
    expect(advice).to_contain_text("set convert_conv1d=True to rewrite them as Linear")
    for theme in ("dark", "light"):
        book.theme(theme)
        book.screenshot(f"fits-list-{theme}")
    option.click()
    expect(
        page.get_by_text(
            "DeLoRA does not work with this base (task: Language modelling): gpt2 uses Conv1D"
        )
    ).to_be_visible()
    for theme in ("dark", "light"):
        book.theme(theme)
        book.screenshot(f"fits-reason-{theme}")
    book.button("Convert the base").click()
    expect(page.locator(".wb-trainable b")).to_be_visible()
    expect(page.get_by_text("DeLoRA does not work")).not_to_be_visible()
    picker.click()
    expect(option).to_be_visible()
    expect(option).not_to_contain_text("cannot wrap")


@pytest.mark.slow
def test_a_prompt_is_written_and_its_examples_are_picked(notebook, expect):
    book = notebook([ASK, "print(bench.recipe.technique_args)"], name="ask.ipynb", height=1700)
    book.run(0)
    page = book.page
    rows = page.locator(".wb-examples select")
    expect(rows.locator("option").first).to_contain_text("1. ")
    rows.select_option(index=[2, 4])
    expect(page.get_by_label("examples", exact=True)).to_have_value("[3, 5]")
    template = page.get_by_label("template", exact=True)
    expect(template).to_have_attribute("placeholder", re.compile("Label: {label}"))
    template.fill("{text}\nSo it is {label}")
    template.blur()
    prompt = page.locator(".wb-prompted").first
    expect(prompt).to_have_text(re.compile("So it is"))
    page.get_by_text("prompt", exact=True).first.click()
    for theme in ("dark", "light"):
        book.theme(theme)
        book.screenshot(f"few-shot-{theme}")
    book.run(1)
    expect(book.output(1)).to_contain_text("'examples': [3, 5]")
    book.button("Train").click()
    expect(page.locator(".wb-run .wb-state")).to_have_text(re.compile("^finished"))
