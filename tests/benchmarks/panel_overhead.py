"""What watching costs: steps per second with the panel open against headless.

Run ``python tests/benchmarks/panel_overhead.py [PAIRS] [PANEL...]``, where a panel is ``bench`` (one
run) or ``race`` (four runs, in a chart with 16 more lines of 10,000 points each). While they train,
blocks of steps that the panel follows in a real browser take turns with blocks that nothing
follows, so that whatever else the machine does falls on both alike. What looking, sending and
painting take of the processor is counted too, which a busy machine does not blur.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "browser"))

from conftest import CHROMIUM_FLAGS, _chromium
from harness import Lab, Notebook, write_notebook

IMPORTS = """\
import math, statistics, threading, time
import workbench as wb
recipe = wb.Recipe(max_length=64, max_steps=1_000_000, eval_steps=1_000_000)
"""
BENCH = """\
panel = bench = wb.Bench(recipe)
bench"""
RACE = """\
race = wb.Race([recipe.replace(r=r) for r in (2, 4, 8, 16)])
panel = wb.RacePanel.of(race)
# Beside the race's own curves, as many and as long ones as the chart is made for.
for number in range(16):
    key = f"old-{number}/train"
    panel.chart.add_series(key, key)
    losses = [number / 9 + math.exp(-step / 3000) + step * 7919 % 101 / 500 for step in range(10_000)]
    panel.chart.append(key, range(10_000), losses)
race"""
SHOW = {"bench": IMPORTS + BENCH, "race": IMPORTS + RACE}
START = {
    "bench": "runs, stop = [bench.train()], lambda: bench.stop()",
    "race": "runs, stop = race.start().members, race.stop",
}
READY = {"bench": ".wb-trainable b", "race": ".workbench-queue tbody tr"}
STEPS = {"bench": 25, "race": 150}
SKIP = {"bench": 3, "race": 12}
MEASURE = """\
import os, psutil
tick, watched, spent = panel._ui_loop._tick, True, 0.0
seconds, others = {{True: 0.0, False: 0.0}}, {{True: 0.0, False: 0.0}}

def processor_seconds():
    # Of the browser, the server and whatever else runs: all but this kernel.
    total = 0.0
    for process in psutil.process_iter(["pid", "cpu_times"]):
        used = process.info["cpu_times"]
        if process.pid != os.getpid() and used is not None:
            total += used.user + used.system
    return total

def look():
    global spent
    if not watched:
        return True
    began = time.thread_time()
    try:
        return tick()
    finally:
        spent += time.thread_time() - began

panel._ui_loop._tick = look
times, reached = [], threading.Condition()

def note(run, event):
    if event["event"] == "train":
        with reached:
            times.append(time.perf_counter())
            reached.notify_all()

def block(watch):
    global watched
    began, had = time.perf_counter(), processor_seconds()
    with reached:
        watched = watch
        first = len(times) + {skip}  # the first steps still feel what was before
        reached.wait_for(lambda: len(times) > first + {steps})
    seconds[watch] += time.perf_counter() - began
    others[watch] += processor_seconds() - had
    return {steps} / (times[first + {steps}] - times[first])

{start}
for run in runs:
    run.subscribe(note)
block(True)
ratios = []
for pair in range({pairs}):
    order = (True, False) if pair % 2 else (False, True)
    each = {{watch: block(watch) for watch in order}}
    ratios.append(each[True] / each[False])
    print(f"pair {{pair + 1}}: {{each[True]:.2f}} steps/s watched, {{each[False]:.2f}} alone, "
          f"ratio {{ratios[-1]:.3f}}")
stop()
low, middle, high = statistics.quantiles(ratios, n=4)
print(f"median of {{len(ratios)}} interleaved pairs: {{middle:.3f}}, quartiles {{low:.3f}} to {{high:.3f}}")
print(f"of a processor, looking took the kernel {{1000 * spent / seconds[True]:.1f}} ms for each second watched;")
each = {{watch: 1000 * others[watch] / seconds[watch] for watch in seconds}}
print(f"the browser, JupyterLab's server and all else {{each[True]:.0f}} ms, and {{each[False]:.0f}} ms otherwise")
print("END")"""


def main(pairs: int = 15, panels: Sequence[str] = ("bench", "race")) -> None:
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
            for panel in panels:
                print(f"{panel}:", flush=True)
                page = browser.new_page(viewport={"width": 1280, "height": 1600})
                page.set_default_timeout(1_800_000)
                measure(Notebook(page, lab, f"{panel}.ipynb", Path(home)), panel, pairs)
            browser.close()
        finally:
            lab.stop()


def measure(book: Notebook, panel: str, pairs: int) -> None:
    """Print the figures of one panel."""
    cell = MEASURE.format(start=START[panel], pairs=pairs, steps=STEPS[panel], skip=SKIP[panel])
    write_notebook(book.lab.folder / book.name, [SHOW[panel], cell])
    book.open()
    book.run(0)
    book.page.locator(READY[panel]).first.wait_for()
    book.run(1)
    book.output(1).get_by_text("END").wait_for()
    print(book.output(1).inner_text().replace("END", "").strip(), flush=True)
    book.page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    book.page.close()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]), *([sys.argv[2:]] if sys.argv[2:] else []))
