"""A recipe's rows through its run's own encoder and collator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import peft

from workbench.recipe import Recipe
from workbench.registry.tasks import TASKS
from workbench.registry.techniques import config_class, get
from workbench.sources.datasets.load import Table
from workbench.sources.models.describe import ModelFacts
from workbench.training.inputs.collate import collate_images
from workbench.training.inputs.few_shot_plan import prompt_facts
from workbench.training.inputs.limits import choose_rows, padding_side
from workbench.training.inputs.task_inputs import TaskInputs
from workbench.training.inspection.skeleton import shapes_of

# Token ids before and behind a stream.
Padding = tuple[list[int], list[int]]
# A token and what is learned for it: None where it is only read.
Target = tuple[int, int | None]


class RowEncoder:
    """Encodes rows as a recipe's run does, within the limits of its base and without any.

    Parameters
    ----------
    recipe : Recipe
        A resolved one.
    facts : ModelFacts
    table : Table

    Attributes
    ----------
    inputs : TaskInputs
    asks : bool
        Whether nothing is trained, and rows become prompts.
    examples : int
        How many examples should stand before each prompt.
    """

    def __init__(self, recipe: Recipe, facts: ModelFacts, table: Table):
        self._recipe, self._table = recipe, table
        self.inputs = TaskInputs.of(recipe, facts, table)
        self.task = TASKS[recipe.task]
        self.asks = get(recipe.technique).trainable == "nothing"
        self._train_rows: list[dict] = []
        self._prompt: dict[str, Any] = {}
        if self.asks:
            self._train_rows, _ = choose_rows(recipe, table)
            self._prompt = prompt_facts(recipe, self.inputs.processor, self._train_rows, table)
        self.examples = len(self._prompt.get("examples", ()))

    def encode(self, rows: Sequence[dict], *, limited: bool = True) -> list[list[dict]]:
        """Encode rows, each to as many encoded rows as a run makes of it.

        Parameters
        ----------
        rows : sequence of dict
        limited : bool
            Whether ``max_length`` and the base's context count.
        """
        if not rows:
            return []
        encoded = self._encode(list(rows), limited)
        if len(encoded) == len(rows):
            return [[row] for row in encoded]
        return [self._encode([row], limited) for row in rows]

    def _encode(self, rows: list[dict], limited: bool) -> list[dict]:
        inputs = self.inputs if limited else self.inputs.unlimited()
        if self.asks:
            return inputs.encode_prompts(rows, self._prompt, self._train_rows)
        return inputs.encode(rows)

    def is_full(self, parts: Sequence[dict]) -> bool:
        """Tell whether a row may have been cut, as it fills the limit."""
        return any(
            len(tokens) >= self.inputs.max_length
            for part in parts
            for tokens in self.streams([part])
        ) or any(part.get("examples", self.examples) < self.examples for part in parts)

    def streams(self, parts: Sequence[dict]) -> list[list[Target]]:
        """Return a row's tokens with their targets: of the encoder and the decoder, or of one stream."""
        streams: list[list[Target]] = []
        for part in parts:
            for place, stream in enumerate(self._streams(part)):
                if place == len(streams):
                    streams.append([])
                streams[place] += stream
        return streams

    def _streams(self, part: dict) -> list[list[Target]]:
        ids, labels = part["input_ids"], part["labels"]
        read: list[Target] = [(number, None) for number in ids]
        if self.task.has_decoder:
            return [read, [(number, number) for number in labels]]
        if "words" in part:  # what the right label would add to a prompt
            return [[*read, *((number, number) for number in part["words"][labels])]]
        if self.task.peft_task_type not in ("CAUSAL_LM", "TOKEN_CLS"):
            return [read]
        paired: list[Target] = [
            (number, None if label == -100 else label)
            for number, label in zip(ids, labels, strict=True)
        ]
        if self.task.peft_task_type == "CAUSAL_LM" and paired and not self.virtual_tokens:
            paired[0] = (ids[0], None)  # nothing comes before it, so it is never predicted
        return [paired]

    def padding(self, rows: Sequence[Sequence[dict]]) -> list[list[Padding]]:
        """Return the padding before and behind each stream of each row, in one batch of these rows."""
        streams = [len(self.streams(parts)) for parts in rows]
        none: list[list[Padding]] = [[([], [])] * count for count in streams]
        if self.asks or self._recipe.padding_free or any(len(parts) != 1 for parts in rows):
            return none
        batch = self.inputs.collator(self._padding_side())([parts[0] for parts in rows])
        padding = []
        for place, (parts, count) in enumerate(zip(rows, streams, strict=True)):
            ids = batch["input_ids"][place].tolist()
            kept = batch["attention_mask"][place].nonzero().flatten().tolist()
            first, last = (kept[0], kept[-1] + 1) if kept else (len(ids), len(ids))
            behind = batch["labels"].shape[-1] - len(parts[0]["labels"]) if count == 2 else 0
            decoder: Padding = ([], [self.inputs.processor.pad_token_id] * behind)
            padding.append([(ids[:first], ids[last:]), decoder][:count])
        return padding

    def _padding_side(self) -> str:
        if self.task.collator_left is None:
            return "right"
        shapes, _ = shapes_of(self._recipe, lambda _: self._table)
        return padding_side(shapes)

    @property
    def virtual_tokens(self) -> int:
        """How many trained vectors stand before each row, as if they were tokens."""
        technique = get(self._recipe.technique)
        kind = config_class(technique.name) if technique.config else None
        if kind is None or not issubclass(kind, peft.PromptLearningConfig):
            return 0
        return self._recipe.technique_args.get("num_virtual_tokens") or 0

    def pixels(self, row: dict) -> Any:
        """Return what the model reads of an image: (channels, height, width), from 0 to 1."""
        (encoded,) = self.inputs.encode([row])
        values = collate_images([encoded], self.inputs.processor)["pixel_values"][0]
        low, high = values.min(), values.max()
        return ((values - low) / (high - low).clamp(min=1e-6)).numpy()
