"""What the model sees of a row: its tokens, and which of them are learnt."""

from __future__ import annotations

from typing import Any

import torch

from workbench.recipe import Recipe
from workbench.registry.tasks import TASKS
from workbench.registry.techniques import get
from workbench.sources.datasets.load import Table, spread
from workbench.sources.lookup import find_facts
from workbench.training.inputs.collate import collate_images
from workbench.training.inputs.few_shot_plan import prompt_facts
from workbench.training.inputs.limits import choose_rows
from workbench.training.inputs.task_inputs import TaskInputs


def tokenised(recipe: Recipe, dataset: Table, rows: int = 3) -> list[dict[str, Any]]:
    """Encode a few rows, spread evenly, as training would.

    Images are brought to the size that the model reads.

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
        ``tokens`` (list of str) and ``learnt`` (list of bool: whether the loss counts the token).
        Where a row has one label for all, no token is learnt and ``label`` holds the label; where
        words have labels, ``tags`` holds the label of each token that has one, and else None. For
        images ``pixels``, what the model reads as an array of shape (channels, height, width) with
        values from 0 to 1, and ``label``. Where nothing is trained, ``prompt`` is the whole text,
        and what counts as learnt is what the model is asked for.
    """
    recipe = recipe.resolved()
    inputs = TaskInputs.of(recipe, find_facts(recipe), dataset)
    task, tokenizer, labels = TASKS[recipe.task], inputs.processor, list(inputs.labels)
    picked = spread(dataset.train, rows)
    if task.reads_images:
        batch = collate_images(inputs.encode(picked), tokenizer)
        pairs = zip(batch["pixel_values"], batch["labels"], strict=True)
        return [_pixels_shown(pixels, target, labels) for pixels, target in pairs]
    if get(recipe.technique).trainable == "nothing":
        train_rows, _ = choose_rows(recipe, dataset)
        prompt = prompt_facts(recipe, tokenizer, train_rows, dataset)
        prompted = inputs.encode_prompts(picked, prompt, train_rows)
        read = [_answered(row) for row in prompted]
        texts = [tokenizer.decode(row["input_ids"]) for row in read]
        return [
            {**_shown(row, tokenizer, []), "prompt": text}
            for row, text in zip(read, texts, strict=True)
        ]
    encoded = inputs.encode(picked)
    if task.has_decoder:
        encoded = [_in_a_row(row) for row in encoded]
    return [_shown(row, tokenizer, labels) for row in encoded]


def training_rows(recipe: Recipe, dataset: Table) -> list[dict]:
    """Return the rows that a recipe trains on, in the order in which ``examples`` numbers them."""
    return choose_rows(recipe.resolved(), dataset)[0]


def _pixels_shown(pixels: torch.Tensor, target: torch.Tensor, labels: list[str]) -> dict[str, Any]:
    low, high = pixels.min(), pixels.max()
    scaled = (pixels - low) / (high - low).clamp(min=1e-6)
    return {"pixels": scaled.numpy(), "label": labels[int(target)]}


def _answered(row: dict[str, Any]) -> dict[str, Any]:
    """Put what is asked for behind a prompt, and mark it."""
    if "words" in row:
        word = row["words"][row["labels"]]
        row = {
            "input_ids": row["input_ids"] + word,
            "labels": [-100] * len(row["input_ids"]) + word,
        }
    return row if len(row["labels"]) == len(row["input_ids"]) else _in_a_row(row)


def _in_a_row(row: dict[str, Any]) -> dict[str, Any]:
    """Put what the decoder writes behind what the encoder reads."""
    read, written = row["input_ids"], row["labels"]
    return {"input_ids": read + written, "labels": [-100] * len(read) + written}


def _shown(row: dict[str, Any], tokenizer: Any, labels: list[str]) -> dict[str, Any]:
    tokens = [tokenizer.decode([token]) for token in row["input_ids"]]
    targets = row["labels"]
    if isinstance(targets, int):
        return {"tokens": tokens, "learnt": [False] * len(tokens), "label": labels[targets]}
    shown: dict[str, Any] = {"tokens": tokens, "learnt": [target != -100 for target in targets]}
    if labels:
        shown["tags"] = [labels[target] if target != -100 else None for target in targets]
    return shown
