"""Rows that are longer than a model reads: cut where the recipe says so, refused where it does not."""

from __future__ import annotations

from typing import Any

from workbench.errors import Problem, RecipeError
from workbench.training.inputs.largest_batch import sides
from workbench.training.inputs.task_inputs import EncodedRows, TaskInputs
from workbench.training.plan import Resolved


def check_lengths(resolved: Resolved, *parts: tuple[list[dict], EncodedRows | None]) -> list[str]:
    """Say how many rows are cut at the recipe's ``max_length``.

    Parameters
    ----------
    resolved : Resolved
    parts : pairs of list of dict
        Rows, and the same as training encodes them; None for the second where they are encoded in
        another way, so that all must be measured.

    Raises
    ------
    RecipeError
        Rows are too long for the model, and the recipe does not say that they may be cut.
    """
    plan = resolved.plan
    if not plan.max_length:  # images are no texts
        return []
    lengths = [
        (length, rows[number])
        for rows, encoded in parts
        for number, length in full_lengths(resolved.inputs, rows, encoded).items()
    ]
    sizes = [length for length, _ in lengths]
    cut = [size for size in sizes if size > plan.max_length]
    if not cut:
        return []
    rows = sum(len(rows) for rows, _ in parts)
    told = f"{len(cut):,} of {rows:,} rows {'is' if len(cut) == 1 else 'are'} longer than"
    if plan.recipe["max_length"] is not None:
        return [f"{told} max_length={plan.max_length} and truncated."]
    virtual = plan.recipe["technique_args"].get("num_virtual_tokens")
    beside = f" in addition to {virtual} virtual ones" if virtual else ""
    text = _start(lengths[sizes.index(max(sizes))][1], plan.columns)
    sentence = (
        f"{told} the {plan.max_length:,} tokens that {plan.recipe['model']} reads{beside}, the "
        f"longest with {max(sizes):,} ({text!r}): set max_length to {plan.max_length} to "
        "truncate them, or shorten them."
    )
    raise RecipeError([Problem.stated("max_length", sentence)])


def full_lengths(
    inputs: TaskInputs, rows: list[dict], encoded: EncodedRows | None
) -> dict[int, int]:
    """Return how long those rows would be that may have been cut, by their places.

    Only rows that fill all the room there is are encoded once more, without a limit, and only once
    for all runs that share them.
    """
    if encoded is not None and encoded.full_lengths is not None:
        return encoded.full_lengths
    places = [
        place
        for place in range(len(rows))
        if encoded is None or max(sides(encoded[place])) >= inputs.max_length
    ]
    whole = inputs.unlimited().encode([rows[place] for place in places]) if places else []
    lengths = {place: max(sides(row)) for place, row in zip(places, whole, strict=True)}
    if encoded is not None:
        encoded.full_lengths = lengths
    return lengths


def _start(row: dict[str, Any], columns: dict[str, str]) -> str:
    """Return how a row's longest text begins."""
    text = max((str(row[name]) for name in columns.values()), key=len)
    return text if len(text) <= 40 else f"{text[:39].rstrip()}…"
