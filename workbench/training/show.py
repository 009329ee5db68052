"""What the model sees of a row: its tokens, and which of them are learnt."""

from __future__ import annotations

from typing import Any

import transformers

from workbench.catalog.data import Table, spread
from workbench.recipe import Recipe
from workbench.training import encode
from workbench.training.base import quiet_transformers
from workbench.training.plan import find_model


def tokenised(recipe: Recipe, dataset: Table, rows: int = 3) -> list[dict[str, Any]]:
    """Encode a few rows, spread evenly, as training would.

    Parameters
    ----------
    recipe : Recipe
    dataset : Table
        The recipe's data.
    rows : int
        How many rows.

    Returns
    -------
    list of dict
        ``tokens`` (list of str) and ``learnt`` (list of bool: whether the loss counts the token;
        all False in classification, where ``label`` holds the label instead).
    """
    with quiet_transformers():
        tokenizer = transformers.AutoTokenizer.from_pretrained(
            find_model(recipe), trust_remote_code=recipe.trust_remote_code
        )
    settings: dict[str, Any] = {f"{role}_column": name for role, name in dataset.columns.items()}
    if recipe.task == "classify":
        settings["labels"] = list(dataset.labels)
    settings["max_length"] = recipe.max_length or 512
    encoded = getattr(encode, f"encode_{recipe.task}")(
        spread(dataset.train, rows), tokenizer, **settings
    )
    shown = []
    for row in encoded:
        tokens = [tokenizer.decode([token]) for token in row["input_ids"]]
        if recipe.task == "classify":
            label = dataset.labels[row["labels"]]
            shown.append({"tokens": tokens, "learnt": [False] * len(tokens), "label": label})
        else:
            shown.append({"tokens": tokens, "learnt": [label != -100 for label in row["labels"]]})
    return shown
