"""What watching costs: steps per second with the panel open against headless.

Run ``python tests/benchmarks/panel_overhead.py [PAIRS]``. In one run, blocks of steps that the
panel follows in a real browser take turns with blocks that nothing follows, so that whatever else
the machine does falls on both alike.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "browser"))

from conftest import CHROMIUM_FLAGS, _chromium
from harness import Lab, Notebook, write_notebook

SHOW = """\
import statistics, threading, time
import workbench as wb
bench = wb.Bench(wb.Recipe(max_length=64, max_steps=100_000, eval_steps=100_000))
bench"""
MEASURE = """\
tick, watched = bench._pump._tick, True
bench._pump._tick = lambda: tick() if watched else True
times, reached = [], threading.Condition()

def note(run, event):
    if event["event"] == "train":
        with reached:
            times.append(time.perf_counter())
            reached.notify_all()

def block(watch):
    global watched
    with reached:
        watched = watch
        first = len(times) + 3  # the first steps still feel what was before
        reached.wait_for(lambda: len(times) > first + {steps})
        return {steps} / (times[first + {steps}] - times[first])

run = bench.train()
run.subscribe(note)
block(True)
ratios = []
for pair in range({pairs}):
    order = (True, False) if pair % 2 else (False, True)
    each = {{watch: block(watch) for watch in order}}
    ratios.append(each[True] / each[False])
    print(f"pair {{pair + 1}}: {{each[True]:.2f}} steps/s watched, {{each[False]:.2f}} alone, "
          f"ratio {{ratios[-1]:.3f}}")
run.stop()
run.wait()
print(f"median of {{len(ratios)}} interleaved pairs: {{statistics.median(ratios):.3f}}")
print("END")"""


def main(pairs: int = 15) -> None:
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
            page.set_default_timeout(1_800_000)
            book = Notebook(page, lab, "overhead.ipynb", Path(home))
            write_notebook(lab.folder / book.name, [SHOW, MEASURE.format(pairs=pairs, steps=25)])
            book.open()
            book.run(0)
            page.locator(".wb-trainable b").wait_for()
            book.run(1)
            book.output(1).get_by_text("END").wait_for()
            print(book.output(1).inner_text().replace("END", "").strip())
            browser.close()
        finally:
            lab.stop()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
