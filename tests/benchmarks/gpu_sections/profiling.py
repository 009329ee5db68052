"""Where the time of a step goes: kernels, launches, waits of the host and pauses of the GPU."""

from __future__ import annotations

import collections
import time
import traceback
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile

from gpu_sections.loops import ours
from gpu_sections.report import Report
from gpu_sections.setup import DEVICE, Sizes, free, recipe_of, settle

WARM = 3
# Calls of the CUDA runtime by which the host waits, or may.
WAITS = ("cudaStreamSynchronize", "cudaDeviceSynchronize", "cudaEventSynchronize")
# Spans that PyTorch names itself, on the GPU too, which are no kernels.
RANGES = ("Optimizer.", "ProfilerStep", "## ", "torch::", "Activity Buffer")
TOP = 10


def measure(report: Report, sizes: Sizes, model: Path, rows: Path) -> None:
    """Print a block for each shape of batch."""
    for size, tokens, _ in sizes.shapes:
        steps = ours(recipe_of(model, rows, size, tokens))
        for _ in range(WARM):
            next(steps)
        settle()
        began = time.perf_counter()
        for _ in range(sizes.profiled):
            next(steps)
        settle()
        plain = (time.perf_counter() - began) / sizes.profiled
        activity = ProfilerActivity.CUDA if DEVICE == "cuda" else ProfilerActivity.CPU
        with profile(activities=[activity]) as profiler:
            began = time.perf_counter()
            for _ in range(sizes.profiled):
                next(steps)
            settle()
            profiled = (time.perf_counter() - began) / sizes.profiled
        events = profiler.profiler.kineto_results.events()
        name = f"{size}x{tokens}"
        figures = _figures(events, sizes.profiled, profiled)
        figures |= {"ms_a_step": 1000 * plain, "ms_a_step_profiled": 1000 * profiled}
        report.say(
            f"  {size} rows of {tokens} tokens: {1000 * plain:.1f} ms a step "
            f"({1000 * profiled:.1f} profiled), GPU busy {figures['busy_ms']:.1f} ms, idle "
            f"{max(0.0, 1 - figures['busy_ms'] / (1000 * plain)):.0%}; {figures['kernels']:.0f} kernels, "
            f"{figures['waits']:.1f} waits, {figures['to_host']:.1f} copies to the host a step"
        )
        for kind in ("by_kernel", "by_call"):
            for label, (count, milliseconds) in figures[kind].items():
                report.say(f"    {milliseconds:8.2f} ms {count:8.1f} x {label[:90]}")
        figures["syncs"] = _syncs(steps)
        for place, count in figures["syncs"].items():
            report.say(f"    waits for the GPU {count} x at {place}")
        report.keep("profile", name, **figures)
        steps.close()
        free()


def _figures(events: Iterable[Any], steps: int, seconds: float) -> dict[str, Any]:
    """Add up events of the profiler, for one step."""
    kernels: collections.Counter[str] = collections.Counter()
    calls: collections.Counter[str] = collections.Counter()
    kernel_time: collections.Counter[str] = collections.Counter()
    call_time: collections.Counter[str] = collections.Counter()
    spans = []
    for event in events:
        name, duration = event.name(), event.duration_ns()
        if name.startswith(RANGES):
            continue
        if event.device_type() == torch.autograd.DeviceType.CUDA:
            kernels[name] += 1
            kernel_time[name] += duration
            spans.append((event.start_ns(), event.start_ns() + duration))
        else:
            calls[name] += 1
            call_time[name] += duration
    copies = sum(count for name, count in kernels.items() if "DtoH" in name)
    launches = sum(count for name, count in kernels.items() if not name.startswith("Mem"))
    return {
        "kernels": launches / steps,
        "busy_ms": _covered(spans) / steps / 1e6,
        "waits": sum(calls[name] for name in WAITS) / steps,
        "to_host": copies / steps,
        "by_kernel": _top(kernels, kernel_time, steps),
        "by_call": _top(calls, call_time, steps),
    }


def _top(counts: Any, times: Any, steps: int) -> dict[str, tuple[float, float]]:
    """Return of the names that took longest how often they came and their milliseconds, for one step."""
    return {
        name: (counts[name] / steps, duration / steps / 1e6)
        for name, duration in times.most_common(TOP)
    }


def _covered(spans: list[tuple[int, int]]) -> int:
    """Return the length of the union of spans of time."""
    total, end = 0, 0
    for start, stop in sorted(spans):
        total += max(0, stop - max(start, end))
        end = max(end, stop)
    return total


def _syncs(steps: Any) -> dict[str, int]:
    """Return the lines at which a step waits for the GPU, as PyTorch warns of them."""
    if DEVICE != "cuda":
        return {}
    places: collections.Counter[str] = collections.Counter()

    def note(message: Any, category: Any, filename: str, lineno: int, *_: Any) -> None:
        if "called a synchronizing" not in str(message):
            return
        frames = [
            f"{Path(frame.filename).name}:{frame.lineno}"
            for frame in traceback.extract_stack()[:-1]
            if "warnings" not in frame.filename
        ]
        places[" < ".join(reversed(frames[-4:]))] += 1

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = note
        torch.cuda.set_sync_debug_mode("warn")
        try:
            next(steps)
        finally:
            torch.cuda.set_sync_debug_mode("default")
    return dict(places.most_common())
