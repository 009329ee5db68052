"""Does an exported script give the losses of the notebook's run, to the last bit?

Trains every technique on every bundled task it serves, in a real Jupyter kernel through the panel's
code path, exports each run, runs each script in a process of its own that does not import workbench,
and prints both lists of losses and their largest difference.

Usage: ``python tests/benchmarks/same_losses.py [--steps 8] [--techniques lora ia3]``
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.serving import ASK, TRAINED
from workbench.registry.techniques import TECHNIQUES

# Those that need something given cannot be had by name alone.
NAMES = [name for name in TRAINED if name not in ASK]
DATA = {"classify": "reviews", "instruct": "village-qa", "lm": "chronicle"}
CELL = """
import json
import workbench as wb
from workbench.errors import ModelError
bench = wb.Bench(runs="runs")
told, refused = {}, {}
for task, data, technique in %r:
    bench.recipe = wb.Recipe(task=task, data=data, technique=technique, max_steps=%d,
                             max_eval_samples=8, eval_steps=1000)
    try:
        run = bench.train().wait()
    except ModelError as error:
        refused[f"{task}-{technique}"] = str(error)
        continue
    script = wb.export(run, f"{task}-{technique}.py")
    told[f"{task}-{technique}"] = run.losses
with open("losses.json", "w") as file:
    json.dump([told, refused], file)
"""
# Runs a script, which finds the bundled base and data by where workbench is but must not import it.
ALONE = """
import runpy, sys
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
assert "workbench" not in sys.modules
"""


def main(steps: int, techniques: list[str]) -> int:
    """Print one block per run; returns the number of runs that differ."""
    cells = [
        (task, DATA[task], name)
        for name in techniques
        for task in DATA
        if task in TECHNIQUES[name].tasks
    ]
    with tempfile.TemporaryDirectory() as folder:
        notebook = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(CELL % (cells, steps))]
        )
        resources = {"metadata": {"path": folder}}
        NotebookClient(notebook, timeout=3600, kernel_name="python3", resources=resources).execute()
        told, refused = json.loads((Path(folder) / "losses.json").read_text())
        for name, reason in refused.items():
            print(f"{name} is not for this base: {reason}\n")
        worst = different = 0
        for name, losses in told.items():
            alone = script_losses(Path(folder), f"{name}.py")
            gap = max(abs(a - b) for a, b in zip(losses, alone, strict=True))
            different += losses != alone
            worst = max(worst, gap)
            print(f"{name}: largest difference {gap}")
            print(f"  notebook {losses}")
            print(f"  script   {alone}", flush=True)
    print(f"{len(told)} runs of {steps} steps, {different} differ, largest difference {worst}")
    return different


def script_losses(folder: Path, script: str) -> list[float]:
    """Run one exported script and read the losses that it prints."""
    done = subprocess.run(
        [sys.executable, "-I", "-c", ALONE, script, "--output", f"{script}-adapter"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    events = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return [event["loss"] for event in events if event["event"] == "train"]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--techniques", nargs="+", default=NAMES, choices=NAMES)
    given = parser.parse_args()
    sys.exit(main(given.steps, given.techniques))
