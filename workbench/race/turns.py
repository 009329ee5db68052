"""How many runs of a race step at the same time, and with how many threads each."""

from __future__ import annotations

import os

from workbench import imports
from workbench.runs.step_scheduler import StepScheduler


def set_workers(scheduler: StepScheduler, workers: int | None) -> None:
    """Decide how many turns a scheduler grants at once, and the intra-op threads of each.

    Parameters
    ----------
    scheduler : StepScheduler
        Set up here, before the first turn.
    workers : int or None
        None means one per core; on CUDA one.
    """
    # Here and not at the top: whoever reads runs needs no torch.
    imports.load(*imports.LIBRARIES, "workbench.training.prepare")
    import torch

    from workbench.training.runtime.device_memory import share_arenas

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    default = 1 if torch.cuda.is_available() else cores or 1
    scheduler.workers = workers or default
    if scheduler.workers > 1:
        scheduler.threads = max(1, (cores or 1) // scheduler.workers)
    share_arenas(scheduler.workers)


def turns_note(scheduler: StepScheduler, started: bool) -> str:
    """Say how steps are interleaved, and once the race has started how many are done at the same time."""
    if not started:
        return f"Steps are interleaved so that all runs get the same number of {scheduler.turns}."
    workers, threads = scheduler.workers, scheduler.threads
    if workers == 1:
        return (
            "One run at a time does a step; runs take turns, so that all of them get "
            f"the same number of {scheduler.turns}."
        )
    each = f"{threads} CPU thread{'s' * (threads != 1)}"
    return (
        f"{workers} runs train at the same time, each with {each}; runs take turns, so that "
        f"all of them get the same number of {scheduler.turns}."
    )
