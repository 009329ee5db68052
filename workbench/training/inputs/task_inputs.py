"""From a task's rows to token ids to batches, within limits: for a run and for whoever looks ahead at it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from os.path import commonprefix
from typing import Any

from jinja2 import TemplateError

from workbench.errors import Problem, RecipeError
from workbench.recipe import Recipe
from workbench.registry.tasks import TASKS
from workbench.sources.datasets.load import Table
from workbench.sources.models.describe import ModelFacts
from workbench.training.inputs import tokenize
from workbench.training.inputs.limits import longest, longest_prompt
from workbench.training.inputs.processor import load_processor
from workbench.training.inputs.tokenize import ChatError

# Tokens that no row has.
ENDLESS = 10**9


@dataclass(frozen=True)
class TaskInputs:
    """From rows to token ids to batches, within the limits of a recipe and its base.

    Parameters
    ----------
    task : str
        One of :data:`workbench.registry.tasks.TASKS`.
    processor : transformers.PreTrainedTokenizerBase
        For images their processor.
    columns : mapping of str to str
        Column of each role.
    labels : sequence of str
        In the order of the classifier's outputs.
    max_length, max_prompt_length : int
        See :class:`workbench.training.plan.Plan`; 0 where there is no limit of that kind.
    sets_pad_token : bool
        Whether the tokenizer lacked a padding token and was lent one.
    """

    task: str
    processor: Any
    columns: Mapping[str, str]
    labels: Sequence[str]
    max_length: int = 0
    max_prompt_length: int = 0
    sets_pad_token: bool = False

    @classmethod
    def of(cls, recipe: Recipe, facts: ModelFacts, table: Table) -> TaskInputs:
        """Load what a recipe's rows are read with, and find how long they may be.

        Raises
        ------
        RecipeError, ModelError
            The base cannot hold what the recipe asks for, or lacks what the task needs.
        """
        processor, sets_pad_token = load_processor(recipe, TASKS[recipe.task], facts.path)
        room = recipe, facts.context, getattr(processor, "model_max_length", math.inf)
        limits = longest(*room), longest_prompt(*room)
        return cls(
            recipe.task, processor, dict(table.columns), list(table.labels), *limits, sets_pad_token
        )

    @property
    def settings(self) -> dict[str, Any]:
        """The keyword arguments of the task's function in :mod:`workbench.training.inputs.tokenize`."""
        values = {
            "labels": self.labels,
            "max_length": self.max_length,
            "max_prompt_length": self.max_prompt_length,
        }
        columns = {f"{role}_column": name for role, name in self.columns.items()}
        return columns | {name: value for name, value in values.items() if value}

    def encode(self, rows: list[dict], virtual_labels: int = 0) -> list[dict]:
        """Encode rows; images wait for their batch.

        Parameters
        ----------
        rows : list of dict
        virtual_labels : int
            Virtual tokens for which the labels of each row must leave room.
        """
        encode = TASKS[self.task].encode
        if encode is None:
            raise ValueError(f"{self.task} has no rows to encode: they come with a module")
        function = partial(encode.load(), rows, **self.settings)
        if TASKS[self.task].reads_images:
            return function()
        with refusing(self.processor):
            encoded = function(tokenizer=self.processor)
        return tokenize.leave_room(encoded, virtual_labels) if virtual_labels else encoded

    def encode_prompts(
        self, rows: list[dict], prompt: Mapping[str, Any], train_rows: Sequence[dict]
    ) -> list[dict]:
        """Encode rows as the prompts that :func:`workbench.training.inputs.few_shot_plan.prompt_facts` tells of.

        Parameters
        ----------
        rows : list of dict
        prompt : mapping
        train_rows : sequence of dict
            From which its examples are taken.
        """
        asked = TASKS[self.task].prompt
        if asked is None:
            raise ValueError(f"{self.task} has no prompts")
        words = {"words": prompt["words"]} if "words" in prompt else {}
        with refusing(self.processor):
            return asked.load()(
                rows,
                tokenizer=self.processor,
                examples=[train_rows[number] for number in prompt["examples"]],
                template=prompt["template"],
                **self.settings,
                **words,
            )

    def unlimited(self) -> TaskInputs:
        """Return the same for rows of any length."""
        prompts = ENDLESS if self.max_prompt_length else 0
        return replace(self, max_length=ENDLESS, max_prompt_length=prompts)

    def collator(self, padding_side: str) -> Callable[[list[dict]], dict]:
        """Return the function that makes a batch of encoded rows.

        Parameters
        ----------
        padding_side : {"left", "right"}
            Of rows with one label.
        """
        function = TASKS[self.task].collator_for(padding_side).load()
        if TASKS[self.task].reads_images:
            return partial(function, processor=self.processor)
        return partial(function, pad_token_id=self.processor.pad_token_id)

    def prompt_collator(self) -> Callable[[list[dict]], dict] | None:
        """Return the function that makes a batch of what answers are generated for, if any are."""
        ask = TASKS[self.task].generation_collator
        return ask and partial(ask.load(), pad_token_id=self.processor.pad_token_id)

    def chat_notes(self, rows: Sequence[dict]) -> list[str]:
        """Say where answers are learnt behind another text than the template has them generated for."""
        if not TASKS[self.task].chats or self.processor.chat_template is None:
            return []
        return _chat_notes(self.processor, self.columns, rows)


class EncodedRows(list):
    """Encoded rows: a list that others can share for as long as somebody holds it.

    Attributes
    ----------
    full_lengths : dict of int to int, or None
        How long those rows are that fill all the room there is, by their places, were there no limit;
        None before that was measured.
    """

    full_lengths: dict[int, int] | None = None


@contextmanager
def refusing(tokenizer: Any) -> Iterator[None]:
    """Say in a sentence what a chat template refuses, and where it cannot be learnt from."""
    try:
        yield
        return
    except TemplateError as error:
        why = f"the chat template of {tokenizer.name_or_path!r} says: {error}"
    except ChatError as error:
        why = str(error)
    raise RecipeError([Problem.stated("model", f"{why[0].upper()}{why[1:]}.")])


def _chat_notes(tokenizer: Any, columns: Mapping[str, str], rows: Sequence[dict]) -> list[str]:
    for row in rows:
        prompt, answer = (row[columns[role]] for role in ("prompt", "completion"))
        turn = [{"role": "user", "content": prompt}]
        asked = tokenizer.apply_chat_template(turn, tokenize=False, add_generation_prompt=True)
        learnt, _ = tokenize.chat(tokenizer, prompt, answer)
        if learnt != asked:
            shared = len(commonprefix([learnt, asked]))
            note = (
                "The chat template starts a generated answer differently from an answer in a "
                "finished conversation: this run trains and scores answers after "
                f"{learnt[-20:]!r}, where the template would generate them after "
                f"{asked[shared:][-40:]!r}; put the same text before an answer when you use the "
                "model."
            )
            return [note]
    return []
