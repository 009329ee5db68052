"""Rows of a recipe's data as its model gets them: what is learned, read only and cut off."""

from __future__ import annotations

from workbench import imports
from workbench.errors import Problem, RecipeError
from workbench.quiet import quiet_loggers
from workbench.recipe import Recipe
from workbench.sources.datasets.load import Table
from workbench.sources.datasets.unused import unused_columns
from workbench.sources.lookup import look_up
from workbench.sources.models.describe import ModelFacts
from workbench.training.inspection.look import html, text
from workbench.training.inspection.look.marks import Preview

SECONDS = 2.0  # for counting
MOST_TOKENS = 240  # of a stretch with one mark that are shown


class Look(Preview):
    """Rows of a recipe's data as its model gets them; marked text in a notebook and on a terminal."""

    def __repr__(self) -> str:
        return text.as_text(self)

    def _repr_html_(self) -> str:
        return html.page(self)


@quiet_loggers()
def look(recipe: Recipe, rows: int = 3, *, max_tokens: int = MOST_TOKENS) -> Look:
    """Show rows as the model gets them, and which of their tokens are learned (imports torch and peft).

    They are made by the encoder and the collator of the recipe's run; no weights are loaded. What is
    learned and what ``max_length`` cuts off is also counted, over as many of the first rows as two seconds
    allow, at most 1,000.

    Parameters
    ----------
    recipe : Recipe
    rows : int, default 3
        How many rows to show, spread evenly over the data.
    max_tokens : int, default 240
        How many tokens of a stretch with one mark to show; how many are left out is said.

    Returns
    -------
    Look

    Raises
    ------
    RecipeError
        With all problems of the recipe.
    ModelError
        The base's tokenizer lacks what the task needs.

    Examples
    --------
    >>> shown = look(Recipe(data="village-qa", task="instruct"), rows=1)
    >>> shown.rows[0].target[0].endswith("<|end|>"), shown.unused
    (True, ('kind',))
    """
    if not isinstance(rows, int) or rows < 1:
        raise RecipeError([Problem("rows", "an integer of at least 1", rows)])
    if not isinstance(max_tokens, int) or max_tokens < 1:
        raise RecipeError([Problem("max_tokens", "an integer of at least 1", max_tokens)])
    facts, table = look_up(recipe).require()
    imports.load(*imports.LIBRARIES, "workbench.training.inspection.look.rows")
    return look_at(recipe, facts, table, rows, max_tokens=max_tokens)


def look_at(
    recipe: Recipe,
    facts: ModelFacts,
    table: Table,
    rows: int,
    *,
    max_tokens: int = MOST_TOKENS,
    seconds: float = SECONDS,
) -> Look:
    """Do as :func:`look` with a base and data that were looked up.

    Parameters
    ----------
    recipe : Recipe
    facts : ModelFacts
    table : Table
    rows, max_tokens : int
        See :func:`look`.
    seconds : float
        How long to count.
    """
    from workbench.training.inputs.limits import START_ROWS
    from workbench.training.inspection.look.counts import count_rows
    from workbench.training.inspection.look.encoder import RowEncoder
    from workbench.training.inspection.look.rows import make_rows

    recipe = recipe.resolved(facts)
    encoder = RowEncoder(recipe, facts, table)
    total, count = len(table.train), min(rows, len(table.train))
    numbers = [place * total // count + 1 for place in range(count)]
    picked = [table.train[number - 1] for number in numbers]
    # What a template makes of rows shows in the first ones.
    chat_notes = encoder.inputs.chat_notes(table.train[:START_ROWS])
    return Look(
        recipe=recipe,
        rows=make_rows(encoder, picked, numbers, max_tokens),
        counts=count_rows(encoder, table.train, seconds),
        limit=encoder.inputs.max_length,
        unused=unused_columns(table),
        notes=(*table.notes, *chat_notes),
    )
