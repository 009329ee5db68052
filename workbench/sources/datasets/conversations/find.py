"""Which form rows of conversations have, and which column plays which role in it: found by content."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from workbench.display.wording import quoted, suggest
from workbench.errors import DataError
from workbench.registry.tasks import TASKS
from workbench.sources.datasets.columns import SYNONYMS, check_exists, choose_columns, columns_of
from workbench.sources.datasets.conversations import forms
from workbench.sources.datasets.equal_rows import input_columns
from workbench.sources.datasets.readers import Row

# By name; the name is a fact of a plan.
FORMS: dict[str, Callable[..., dict]] = {
    "pair": forms.pair_messages,
    "instruction": forms.instruction_messages,
    "filled": forms.filled_messages,
    "openai": forms.openai_messages,
    "turn": forms.turn_messages,
    "sharegpt": forms.sharegpt_messages,
}
# The forms whose rows are one prompt and its completion: the completion alone is learnt.
COMPLETIONS = ("pair", "filled", "turn")
# What may stand beside the columns that a form needs.
COMPANIONS = {
    "pair": ("context", "system", "history"),
    "instruction": ("context", "system", "history"),
    "filled": ("system",),
    "openai": ("system", "tools"),
    "turn": ("tools",),
    "sharegpt": ("system", "tools"),
}
SAMPLE = 50  # rows that are looked at
PREFERENCES = ("chosen", "rejected")


class PreferenceError(DataError):
    """Pairs of a chosen and a rejected answer, which no task learns from."""


@dataclass(frozen=True)
class Form:
    """The form of rows.

    Parameters
    ----------
    name : str
        One of :data:`FORMS`; empty for tasks that have no conversations.
    columns : dict of str to str
        Role to column.
    prompt_template : str or None
        The template that makes a prompt from columns.
    notes : tuple of str
        What is worth saying to the user.
    """

    name: str = ""
    columns: dict[str, str] = field(default_factory=dict)
    prompt_template: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def uses(self) -> set[str]:
        """The columns that are read."""
        return {*self.columns.values(), *placeholders(self.prompt_template or "")}

    @property
    def inputs(self) -> list[str]:
        """The columns that the model reads, and does not predict."""
        return [*input_columns(self.columns), *placeholders(self.prompt_template or "")]

    @property
    def needs(self) -> list[str]:
        """The columns that every part of the data must have."""
        optional = ("context", "system", "history", "tools")
        columns = [column for role, column in self.columns.items() if role not in optional]
        return [*columns, *placeholders(self.prompt_template or "")]


def find_form(
    rows: Sequence[Row],
    named: Mapping[str, str | None],
    card_columns: Mapping[str, str],
    where: str,
    prompt_template: str | None = None,
) -> Form:
    """Find the form of rows, and the column of each role.

    Parameters
    ----------
    rows : sequence of dict
    named : mapping of str to str or None
        Role to the column that the user asks for.
    card_columns : mapping of str to str
        Role to column, from the data's card.
    where : str
        What to call the data in messages.
    prompt_template : str, optional
        Makes a prompt from columns.

    Raises
    ------
    DataError
        Rows are not understood.

    Examples
    --------
    >>> rows = [{"chat": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}]}]
    >>> find_form(rows, {}, {}, "rows.json")
    Form(name='sharegpt', columns={'messages': 'chat'}, prompt_template=None, notes=())
    """
    available = columns_of(rows)
    for role, column in named.items():
        check_exists(role, column, available, where)
    _refuse_preferences(rows, available, named, where)
    if prompt_template is not None:
        return _filled(rows, named, available, where, prompt_template)
    if column := _messages_column(rows, named, available):
        name = _kind(rows, column)
        if name is None:
            raise DataError(
                f"messages_column must be a column of lists of messages with role and content, or "
                f"with from and value, but {column!r} of {where} holds {_short(rows, column)}."
            )
        columns = {"messages": column}
        return Form(name, columns | _companions(name, named, available, columns))
    companions = _named_companions(named)
    free = [column for column in available if column not in companions.values()]
    others = {role: column for role, column in named.items() if role not in companions}
    columns, notes = choose_columns("instruct", free, others, card_columns, where)
    prompt, completion = columns["prompt"], columns["completion"]
    if _kind(rows, prompt) == _kind(rows, completion) == "openai":
        return Form("turn", columns | _companions("turn", named, available, columns))
    companions = _companions("pair", named, available, columns)
    several = any(isinstance(value, dict | list) for value in _values(rows, completion))
    # What is said of an ambiguous column is untrue once it is a companion.
    notes = [note for note in notes if not any(repr(c) in note for c in companions.values())]
    if several:
        notes.append(f"The first of the answers in {completion!r} is the completion.")
    name = "instruction" if companions or several else "pair"
    return Form(name, columns | companions, notes=tuple(notes))


def placeholders(template: str) -> list[str]:
    """Return the columns that a prompt template names.

    Examples
    --------
    >>> placeholders("Translate {word} to {language}:")
    ['word', 'language']
    """
    return re.findall(r"\{([^{}]+)\}", template)


def conversation_text(value: Any) -> Any:
    """Return a list of messages as a person reads it, and anything else as it is.

    Examples
    --------
    >>> conversation_text([{"from": "human", "value": "Hi"}, {"role": "assistant", "content": "Hello"}])
    'human: Hi\\nassistant: Hello'
    """
    if not isinstance(value, list) or not all(isinstance(turn, dict) for turn in value):
        return value
    lines = []
    for turn in value:
        said = turn.get("content") or turn.get("value") or turn.get("tool_calls") or ""
        lines.append(f"{turn.get('role') or turn.get('from')}: {said}")
    return "\n".join(lines)


def learns_completion_only(
    form: str, assistant_only_loss: bool, completion_only_loss: bool
) -> bool:
    """Tell whether the completion alone is learnt, and not every assistant turn."""
    return completion_only_loss or (form in COMPLETIONS and not assistant_only_loss)


def _refuse_preferences(
    rows: Sequence[Row], available: Sequence[str], named: Mapping[str, str | None], where: str
) -> None:
    if not set(PREFERENCES) <= set(available) or named.get("completion") or named.get("messages"):
        return
    is_list = _kind(rows, "chosen") is not None
    asked = "prompt" in available and (_kind(rows, "prompt") is not None) == is_list
    setting = "completion_column" if asked or not is_list else "messages_column"
    raise PreferenceError(
        f"{where} holds preference data, pairs of a chosen and a rejected answer, which 'instruct' "
        f"does not learn from: set {setting}='chosen' to learn the chosen answers alone."
    )


def _filled(
    rows: Sequence[Row],
    named: Mapping[str, str | None],
    available: Sequence[str],
    where: str,
    template: str,
) -> Form:
    names = placeholders(template)
    unknown = [name for name in names if name not in available]
    if unknown or not names:
        which = f"names {unknown[0]!r}" if unknown else "names none"
        raise DataError(
            f"prompt_template must name columns of {where} in braces ({quoted(available)}), but "
            f"{which}: {suggest(unknown[0] if unknown else '', available)}"
        )
    others = [column for column in available if column not in names]
    completion = named.get("completion") or next(
        (name for name in ("completion", *SYNONYMS["completion"]) if name in others),
        others[0] if len(others) == 1 else None,
    )
    if completion is None:
        raise DataError(
            f"Which column of {where} is the completion of prompt_template? Name one of "
            f"{quoted(others)} with completion_column."
        )
    columns = {"completion": completion}
    taken = {**columns, **dict.fromkeys(names, "")}
    free = [column for column in available if column not in names]
    companions = _companions("filled", named, free, taken)
    return Form("filled", columns | companions, prompt_template=template)


def _messages_column(
    rows: Sequence[Row], named: Mapping[str, str | None], available: Sequence[str]
) -> str | None:
    """Return the column that holds whole conversations, if there is one."""
    if named.get("messages") or named.get("prompt") or named.get("completion"):
        return named.get("messages")
    lists = [column for column in available if _kind(rows, column) is not None]
    if {"prompt", "completion"} <= set(lists):
        return None
    usual = [name for name in ("messages", *SYNONYMS["messages"]) if name in lists]
    others = [name for name in lists if name not in ("history", *PREFERENCES)]
    return next(iter([*usual, *others]), None)


def _named_companions(named: Mapping[str, str | None]) -> dict[str, str]:
    roles = TASKS["instruct"].optional_roles
    return {role: column for role in roles if (column := named.get(role)) is not None}


def _companions(
    form: str,
    named: Mapping[str, str | None],
    available: Sequence[str],
    taken: Mapping[str, str],
) -> dict[str, str]:
    """Return the columns that a form uses besides those that it needs."""
    free = [column for column in available if column not in taken.values()]
    found = {}
    for role in COMPANIONS[form]:
        usual = [name for name in (role, *SYNONYMS[role]) if name in free]
        column = named.get(role) or next(iter(usual), None)
        if column is not None:
            found[role] = column
    known = (*TASKS["instruct"].roles, *TASKS["instruct"].optional_roles)
    unused = [role for role in known if named.get(role) and role not in {**taken, **found}]
    if unused:
        raise DataError(
            f"{unused[0]}_column cannot be used where rows are {form!r}: leave it out, or write "
            "a prompt_template."
        )
    return found


def _kind(rows: Sequence[Row], column: str) -> str | None:
    """Name the form of a column's lists of messages, if it holds such."""
    values = _values(rows, column)
    keys = [
        set(value[0]) if isinstance(value, list) and value and isinstance(value[0], dict) else set()
        for value in values
    ]
    if keys and all({"role"} < found for found in keys):
        return "openai"
    return "sharegpt" if keys and all({"from", "value"} <= found for found in keys) else None


def _values(rows: Sequence[Row], column: str) -> list[Any]:
    values = (row.get(column) for row in rows[:SAMPLE])
    return [value for value in values if value not in (None, "", [])]


def _short(rows: Sequence[Row], column: str) -> str:
    text = repr(next(iter(_values(rows, column)), None))
    return text if len(text) <= 40 else text[:39] + "…"
