"""The memory forecast, as a person meets it: bars that follow the knobs, then held against a run."""

from __future__ import annotations

import re

MAKE = """\
import workbench as wb
bench = wb.Bench(wb.Recipe(max_steps=6, eval_steps=6), runs="runs/forecast")
bench"""
TRAIN = "run = bench.train()"


def test_the_forecast_follows_the_knobs_and_meets_what_was_measured(notebook, expect):
    book = notebook([MAKE, TRAIN], name="forecast.ipynb", height=1700)
    book.run(0)
    forecast = book.page.locator(".wb-memory-forecast .wb-forecast")
    # The process that makes forecasts gives way to others, and loads torch first.
    expect(forecast.get_by_text("Enough memory for batch size 8")).to_be_visible(timeout=240_000)
    rows = book.page.get_by_label("per_device_train_batch_size", exact=True)
    rows.fill("16")
    rows.press("Enter")
    expect(forecast.get_by_text("Enough memory for batch size 16")).to_be_visible(timeout=240_000)
    book.run(1)
    expect(forecast.get_by_role("rowheader", name="measured", exact=True)).to_be_visible()
    # The same five names for both, each with its sizes.
    for name in ("forecast", "measured"):
        row = forecast.get_by_role("row", name=re.compile(f"^{name}"))
        expect(row.get_by_role("cell")).to_have_text([re.compile("[1-9].*B")] * 5)
    for theme in ("dark", "light"):
        book.theme(theme)
        book.screenshot(f"forecast-{theme}")
