"""Rows that are longer than a model reads: cut where the recipe says so, refused where it does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from workbench.errors import Problem, RecipeError
from workbench.training.resolve import Resolved


def check_lengths(
    resolved: Resolved,
    *parts: tuple[list[dict], Sequence[int]],
    losses: Mapping[str, int] | None = None,
) -> list[str]:
    """Say how many rows are cut at the recipe's ``max_length``, and what they lose.

    Parameters
    ----------
    resolved : Resolved
    *parts : pairs of list of dict and sequence of int
        Rows, and how many tokens each has without a limit; see
        :class:`workbench.training.inputs.encoded_rows.EncodedRows`.
    losses : mapping of str to int, optional
        How many rows lose which part.

    Raises
    ------
    RecipeError
        Rows are too long for the model, and the recipe does not say that they may be cut.
    """
    plan = resolved.plan
    if not plan.max_length:  # images have no tokens
        return []
    too_long = [
        (length, row)
        for rows, lengths in parts
        for row, length in zip(rows, lengths, strict=True)
        if length > plan.max_length
    ]
    if not too_long:
        return []
    num_rows = sum(len(rows) for rows, _ in parts)
    verb = "is" if len(too_long) == 1 else "are"
    counted = f"{len(too_long):,} of {num_rows:,} rows {verb} longer than"
    if plan.recipe["max_length"] is not None:
        lost = "; ".join(
            f"{count:,} {'loses' if count == 1 else 'lose'} {part}"
            for part, count in (losses or {}).items()
        )
        said = f": {lost}" if lost else ""
        return [f"{counted} max_length={plan.max_length} and truncated{said}."]
    length, row = max(too_long, key=lambda pair: pair[0])
    virtual = plan.recipe["technique_args"].get("num_virtual_tokens")
    besides = f" in addition to {virtual} virtual ones" if virtual else ""
    sentence = (
        f"{counted} the {plan.max_length:,} tokens that {plan.recipe['model']} reads{besides}, "
        f"the longest with {length:,} ({_beginning(row, plan.columns)!r}): set max_length to "
        f"{plan.max_length} to truncate them, or shorten them."
    )
    raise RecipeError([Problem.stated("max_length", sentence)])


def _beginning(row: dict, columns: dict[str, str]) -> str:
    """Return how a row's longest text begins."""
    text = max((str(row.get(name, "")) for name in columns.values()), key=len)
    return text if len(text) <= 40 else f"{text[:39].rstrip()}…"
