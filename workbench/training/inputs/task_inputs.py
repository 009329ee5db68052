"""Which function encodes a task's rows, and how it is set."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from os.path import commonprefix
from typing import Any

from jinja2 import TemplateError

from workbench.errors import Problem, RecipeError
from workbench.registry.tasks import TASKS
from workbench.training.inputs import tokenize
from workbench.training.inputs.tokenize import ChatError


def settings_of(
    columns: Mapping[str, str],
    labels: Sequence[str],
    max_length: int = 0,
    max_prompt_length: int = 0,
) -> dict[str, Any]:
    """Return how rows are encoded; see :class:`workbench.training.plan.Plan`."""
    settings: dict[str, Any] = {f"{role}_column": name for role, name in columns.items()}
    given = {
        "labels": list(labels),
        "max_length": max_length,
        "max_prompt_length": max_prompt_length,
    }
    return settings | {name: value for name, value in given.items() if value}


def encoder(
    task: str, tokenizer: Any, settings: Mapping[str, Any]
) -> Callable[[list[dict]], list[dict]]:
    """Return the function that encodes a task's rows; images wait for their batch."""
    function = partial(getattr(tokenize, f"encode_{task}"), **settings)
    if TASKS[task].reads_images:
        return function
    return refusing(partial(function, tokenizer=tokenizer), tokenizer)


def refusing(
    encode_rows: Callable[[list[dict]], list[dict]], tokenizer: Any
) -> Callable[[list[dict]], list[dict]]:
    """Say in a sentence what a chat template refuses, and where it cannot be learnt from."""

    def encoding(rows: list[dict]) -> list[dict]:
        try:
            return encode_rows(rows)
        except TemplateError as error:
            why = f"the chat template of {tokenizer.name_or_path!r} says: {error}"
        except ChatError as error:
            why = str(error)
        raise RecipeError([Problem.stated("model", f"{why[0].upper()}{why[1:]}.")])

    return encoding


def chat_notes(
    task: str, tokenizer: Any, columns: Mapping[str, str], rows: Sequence[dict]
) -> list[str]:
    """Say where answers are learnt behind another text than the template has them generated for."""
    if task != "instruct" or tokenizer.chat_template is None:
        return []
    for row in rows:
        prompt, answer = (row[columns[role]] for role in ("prompt", "completion"))
        turn = [{"role": "user", "content": prompt}]
        asked = tokenizer.apply_chat_template(turn, tokenize=False, add_generation_prompt=True)
        learnt, _ = tokenize.chat(tokenizer, prompt, answer)
        if learnt != asked:
            shared = len(commonprefix([learnt, asked]))
            note = (
                "No finished conversation begins as the chat template has answers generated: this "
                f"run learns and scores them behind {learnt[-20:]!r}, where the template would put "
                f"{asked[shared:][-40:]!r}; give the model the same text when you use it."
            )
            return [note]
    return []
