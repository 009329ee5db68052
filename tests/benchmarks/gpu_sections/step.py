"""A step of this loop against a bare PyTorch loop and the Trainer, each over bases in both precisions."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from gpu_sections import graph
from gpu_sections.loops import Steps, Trainer, bare, bf16_base, ours
from gpu_sections.report import Report, spread, summary
from gpu_sections.setup import DEVICE, Sizes, allocated, begin_peak, free, peaks, recipe_of, settle
from workbench.training.resolve import Resolved, resolve

WARM = 3
OURS, AGAINST = "this loop", ("Trainer", "Trainer, bf16 base")


def measure(report: Report, sizes: Sizes, model: Path, rows: Path) -> None:
    """Print a block of lines for each shape of batch."""
    for size, tokens, steps in sizes.shapes:
        recipe = recipe_of(model, rows, size, tokens)
        resolved = resolve(recipe)
        base = bf16_base(resolved)
        makers: dict[str, Callable[[], Any]] = {
            OURS: lambda recipe=recipe: Steps(ours(recipe)),
            "bare": lambda resolved=resolved: Steps(bare(resolved)),
            "Trainer": partial(Trainer, resolved),
            "bare, bf16 base": partial(_bare, resolved, base),
            "Trainer, bf16 base": partial(Trainer, resolved, base),
            "bare, bf16 base, graph": partial(graph.Graph, resolved, base),
        }
        compare(report, "step", (size, tokens, steps, sizes.blocks), makers, _flops(resolved, base))
        del base, makers, resolved
        free()


def compiled(report: Report, sizes: Sizes, model: Path, rows: Path) -> None:
    """Print the same for ``torch_compile``, the largest batch first: its code serves the others too."""
    longest = 0.0
    for size, tokens, steps in reversed(sizes.shapes):
        if report.left < longest:
            report.say(f"  {size} rows of {tokens} tokens: skipped, no time is left")
            break
        left = report.left
        recipe = recipe_of(model, rows, size, tokens, torch_compile=True)
        resolved = resolve(recipe.replace(torch_compile=False))
        base = bf16_base(resolved)
        makers: dict[str, Callable[[], Any]] = {
            OURS: lambda recipe=recipe: Steps(ours(recipe)),
            "Trainer, bf16 base": partial(Trainer, resolved, base),
        }
        blocks = min(3, sizes.blocks)
        compare(report, "compile", (size, tokens, steps, blocks), makers, _flops(resolved, base))
        del base, makers, resolved
        free()
        longest = max(longest, left - report.left)


def _bare(resolved: Resolved, base: Any) -> Steps:
    return Steps(bare(resolved, base))


def compare(
    report: Report,
    section: str,
    shape: tuple[int, int, int, int],
    makers: dict[str, Callable[[], Any]],
    flops: float,
) -> None:
    """Let loops take turns, a block of steps each, and print what each has done.

    Parameters
    ----------
    report : Report
    section : str
    shape : tuple of int
        Rows, tokens, steps of a block and blocks.
    makers : dict of callable
    flops : float
        Floating-point operations of a step.
    """
    size, tokens, steps, blocks = shape
    report.say(f"  {size} rows of {tokens} tokens, {blocks} blocks of {steps} steps")
    loops: dict[str, Any] = {}
    for name, make in makers.items():
        began = time.perf_counter()
        try:
            loops[name] = make()
            loops[name].take(WARM)
        except Exception as error:  # noqa: BLE001 (the others are still to come)
            loops.pop(name, None)
            report.say(f"    {name}: failed: {type(error).__name__}: {str(error)[:300]}")
            report.keep(section, f"{size}x{tokens}", name, failed=str(error)[:2000])
            continue
        settle()
        first = time.perf_counter() - began
        report.keep(section, f"{size}x{tokens}", name, seconds_to_start=round(first, 2))
        if name == OURS:
            report.say(f"    {name}: ready, and {WARM} steps taken, after {first:.1f} s")
    speeds: dict[str, list[float]] = {name: [] for name in loops}
    memory: dict[str, int] = {}
    for block in range(blocks):
        shift = block % len(loops)
        for name in [*loops][shift:] + [*loops][:shift]:
            loops[name].take(1)  # after another loop's steps memory is cut into other pieces
            settle()
            begin_peak()
            before = allocated()
            began = time.perf_counter()
            loops[name].take(steps)
            settle()
            speeds[name].append(steps * size * tokens / (time.perf_counter() - began))
            memory[name] = max(memory.get(name, 0), peaks()["allocated"] - before)
    for loop in loops.values():
        loop.close()
    best = report.figures.get("card", {}).get("flops")
    for name, found in speeds.items():
        figures = {"tokens_per_second": summary(found), "step_bytes": memory[name]}
        line = f"    {name:<24}{spread(found, ',.0f'):>28} tokens/s"
        if best:
            figures["mfu"] = summary(found)["median"] / (size * tokens) * flops / best
            line += f", {figures['mfu']:.1%} of the measured rate"
        line += f", {memory[name] / 1e9:.2f} GB in a step"
        for other in AGAINST:
            if name == OURS and other in speeds:
                ratio = [a / b for a, b in zip(found, speeds[other], strict=True)]
                figures[f"against {other}"] = summary(ratio)
                line += f"\n      {spread(ratio)} times as fast as {other}"
        report.say(line)
        report.keep(section, f"{size}x{tokens}", name, **figures)


def _flops(resolved: Resolved, base: Any) -> float:
    """Return the floating-point operations of a step, counted and not computed."""
    loop = bare(resolved, base)
    next(loop)
    # Other kernels of attention have grouped heads, whose shapes the counter refuses.
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        next(loop)
    loop.close()
    if DEVICE == "cuda":
        settle()
    return float(counter.get_total_flops())
