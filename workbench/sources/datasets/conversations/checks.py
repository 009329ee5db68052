"""Whether rows hold what their form needs, and what of them is not read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from workbench.display.wording import quoted, rows_in_words
from workbench.errors import DataError
from workbench.registry.tasks import TASKS
from workbench.sources.datasets.columns import not_used
from workbench.sources.datasets.conversations.find import FORMS, Form, placeholders
from workbench.sources.datasets.conversations.forms import openai_message
from workbench.sources.datasets.readers import Row
from workbench.sources.datasets.row_checks import check_rows, is_unicode

ROLES = ("system", "user", "assistant", "tool")


def reader(form: str, columns: Mapping[str, str], prompt_template: str | None = None) -> partial:
    """Return the function that makes a conversation of a row."""
    settings = {f"{role}_column": name for role, name in columns.items()}
    if prompt_template is not None:
        settings["prompt_template"] = prompt_template
    return partial(FORMS[form], **settings)


def check_conversations(rows: Sequence[Row], form: Form, where: str) -> None:
    """Refuse rows that are no conversation to be learnt from.

    Raises
    ------
    DataError
        With the numbers of the first such rows; the first row is row 1.
    """
    check_rows(rows, {role: form.columns[role] for role in _plain_roles(rows, form)}, where)
    if form.name == "pair":
        return
    check_rows(rows, {name: name for name in placeholders(form.prompt_template or "")}, where)
    read = reader(form.name, form.columns, form.prompt_template)
    wrong: dict[str, list[int]] = {}
    for number, row in enumerate(rows, start=1):
        problem = _column_problem(row, form) or _problem(row, read)
        if problem:
            wrong.setdefault(problem, []).append(number)
    for problem, numbers in wrong.items():
        raise DataError(
            f"{problem} in {rows_in_words(numbers)} of {where}: correct or remove these rows."
        )


def form_notes(rows: Sequence[Row], form: Form) -> list[str]:
    """Say what of the rows is not read: columns, keys of messages, turns behind the last answer."""
    notes = []
    unused = not_used(rows, form.uses)
    if unused:
        notes.append(f"Not used: {', '.join(unused)}.")
    if form.name in ("openai", "turn"):
        roles = ("messages",) if form.name == "openai" else TASKS["instruct"].roles
        keys = {
            key
            for row in rows
            for role in roles
            for message in row[form.columns[role]]
            for key, value in message.items()
            if value is not None and key not in openai_message(message)
        }
        if keys:
            notes.append(f"Not used of the messages: {', '.join(sorted(keys))}.")
    if form.name in ("openai", "sharegpt"):
        read = reader(form.name, form.columns)
        late = [n for n, row in enumerate(rows, start=1) if not _ends_with_answer(read(row))]
        if late:
            notes.append(
                f"What follows the last assistant turn is not used, in {rows_in_words(late)}."
            )
    return notes


def _plain_roles(rows: Sequence[Row], form: Form) -> list[str]:
    """Name the roles whose values must be one text in each row."""
    if form.name not in ("pair", "instruction", "filled"):
        return []
    column = form.columns["completion"]
    several = any(isinstance(row.get(column), list | dict) for row in rows)
    return [role for role in ("prompt", "completion")[: 2 - several] if role in form.columns]


def _column_problem(row: Row, form: Form) -> str:
    if "completion" in form.columns and row.get(form.columns["completion"]) is None:
        return f"The completion (column {form.columns['completion']!r}) is missing"
    for role in ("context", "system"):
        value = row.get(form.columns.get(role, ""))
        if not isinstance(value, str | int | float | None):
            return (
                f"The {role} (column {form.columns[role]!r}) must be text, but is {_short(value)}"
            )
    return ""


def _problem(row: Row, read: partial) -> str:
    """Say what is wrong with a row; nothing where it is a conversation to be learnt from."""
    try:
        conversation = read(row)
        messages = conversation["messages"]
        roles = [message["role"] for message in messages]
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        why = f"it lacks {error}" if isinstance(error, KeyError) else str(error)
        return f"A conversation cannot be read ({why})"
    unknown = [role for role in roles if role not in ROLES]
    if unknown:
        return f"A message has the role {unknown[0]!r}, which is none of {quoted(ROLES)},"
    if "assistant" not in roles[conversation["completion"] :]:
        return "A conversation has no assistant turn to learn from"
    if set(roles[: roles.index("assistant")]) <= {"system"} and roles.count("assistant") == 1:
        return "A conversation has no turn before its answer"
    for message in messages:
        content, role = message["content"], message["role"]
        if not isinstance(content, str):
            return f"The content of a message must be text, but is {_short(content)}"
        if not content.strip() and role in ("user", "assistant") and len(message) == 2:
            return f"The content of a message with the role {role!r} is empty"
        if not is_unicode(content):
            return "A message holds a lone surrogate character, which no tokenizer accepts,"
    return ""


def _ends_with_answer(conversation: Mapping[str, Any]) -> bool:
    return conversation["messages"][-1]["role"] == "assistant"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:39] + "…"
