"""Sentences about settings in a form's words: Python has True, False and None, a form has not."""

from __future__ import annotations

import functools
import re

from workbench.registry.tasks import TASKS
from workbench.sources.datasets import cards
from workbench.sources.models import describe

# Settings whose fields are called otherwise.
_LABELS = {"model": "Base model", "data": "Data", "task": "Task", "technique": "Technique"}
_PYTHON = {"True": "on", "False": "off", "None": "empty"}
# A text in quotes is somebody's own, such as a file's name.
_WORDS = re.compile(r"'[^']*'|\b(?:True|False|None)\b")


@functools.cache
def _titles() -> dict[str, str]:
    """Return what the pickers call the tasks, the bundled models and the bundled data."""
    return {
        **{task.name: task.title for task in TASKS.values()},
        **{card.name: card.pretty_name for card in cards.bundled().values()},
        **{model.name: model.title for model in describe.bundled().values()},
    }


def in_form(sentence: str) -> str:
    """Say a sentence about a setting in the words that a form shows.

    Examples
    --------
    >>> in_form("max_steps must be an integer of at least 1 (or None), but is 0.")
    'max_steps must be an integer of at least 1, or left empty, but is 0.'
    >>> in_form("task must be 'lm' or 'instruct' with this model, but is 'classify'.")
    'Task must be “Language modelling” or “Instructions” with this model, but is “Classification”.'
    >>> in_form("onednn must be False with bf16, but is True: not in 'None.csv'.")
    "onednn must be off with bf16, but is on: not in 'None.csv'."
    """
    sentence = sentence.replace(" (or None)", ", or left empty")
    name, must, rest = sentence.partition(" must be ")
    sentence = f"{_LABELS.get(name, name)}{must}{rest}"
    return _WORDS.sub(lambda match: _word(match[0]), sentence)


def _word(word: str) -> str:
    if word in _PYTHON:
        return _PYTHON[word]
    title = _titles().get(word.strip("'"))
    return word if title is None else f"“{title}”"
