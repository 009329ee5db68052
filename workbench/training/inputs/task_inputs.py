"""From a task's rows to token ids to batches: for a run, its forecast and its token preview alike."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from jinja2 import TemplateError

from workbench.errors import Problem, RecipeError
from workbench.recipe import Recipe
from workbench.registry.tasks import TASKS
from workbench.sources.datasets.conversations.checks import reader
from workbench.sources.datasets.conversations.find import learns_completion_only
from workbench.sources.datasets.conversations.forms import with_system_prompt
from workbench.sources.datasets.load import Table
from workbench.sources.models.describe import ModelFacts
from workbench.training.inputs import tokenize
from workbench.training.inputs.chat import ChatError, marks_answers
from workbench.training.inputs.chat_notes import template_notes
from workbench.training.inputs.encoded_rows import EncodedRows, lost_parts
from workbench.training.inputs.largest_batch import token_counts
from workbench.training.inputs.limits import prompt_token_limit, token_limit
from workbench.training.inputs.processor import load_processor
from workbench.training.inputs.recording_tokenizer import (
    UNLIMITED,
    MeasuringTokenizer,
    RecordingTokenizer,
)


@dataclass(frozen=True)
class TaskInputs:
    """From rows to token ids to batches, within the limits of a recipe and its base.

    A row is a dict of the data's columns. An encoded row is a dict of lists of token ids and labels,
    each row of its own length; a batch is a dict of tensors of shape (rows, longest row), see
    :mod:`workbench.training.inputs.tokenize` and :mod:`workbench.training.inputs.collate`.

    Parameters
    ----------
    task : str
        One of :data:`workbench.registry.tasks.TASKS`.
    processor : transformers.PreTrainedTokenizerBase
        For images their processor.
    columns : mapping of str to str
        Column of each role.
    labels : sequence of str
        In the order of the classifier's outputs; empty where the task has none.
    max_length, max_prompt_length : int
        See :class:`workbench.training.plan.Plan`; 0 where there is no limit of that kind.
    sets_pad_token : bool
        Whether the tokenizer lacked a padding token and pads with its end-of-text token.
    conversation : mapping
        How rows become conversations; see :class:`workbench.training.plan.Plan`. Empty for tasks
        without, and for prompts with their completions.
    """

    task: str
    processor: Any
    columns: Mapping[str, str]
    labels: Sequence[str]
    max_length: int = 0
    max_prompt_length: int = 0
    sets_pad_token: bool = False
    conversation: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, recipe: Recipe, facts: ModelFacts, table: Table) -> TaskInputs:
        """Load the tokenizer or image processor of a recipe's base, and find how long rows may be.

        Raises
        ------
        RecipeError, ModelError
            The base cannot hold what the recipe asks for, or lacks what the task needs.
        """
        processor, sets_pad_token = load_processor(recipe, TASKS[recipe.task], facts.path)
        model_max_length = getattr(processor, "model_max_length", math.inf)
        return cls(
            task=recipe.task,
            processor=processor,
            columns=dict(table.columns),
            labels=list(table.labels),
            max_length=token_limit(recipe, facts.context, model_max_length),
            max_prompt_length=prompt_token_limit(recipe, facts.context, model_max_length),
            sets_pad_token=sets_pad_token,
            conversation=conversation_facts(recipe, table, processor),
        )

    @property
    def settings(self) -> dict[str, Any]:
        """The keyword arguments of the task's function in :mod:`workbench.training.inputs.tokenize`."""
        values = {
            "labels": self.labels,
            "max_length": self.max_length,
            "max_prompt_length": self.max_prompt_length,
        }
        values = {name: value for name, value in values.items() if value}
        if TASKS[self.task].chats:
            return {"completion_only": self.conversation.get("completion_only", True)} | values
        return {f"{role}_column": name for role, name in self.columns.items()} | values

    def conversations(self, rows: Sequence[dict]) -> list[dict]:
        """Make conversations of rows, where the task has them; else return the rows as they are."""
        if not TASKS[self.task].chats:
            return list(rows)
        facts = self.conversation
        read = reader(facts.get("form", "pair"), self.columns, facts.get("prompt_template"))
        return [self.with_system_prompt(read(row)) for row in rows]

    def with_system_prompt(self, conversation: dict) -> dict:
        """Put the recipe's system prompt before a conversation that has none."""
        system_prompt = self.conversation.get("system_prompt")
        return with_system_prompt(conversation, system_prompt) if system_prompt else conversation

    def encode(self, rows: list[dict], virtual_labels: int = 0) -> list[dict]:
        """Encode rows; images are opened when a batch is made of them.

        Parameters
        ----------
        rows : list of dict
        virtual_labels : int
            Virtual tokens for which the labels of each row must leave room.

        Returns
        -------
        list of dict
            ``input_ids`` (list of int) and ``labels`` (an int, or a list of int with -100 where there
            is no target) of each row, and what else its task's collators need.
        """
        encode = TASKS[self.task].encode
        if encode is None:
            raise ValueError(f"{self.task} has no rows to encode: they come with a module")
        function = partial(encode.load(), self.conversations(rows), **self.settings)
        if TASKS[self.task].reads_images:
            return function()
        with chat_errors_in_words(self.processor):
            encoded = function(tokenizer=self.processor)
        return tokenize.leave_room(encoded, virtual_labels) if virtual_labels else encoded

    def encode_measured(self, rows: list[dict], virtual_labels: int = 0) -> EncodedRows:
        """Encode rows as :meth:`encode` does, and measure how long each is without a limit."""
        if not self.max_length:  # images have no tokens
            return EncodedRows(self.encode(rows), [])
        losses: Counter[str] = Counter()
        recording = RecordingTokenizer(self.processor)
        encoded = replace(self, processor=recording).encode(rows)
        lengths = [max(token_counts(row)) for row in encoded]
        # Only rows that fill the limit may have been cut.
        full = [number for number, length in enumerate(lengths) if length >= self.max_length]
        if full:
            measuring = replace(self.unlimited(), processor=MeasuringTokenizer(recording))
            uncut = measuring.encode([rows[number] for number in full])
            for number, row in zip(full, uncut, strict=True):
                lengths[number] = max(token_counts(row))
                if TASKS[self.task].chats:
                    losses.update(lost_parts(row, encoded[number]))
        if virtual_labels:
            encoded = tokenize.leave_room(encoded, virtual_labels)
        return EncodedRows(encoded, lengths, losses)

    def encode_prompts(
        self, rows: list[dict], prompt: Mapping[str, Any], train_rows: Sequence[dict]
    ) -> list[dict]:
        """Encode rows as prompts, behind examples.

        Parameters
        ----------
        rows : list of dict
        prompt : mapping
            See :func:`workbench.training.inputs.few_shot_plan.prompt_facts`.
        train_rows : sequence of dict
            The rows from which the examples are taken.

        Returns
        -------
        list of dict
            See :mod:`workbench.training.inputs.few_shot`.
        """
        encode = TASKS[self.task].prompt
        if encode is None:
            raise ValueError(f"{self.task} has no prompts")
        words = {"words": prompt["words"]} if "words" in prompt else {}
        with chat_errors_in_words(self.processor):
            settings = {k: v for k, v in self.settings.items() if k != "completion_only"}
            return encode.load()(
                self.conversations(rows),
                tokenizer=self.processor,
                examples=self.conversations([train_rows[number] for number in prompt["examples"]]),
                template=prompt["template"],
                **settings,
                **words,
            )

    def unlimited(self) -> TaskInputs:
        """Return the same for rows of any length."""
        prompts = UNLIMITED if self.max_prompt_length else 0
        return replace(self, max_length=UNLIMITED, max_prompt_length=prompts)

    def collator(self, padding_side: str) -> Callable[[list[dict]], dict]:
        """Return the function that makes a batch of encoded rows.

        Parameters
        ----------
        padding_side : {"left", "right"}
            Side on which rows with one label are padded.

        Returns
        -------
        callable
            Takes a list of encoded rows; returns a dict of tensors of shape (rows, longest row), but
            for ``labels`` of shape (rows,) where each row has one, and for ``pixel_values`` of shape
            (rows, channels, height, width).
        """
        function = TASKS[self.task].collator_for(padding_side).load()
        if TASKS[self.task].reads_images:
            return partial(function, processor=self.processor)
        return partial(function, pad_token_id=self.processor.pad_token_id)

    def prompt_collator(self) -> Callable[[list[dict]], dict] | None:
        """Return the function that makes a batch of what answers are generated for, if any are."""
        collator = TASKS[self.task].generation_collator
        if collator is None:
            return None
        return partial(collator.load(), pad_token_id=self.processor.pad_token_id)

    def chat_notes(self, rows: Sequence[dict]) -> list[str]:
        """Say what the chat template makes of rows that a user may not expect."""
        if not TASKS[self.task].chats:
            return []
        with chat_errors_in_words(self.processor):
            completion_only = self.conversation.get("completion_only", True)
            return template_notes(self.processor, self.conversations(rows), completion_only)


def conversation_facts(recipe: Recipe, table: Table, tokenizer: Any) -> dict[str, Any]:
    """Return how a recipe's rows become conversations, as plain data; nothing where they do not."""
    if not table.form:
        return {}
    losses = recipe.assistant_only_loss, recipe.completion_only_loss
    template = str(tokenizer.chat_template or "")
    return {
        "form": table.form,
        "prompt_template": recipe.prompt_template,
        "system_prompt": recipe.system_prompt,
        "completion_only": learns_completion_only(table.form, *losses),
        "has_template": bool(template),
        "marks_answers": marks_answers(template),
        "writes_date": "strftime_now" in template,
    }


@contextmanager
def chat_errors_in_words(tokenizer: Any) -> Iterator[None]:
    """Turn the error of a chat template, or of one that cannot be learnt from, into a sentence.

    Raises
    ------
    RecipeError
    """
    try:
        yield
        return
    except TemplateError as error:
        why = f"the chat template of {tokenizer.name_or_path!r} says: {error}"
    except ChatError as error:
        why = str(error)
    raise RecipeError([Problem.stated("model", f"{why[0].upper()}{why[1:]}.")])
