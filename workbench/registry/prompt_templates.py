"""Prompting: its arguments, its templates, and what is wrong with them."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from workbench.errors import Problem
from workbench.registry.tasks import TASKS

# What a row becomes where the recipe gives no template. Where the tokenizer has a chat template,
# instructions are turns of a conversation instead.
TEMPLATES = {
    "lm": "{text}",
    "instruct": "{prompt}\n{completion}",
    "seq2seq": "{prompt}\n{completion}",
    "classify": "Text: {text}\nLabel: {label}",
}
# What stands for no text in contextual calibration, as in its paper.
CONTENT_FREE = ("N/A", "[MASK]", "")
# What stands between examples, and so ends an answer that a base goes on after.
SEPARATOR = "\n\n"


@dataclass(frozen=True, kw_only=True)
class ZeroShotConfig:
    """The arguments of prompting without examples; what each means stands in its ``help``."""

    template: str | None = field(
        default=None,
        metadata={
            "help": "The prompt for each row, with the task's columns in braces, such as "
            "'{text}\\nLabel: {label}'. The model has to predict the last column. None "
            "uses the task's default template.",
            "multiline": True,
        },
    )
    label_words: dict[str, str] | None = field(
        default=None,
        metadata={
            "help": "The word to use for each label, such as {positive: good}; None uses the "
            "labels themselves."
        },
    )
    normalize: bool = field(
        default=False,
        metadata={"help": "Divide the log-likelihood of each label by its number of tokens."},
    )
    calibrate: bool = field(
        default=False,
        metadata={
            "help": "Correct for the labels that the prompt favours without a text, measured "
            "with 'N/A', '[MASK]' and an empty text in its place (contextual "
            "calibration, arXiv 2102.09690)."
        },
    )


@dataclass(frozen=True, kw_only=True)
class FewShotConfig(ZeroShotConfig):
    """The arguments of prompting with examples."""

    num_examples: int = field(
        default=4, metadata={"help": "Number of training rows shown as examples before each row."}
    )
    example_seed: int = field(
        default=0,
        metadata={
            "help": "Seed for the random choice of the examples, which takes the labels in turn."
        },
    )
    examples: list[int] | None = field(
        default=None,
        metadata={
            "help": "The training rows to use as examples, by number from 1, in this order; "
            "None chooses at random."
        },
    )


def placeholders(task: str) -> list[str]:
    """Return what a task's template must hold, in this order.

    Examples
    --------
    >>> placeholders("classify")
    ['{text}', '{label}']
    """
    return [f"{{{role}}}" for role in TASKS[task].roles]


def words_of(labels: Sequence[str], label_words: Mapping[Any, Any] | None) -> list[str]:
    """Return what is written for each label."""
    given = {str(label): str(word) for label, word in (label_words or {}).items()}
    return [given.get(label, label) for label in labels]


def argument_problems(task: str, args: Mapping[str, Any]) -> list[Problem]:
    """Return what is wrong with a prompt's arguments that have the right types."""
    if task not in TEMPLATES:
        return []
    found = []
    template, wanted = args.get("template"), placeholders(task)
    if isinstance(template, str) and (
        re.findall(r"\{\w*\}", template) != wanted or not template.endswith(wanted[-1])
    ):
        order = " and then " if len(wanted) > 1 else ""
        allowed = f"a string that contains {order.join(wanted)} once and ends with {wanted[-1]}"
        found.append(
            Problem(
                "template",
                allowed,
                template,
                "put the column that the model has to predict at the end",
            )
        )
    if not TASKS[task].weighs_label_words:
        for spec in dataclasses.fields(ZeroShotConfig)[1:]:
            if args.get(spec.name):
                allowed = f"{spec.default} with the task {task!r}"
                why = "it is for tasks with labels only"
                found.append(Problem(spec.name, allowed, args[spec.name], why))
    numbers = args.get("examples")
    if isinstance(numbers, list) and not (
        numbers and all(type(number) is int and number >= 1 for number in numbers)
    ):
        allowed = "a list of row numbers from 1 (or None)"
        found.append(Problem("examples", allowed, numbers))
    return found


def data_problems(args: Mapping[str, Any], rows: int, labels: Sequence[str]) -> list[Problem]:
    """Return what is wrong with a prompt's arguments for so many training rows and these labels."""
    found = []
    numbers, count = args.get("examples"), args.get("num_examples", 0)
    if isinstance(numbers, list):
        beyond = [number for number in numbers if isinstance(number, int) and number > rows]
        if beyond:
            allowed = f"numbers from 1 to {rows}, as there are {rows} training rows"
            found.append(Problem("examples", allowed, numbers))
    elif isinstance(count, int) and count > rows:
        why = "the data has no more training rows"
        found.append(Problem("num_examples", f"at most {rows}", count, why))
    given = args.get("label_words")
    if isinstance(given, Mapping) and labels:
        named = {str(label) for label in given}
        missing = [label for label in labels if label not in named]
        unknown = sorted(named - set(labels))
        words = words_of(labels, given)
        if missing:
            allowed, why = "a word for each label", f"it lacks {', '.join(map(repr, missing))}"
        elif unknown:
            allowed, why = (
                "words for the labels of the data only",
                f"the data has no label {unknown[0]!r}",
            )
        elif not all(word.strip() for word in words) or len(set(words)) < len(words):
            allowed, why = (
                "a different, non-empty word for each label",
                "otherwise the labels cannot be distinguished",
            )
        else:
            return found
        found.append(Problem("label_words", allowed, dict(given), why))
    return found
