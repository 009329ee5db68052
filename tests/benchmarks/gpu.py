"""The workbench on one GPU: a step, fused LoRA, a race, where the time goes and the memory forecast.

Most sections train LoRA on all linears of a llama of about 1.1 B random weights, in bfloat16. The most
important sections come first; one that fails, or for which no time is left, loses none of the others.
Lines are printed as they come, and with ``--out`` also written to ``gpu.txt``, all figures to ``gpu.json``.
Figures are medians of blocks that take turns, with the lowest and the highest.

Usage: ``python tests/benchmarks/gpu.py [--only step fused] [--budget 270] [--out FOLDER]``; without a GPU,
``--tiny`` goes through the same motions on the processor.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import warnings
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2])]

import torch
import transformers
from gpu_sections import card, eight, forecast, fused, profiling, step
from gpu_sections.report import Report
from gpu_sections.setup import DEVICE, LARGE, TINY, Sizes, free, save_llama

# What is measured, in the order of its worth, with the seconds that it takes on an H100.
SECTIONS = {
    "card": 5, "step": 80, "fused": 40, "race": 55, "profile": 15, "forecast": 30, "compile": 55,
}  # fmt: skip


class Benchmark:
    """Everything that sections share, made when it is first asked for."""

    def __init__(self, sizes: Sizes, report: Report, folder: Path):
        self.sizes, self.report, self.folder = sizes, report, folder
        # Seconds that the sections to come take, once one has begun.
        self.later = 0.0

    @cached_property
    def llama(self) -> Path:
        """The folder of the base of most sections, stored in bfloat16."""
        return save_llama(self.folder / "llama", self.sizes.llama, torch.bfloat16)

    @cached_property
    def small_llama(self) -> Path:
        """The folder of the race's base."""
        return save_llama(self.folder / "small", self.sizes.small_llama, torch.float32)

    def section(self, name: str) -> Callable[[], None]:
        """Return what measures a section."""
        shared = (self.report, self.sizes)
        return {
            "card": lambda: card.measure(*shared),
            "step": lambda: step.measure(*shared, self.llama, self.folder),
            "fused": lambda: fused.measure(*shared, self.llama, self.folder),
            "race": lambda: eight.measure(*shared, self.small_llama, self.report.left - self.later),
            "profile": lambda: profiling.measure(*shared, self.llama, self.folder),
            "forecast": lambda: forecast.measure(*shared, self.llama, self.folder),
            "compile": lambda: step.compiled(*shared, self.llama, self.folder),
        }[name]


def main() -> None:
    """Measure section by section."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=list(SECTIONS))
    parser.add_argument("--budget", type=float, default=270, help="seconds for everything")
    parser.add_argument("--out", type=Path, help="folder for gpu.txt and gpu.json")
    parser.add_argument("--tiny", action="store_true", help="a tiny llama, on whatever there is")
    options = parser.parse_args()
    if not (options.tiny or DEVICE == "cuda"):
        print("There is no CUDA GPU here: --tiny goes through the same motions without one.")
        return
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    warnings.filterwarnings("ignore", category=FutureWarning)
    report = Report(options.out, options.budget)
    with tempfile.TemporaryDirectory() as folder:
        benchmark = Benchmark(TINY if options.tiny else LARGE, report, Path(folder))
        chosen = {name: seconds for name, seconds in SECTIONS.items() if name in options.only}
        benchmark.later = sum(chosen.values())
        for name, seconds in chosen.items():
            benchmark.later -= seconds
            report.section(name, 0 if options.tiny else seconds, benchmark.section(name))
            free()
    report.say(f"\n{options.budget - report.left:.0f} s in all")


if __name__ == "__main__":
    main()
