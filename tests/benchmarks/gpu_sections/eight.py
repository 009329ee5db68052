"""A race of eight runs against eight scripts with ``Trainer``, one after the other, imports included."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import race as scripts
import torch

from gpu_sections.report import Report
from gpu_sections.setup import DEVICE, Sizes


class GpuWatch(threading.Thread):
    """Follows how much of the GPU's memory is in use beyond what was before."""

    def __init__(self):
        super().__init__(daemon=True)
        self.peak, self.over = 0, threading.Event()
        self._before = _used()

    def run(self) -> None:
        while not self.over.wait(0.05):
            self.peak = max(self.peak, _used() - self._before)


def measure(report: Report, sizes: Sizes, base: Path, most: float) -> None:
    """Print seconds and memory of both.

    Parameters
    ----------
    report : Report
    sizes : Sizes
    base : Path
    most : float
        Seconds that this may take: scripts for which none are left are counted like the others.
    """
    end = report.left - most
    count, steps = sizes.race_runs, sizes.race_steps
    with tempfile.TemporaryDirectory() as folder:
        head = scripts.constants(
            Path(folder), sizes.race_tokens, onednn=False, model=str(base), use_cpu=DEVICE == "cpu"
        )
        members = json.dumps(scripts.members(count))
        seconds, memory = _run(head + scripts.RACE, members, str(steps), f"{folder}/runs")
        report.say(
            f"  {count} runs of {steps} steps of {scripts.SETTINGS['batch']} rows of up to "
            f"{sizes.race_tokens} tokens: a race takes {seconds:.1f} s, {memory / 1e9:.2f} GB on the GPU"
        )
        report.keep("race", runs=count, steps=steps, race={"seconds": seconds, "bytes": memory})
        taken: list[float] = []
        for name, seed in scripts.members(count):
            if taken and report.left < end + max(taken):
                break
            arguments = [name, str(seed), str(steps), str(base), f"{folder}/{name}-{seed}"]
            alone, memory = _run(head + scripts.SCRIPT, *arguments)
            taken.append(alone)
            report.keep("race", f"script {name} {seed}", seconds=alone, bytes=memory)
        total = sum(taken) / len(taken) * count
        counted = f"{len(taken)} of them ran, the others counted like these"
        report.say(
            f"  scripts one after the other take {total:.1f} s "
            f"({'all ran' if len(taken) == count else counted}): "
            f"the race takes {total / seconds:.2f} times less"
        )
        report.keep("race", scripts=total, scripts_run=len(taken), ratio=total / seconds)


def _run(code: str, *arguments: str) -> tuple[float, int]:
    """Carry out a script; return its seconds and the most bytes that the GPU had in use for it."""
    watch, began = GpuWatch(), time.perf_counter()
    watch.start()
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, *arguments],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    seconds = time.perf_counter() - began
    watch.over.set()
    watch.join()
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return seconds, watch.peak


def _used() -> int:
    if DEVICE != "cuda":
        return 0
    free, total = torch.cuda.mem_get_info()
    return total - free
