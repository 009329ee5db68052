"""Runs of a race that train together, where that is faster."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from workbench.registry.techniques import get
from workbench.runs.barrier import PreparationBarrier
from workbench.runs.run import Run
from workbench.runs.step_scheduler import StepScheduler

if TYPE_CHECKING:
    from workbench.training.prepared import Prepared

# Gains below this are within what a measurement is off.
PAYS = 1.1


def add_barrier(
    runs: Sequence[Run], scheduler: StepScheduler, always: bool, notes: list[str]
) -> None:
    """Let those runs meet before their first steps that may train together; adds to the notes.

    Only what is LoRA to PEFT waits for others: the rest can be told by its recipe.
    """
    able = [run for run in runs if get(run.recipe.technique).config == "LoraConfig"]

    def meet(came: Mapping[Run, Prepared]) -> None:
        with scheduler.slot(barrier, free=True):
            groups, said = fuse(list(came.values()), always=always, workers=scheduler.workers)
        scheduler.leave(barrier)
        for places in groups:
            scheduler.share_lane(list(came)[place] for place in places)
        notes.extend(said)

    barrier = PreparationBarrier(able, meet)
    if len(able) > 1:
        for run in able:
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
        The runs of each group, by their places in the sequence.
    list of str
        What was done and what not, in sentences.
    """
    from workbench.training.batched_lora.eligibility import sort_out

    groups: list[list[int]] = []
    sets, notes = sort_out(prepared)
    for places in sets:
        lanes = min(workers, len(places) // 2)
        # What would step side by side anyway must not be fused into one lane for less.
        idle = min(workers, len(places)) / lanes
        for lane in range(lanes):
            some = places[lane::lanes]
            done, note = _fuse([prepared[place] for place in some], PAYS * idle, always)
            groups += [some] * done
            notes.append(note)
    return groups, notes


def _fuse(prepared: Sequence[Prepared], needed: float, always: bool) -> tuple[bool, str]:
    """Fuse these runs if it pays; returns whether it was done, and why."""
    from workbench.training.batched_lora.benchmark import measure
    from workbench.training.batched_lora.eligibility import names_of
    from workbench.training.batched_lora.group import Group

    who = names_of(prepared)
    try:
        group = Group(prepared)
        pace = measure(group)
    except Exception as error:  # noqa: BLE001 (whatever it is, each of them can still train alone)
        return False, f"{who} are not fused: the attempt failed ({type(error).__name__}: {error})."
    if not pace.same:
        changed = f"by {pace.difference:.1e} (relative)"
        return False, f"{who} are not fused: it would change their losses or gradients {changed}."
    measured = (
        f"{pace.ratio:.2f} times as fast as separate steps, measured over {pace.rounds} steps"
    )
    if pace.ratio < needed and not always:
        return (
            False,
            f"{who} are not fused: it would be {measured}; at least {needed:.2f} times is needed.",
        )
    group.start()
    for one, member in zip(prepared, group.members, strict=True):
        one.steps = member
        one.plan = dataclasses.replace(one.plan, fused=len(prepared))
        one.notes.append(
            f"Trained fused with {len(prepared) - 1} other run{'s' * (len(prepared) > 2)} of "
            "the same base: its losses equal those of separate training within float "
            "tolerance, not to the last bit."
        )
    note = (
        f"{who} are trained fused, in one forward and backward pass through their base: {measured}."
    )
    return True, note
