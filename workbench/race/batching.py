"""Runs of a race that train together, where that is faster."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from workbench.registry.techniques import get
from workbench.runs.barrier import PreparationBarrier
from workbench.runs.listeners import Notes
from workbench.runs.run import Run
from workbench.runs.step_scheduler import StepScheduler

if TYPE_CHECKING:
    from workbench.training.prepared import Prepared

# Gains below this are within what a measurement is off.
PAYS = 1.1


def add_barrier(runs: Sequence[Run], scheduler: StepScheduler, always: bool, notes: Notes) -> None:
    """Make runs that may train together wait for each other before their first steps.

    Only runs whose technique is LoRA to PEFT wait: that no other can be fused is clear from its recipe.

    Parameters
    ----------
    runs : sequence of Run
        Not started yet.
    scheduler : StepScheduler
        Where the runs that are fused share a lane.
    always : bool
        See :func:`fuse`.
    notes : Notes
        What was done and what not is added here.
    """
    candidates = [run for run in runs if get(run.recipe.technique).config == "LoraConfig"]

    def fuse_prepared(prepared: Mapping[Run, Prepared]) -> None:
        with scheduler.slot(barrier, free=True):
            groups, reasons = fuse(
                list(prepared.values()), always=always, workers=scheduler.workers
            )
        scheduler.leave(barrier)
        members = list(prepared)
        for group in groups:
            scheduler.share_lane(members[index] for index in group)
        notes.add(*reasons)

    barrier = PreparationBarrier(candidates, fuse_prepared)
    if len(candidates) > 1:
        for run in candidates:
            run.barrier = barrier


def fuse(
    prepared: Sequence[Prepared], *, always: bool = False, workers: int = 1
) -> tuple[list[list[int]], list[str]]:
    """Let runs train together that can, where it pays.

    Parameters
    ----------
    prepared : sequence of Prepared
        Before their first steps. The steps of those that are fused are replaced.
    always : bool
        Fuse what can be fused, however long it takes.
    workers : int
        How many runs step at the same time: so many groups are made where there are runs enough.

    Returns
    -------
    list of list of int
        The runs of each group, by their indices in the sequence.
    list of str
        What was done and what not, in sentences.
    """
    from workbench.training.batched_lora.eligibility import sort_out

    groups: list[list[int]] = []
    sets, notes = sort_out(prepared)
    for indices in sets:
        lanes = min(workers, len(indices) // 2)
        # Runs that would step at the same time anyway must gain that much more from one lane.
        parallel = min(workers, len(indices)) / lanes
        for lane in range(lanes):
            group = indices[lane::lanes]
            done, note = _fuse([prepared[index] for index in group], PAYS * parallel, always)
            groups += [group] * done
            notes.append(note)
    return groups, notes


def _fuse(prepared: Sequence[Prepared], needed: float, always: bool) -> tuple[bool, str]:
    """Fuse these runs if it pays; returns whether it was done, and why."""
    from workbench.training.batched_lora.benchmark import measure
    from workbench.training.batched_lora.eligibility import names_of
    from workbench.training.batched_lora.group import Group

    names = names_of(prepared)
    try:
        group = Group(prepared)
        pace = measure(group)
    except Exception as error:  # noqa: BLE001 (whatever it is, each of them can still train alone)
        return (
            False,
            f"{names} are not fused: the attempt failed ({type(error).__name__}: {error}).",
        )
    if not pace.same:
        changed = f"by {pace.difference:.1e} (relative)"
        return False, f"{names} are not fused: it would change their losses or gradients {changed}."
    measured = (
        f"{pace.ratio:.2f} times as fast as separate steps, measured over {pace.rounds} steps"
    )
    if pace.ratio < needed and not always:
        reason = f"training them together is {measured}, and is done from {needed:.2f} times on."
        return False, f"{names} train separately: {reason}"
    group.start()
    for run, member in zip(prepared, group.members, strict=True):
        run.steps = member
        run.plan = dataclasses.replace(run.plan, fused=len(prepared))
        run.notes.append(
            f"Trained fused with {len(prepared) - 1} other run{'s' * (len(prepared) > 2)} of "
            "the same base: its losses equal those of separate training within float "
            "tolerance, not to the last bit."
        )
    passes = f"in one forward and backward pass through their base: {measured}."
    return True, f"{names} are trained fused, {passes}"
