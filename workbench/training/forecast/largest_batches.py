"""The largest batches of a recipe's run, with real ids and masks and images of shapes only."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import torch

from workbench.recipe import Recipe
from workbench.registry.tasks import TASKS
from workbench.registry.techniques import config_class, get
from workbench.sources.datasets.load import Table
from workbench.sources.models.describe import ModelFacts
from workbench.training.inputs import collate
from workbench.training.inputs.few_shot_plan import prompt_facts
from workbench.training.inputs.largest_batch import widest
from workbench.training.inputs.limits import START_ROWS, choose_rows, count_steps
from workbench.training.inputs.processor import virtual_labels
from workbench.training.inputs.row_order import drawn, in_turn
from workbench.training.inputs.task_inputs import TaskInputs


class LargestBatches:
    """The batches of a run that need the most memory, encoded as the run encodes them.

    Parameters
    ----------
    recipe : Recipe
        A resolved one.
    facts : ModelFacts
    table : Table
    padding_side : {"left", "right"}
    device : {"cpu", "cuda"}
        Where its batches are.

    Attributes
    ----------
    inputs : TaskInputs
    padding_side : str
    """

    def __init__(
        self, recipe: Recipe, facts: ModelFacts, table: Table, padding_side: str, device: str
    ):
        self.inputs = TaskInputs.of(recipe, facts, table)
        self.padding_side, self._device = padding_side, torch.device(device)
        self._recipe, self._table = recipe, table
        self._train_rows, self._eval_rows = choose_rows(recipe, table)
        self._encoded: dict[str, list[dict]] = {}

    def start_rows(self) -> list[dict]:
        """Return the first training rows, encoded, as techniques look at them before the first step."""
        return self._encode(self._train_rows[:START_ROWS], {})

    def batch(self, part: str, size: int, config: Mapping[str, Any]) -> dict[str, torch.Tensor]:
        """Return a batch of any number of rows, as wide as the widest of the run.

        Parameters
        ----------
        part : {"train", "eval"}
        size : int
            Rows in the batch.
        config : mapping
            The PEFT config's fields.
        """
        widest_rows = self._widest_rows(part, config)
        rows = [widest_rows[number % len(widest_rows)] for number in range(size)]
        if "words" in rows[0]:
            pad_token_id = self.inputs.processor.pad_token_id
            batch = collate.collate_words(rows[:1], pad_token_id=pad_token_id)
        elif part == "train" and self._recipe.padding_free:
            batch = collate.collate_flat(rows)
        else:
            batch = self.inputs.collator(self.padding_side)(rows)
        # Ids and masks are real, as some code looks at them; images are not.
        return {
            name: torch.empty_like(value, device=self._device)
            if value.is_floating_point()
            else value.to(self._device)
            for name, value in batch.items()
        }

    def _widest_rows(self, part: str, config: Mapping[str, Any]) -> list[dict]:
        if part not in self._encoded:
            recipe = self._recipe
            if part == "train":
                rows, size = self._train_rows, recipe.per_device_train_batch_size
                numbers: Any = partial(drawn, len(rows), recipe, count_steps(recipe, len(rows)))
            else:
                rows, size = self._eval_rows, recipe.per_device_eval_batch_size
                numbers = partial(in_turn, len(rows), size)
            columns = [] if TASKS[recipe.task].reads_images else [*self._table.columns.values()]
            encode = partial(self._encode, config=config)
            self._encoded[part] = widest(rows, numbers, size, columns, encode)
        return self._encoded[part]

    def _encode(self, rows: list[dict], config: Mapping[str, Any]) -> list[dict]:
        technique, inputs, train_rows = get(self._recipe.technique), self.inputs, self._train_rows
        if technique.trainable == "nothing":
            prompt = prompt_facts(self._recipe, inputs.processor, train_rows, self._table)
            return inputs.encode_prompts(rows, prompt, train_rows)
        peft_class = config_class(technique.name) if technique.config else None
        labels = virtual_labels(TASKS[self._recipe.task], peft_class, config) if config else 0
        return inputs.encode(rows, labels)
