"""How long a person waits for the panel, in a real browser.

Run ``python tests/benchmarks/panel.py``. Time runs in the page: from the moment a cell is run, or
Train is clicked, to the frame in which the result is drawn.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "browser"))

from conftest import CHROMIUM_FLAGS, _chromium
from harness import Lab, Notebook, write_notebook

TIMES = 5
CELLS = ["import workbench as wb", "bench = wb.Bench(wb.Recipe(max_steps=20)); bench"]
SHOWN = """([cell]) => new Promise((done) => {
  const notebook = jupyterapp.shell.currentWidget.content;
  const output = notebook.widgets[cell].node.querySelector('.jp-Cell-outputWrapper');
  const began = performance.now();
  const look = () => {
    const button = [...output.querySelectorAll('.workbench-bench button')]
      .find((one) => one.textContent === 'Train' && one.getBoundingClientRect().height);
    const chart = output.querySelector('.workbench-bench canvas');
    const picker = output.querySelector('.workbench-bench select option');
    if (button && chart && picker) requestAnimationFrame(() => done(performance.now() - began));
    else requestAnimationFrame(look);
  };
  notebook.activeCellIndex = cell;
  void jupyterapp.commands.execute('notebook:run-cell');
  look();
})"""
FIRST_POINT = """() => new Promise((done) => {
  const charts = [...document.querySelectorAll('.workbench-bench [data-points]')];
  const chart = charts.at(-1);
  const before = chart.dataset.points;
  const buttons = [...document.querySelectorAll('.workbench-bench button')];
  const began = performance.now();
  const look = () => chart.dataset.points !== before
    ? requestAnimationFrame(() => done(performance.now() - began))
    : requestAnimationFrame(look);
  buttons.filter((one) => one.textContent === 'Train').at(-1).click();
  look();
})"""


def main() -> None:
    """Print the figures."""
    from playwright.sync_api import sync_playwright

    os.environ["OMP_NUM_THREADS"] = "1"
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        lab = Lab(Path(home))
        try:
            lab.wait()
            browser = playwright.chromium.launch(
                executable_path=_chromium(), headless=True, args=CHROMIUM_FLAGS
            )
            page = browser.new_page(viewport={"width": 1280, "height": 1600})
            page.set_default_timeout(180_000)
            _measure(Notebook(page, lab, "panel.ipynb", Path(home)))
            browser.close()
        finally:
            lab.stop()


def _measure(book: Notebook) -> None:
    write_notebook(book.lab.folder / book.name, [*CELLS, *CELLS[1:] * TIMES])
    book.open()
    page = book.page
    book.run(0)
    book.wait_idle()
    print(f"Bench() to panel, first of a kernel: {page.evaluate(SHOWN, [1]) / 1000:.2f} s")
    page.locator(".wb-trainable b").first.wait_for()  # the libraries are loaded
    shown = [page.evaluate(SHOWN, [cell]) / 1000 for cell in range(2, 2 + TIMES)]
    _say("Bench() to panel", shown)
    points = []
    for _ in range(TIMES):
        points.append(page.evaluate(FIRST_POINT) / 1000)
        page.locator(".wb-run .wb-finished").first.wait_for()
        page.wait_for_function("() => !document.querySelector('.wb-run .wb-running')")
    _say("Train to first point", points)


def _say(what: str, seconds: list[float]) -> None:
    each = ", ".join(f"{one:.2f}" for one in seconds)
    print(f"{what}, libraries loaded: median {statistics.median(seconds):.2f} s of {each}")


if __name__ == "__main__":
    main()
