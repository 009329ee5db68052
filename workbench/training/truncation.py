"""Rows that are longer than a model reads: cut where the recipe says so, refused where it does not."""

from __future__ import annotations

from typing import Any

from workbench.errors import Problem, RecipeError
from workbench.training.inputs.task_inputs import encoder, settings_of
from workbench.training.plan import Resolved

ENDLESS = 10**9


def check_lengths(resolved: Resolved, *parts: tuple[list[dict], list[dict] | None]) -> list[str]:
    """Say how many rows are cut at the recipe's ``max_length``.

    Parameters
    ----------
    resolved : Resolved
    parts : pairs of list of dict
        Rows, and the same as training encodes them: only those that fill all the room there is are
        encoded once more, without a limit. None for the second means all of them.

    Raises
    ------
    RecipeError
        Rows are too long for the model, and the recipe does not say that they may be cut.
    """
    plan = resolved.plan
    if not plan.max_length:  # images are no texts
        return []
    full = [
        row
        for rows, encoded in parts
        for row, ids in zip(rows, encoded or [None] * len(rows), strict=True)
        if ids is None or max(sides(ids)) >= plan.max_length
    ]
    room = 2 * [ENDLESS] if plan.max_prompt_length else [ENDLESS]
    whole = encoder(
        plan.recipe["task"], resolved.tokenizer, settings_of(plan.columns, plan.labels, *room)
    )
    sizes = [max(sides(row)) for row in whole(full)] if full else []
    cut = [size for size in sizes if size > plan.max_length]
    if not cut:
        return []
    rows = sum(len(rows) for rows, _ in parts)
    told = f"{len(cut):,} of {rows:,} rows {'is' if len(cut) == 1 else 'are'} longer than"
    if plan.recipe["max_length"] is not None:
        return [f"{told} max_length={plan.max_length} and cut there."]
    virtual = plan.recipe["technique_args"].get("num_virtual_tokens")
    beside = f" beside {virtual} virtual ones" if virtual else ""
    text = _start(full[sizes.index(max(sizes))], plan.columns)
    sentence = (
        f"{told} the {plan.max_length:,} tokens that {plan.recipe['model']} reads{beside}, the "
        f"longest with {max(sizes):,} ({text!r}): set max_length to {plan.max_length} to cut them "
        "there, or shorten them."
    )
    raise RecipeError([Problem.stated("max_length", sentence)])


def sides(row: dict[str, Any]) -> list[int]:
    """Return the lengths of what is padded in a row: what the model reads, and what it writes."""
    return [len(row[key]) for key in ("input_ids", "labels") if isinstance(row.get(key), list)]


def _start(row: dict[str, Any], columns: dict[str, str]) -> str:
    """Return how a row's longest text begins."""
    text = max((str(row[name]) for name in columns.values()), key=len)
    return text if len(text) <= 40 else f"{text[:39].rstrip()}…"
