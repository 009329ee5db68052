"""Which column plays which role in a task."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from workbench.display.wording import quoted, suggest
from workbench.errors import DataError
from workbench.registry.tasks import ROLES, TASKS
from workbench.sources.datasets.images import is_stored
from workbench.sources.datasets.readers import Row

# How pandas writes the numbers of rows.
INDEXES = ("", "Unnamed: 0", "__index_level_0__")

# Names that columns often have, nearest meaning first; capitals do not matter.
SYNONYMS = {
    "text": ("sentence", "review", "content", "message", "question", "utterance", "body"),
    "label": ("category", "intent", "class", "labels", "sentiment", "target"),
    "prompt": ("instruction", "question", "input", "query", "user", "human"),
    "completion": ("answer", "response", "output", "target", "answers", "assistant"),
    "messages": ("conversations", "conversation", "chat", "dialogue", "dialog", "turns"),
    "context": ("input", "passage"),
    "system": ("system_prompt", "system_message"),
    "history": (),
    "tools": (),
    "tokens": ("words",),
    "image": ("img", "picture", "photo", "image_path", "file_name", "filename", "path", "file"),
    "tags": ("ner_tags", "ner", "pos_tags", "upos", "pos", "chunk_tags"),
}


def by_role(named: Mapping[str, str | None]) -> dict[str, str | None]:
    """Turn settings such as ``text_column`` into columns by role; unknown names raise.

    Examples
    --------
    >>> by_role({"text_column": "review"})
    {'text': 'review'}
    """
    roles = {f"{role}_column": role for role in ROLES}
    for name in named:
        if name not in roles:
            raise TypeError(f"There is no column setting {name!r}: {suggest(name, roles)}")
    return {roles[name]: column for name, column in named.items()}


def choose_columns(
    task: str,
    available: Sequence[str],
    named: Mapping[str, str | None],
    card_columns: Mapping[str, str],
    where: str,
) -> tuple[dict[str, str], list[str]]:
    """Pick a column for each role of a task.

    What is named wins, then a column called like the role, then what the data's card says, then
    a well-known name (:data:`SYNONYMS`).

    Parameters
    ----------
    task : str
    available : sequence of str
        The columns that there are.
    named : mapping of str to str or None
        Role to the column that the user asks for.
    card_columns : mapping of str to str
        Role to column, from the data's card.
    where : str
        What to call the data in messages.

    Returns
    -------
    columns : dict of str to str
        Role to column.
    notes : list of str

    Examples
    --------
    >>> choose_columns("classify", ["review", "category"], {}, {}, "rows.csv")
    ({'text': 'review', 'label': 'category'}, [])
    """
    if task not in TASKS:
        raise DataError(f"task must be a known task, but is {task!r}: {suggest(task, TASKS)}")
    roles = TASKS[task].roles
    for role in roles:
        check_exists(role, named.get(role), available, where)
    columns: dict[str, str] = {}
    notes = []
    for role in roles:
        wanted = named.get(role)
        taken = {*columns.values(), *(named.get(other) for other in roles if other != role)}
        free = [column for column in available if column not in taken]
        candidates = [wanted] if wanted is not None else _candidates(role, free, card_columns)
        if not candidates:
            raise DataError(
                f"No column of {where} was recognized as the {role} ({task!r} needs "
                f"{quoted(roles)}, the columns are {quoted(available)}): name one with "
                f"{role}_column."
            )
        columns[role] = candidates[0]
        if len(candidates) > 1:
            notes.append(
                f"The {role} is read from {candidates[0]!r}; {quoted(candidates[1:])} could be meant "
                f"too: set {role}_column to choose."
            )
    if len(set(columns.values())) < len(columns):
        both = " and ".join(f"{role}_column" for role in columns)
        raise DataError(
            f"{both} must be different columns, but both are {next(iter(columns.values()))!r}: "
            f"choose from {quoted(available)}."
        )
    notes += [
        f"{role}_column is {column!r}, which {task!r} does not use."
        for role, column in named.items()
        if column is not None and role not in columns
    ]
    return columns, notes


def check_exists(role: str, column: str | None, available: Sequence[str], where: str) -> None:
    """Refuse a column that is named but is not there."""
    if column is not None and column not in available:
        raise DataError(
            f"{role}_column must be a column of {where} ({quoted(available)}), but is {column!r}: "
            f"{suggest(column, available)}"
        )


def _candidates(role: str, available: Sequence[str], card_columns: Mapping[str, str]) -> list[str]:
    if role in available:
        return [role]
    if card_columns.get(role) in available:
        return [card_columns[role]]
    by_name = {column.strip().lower(): column for column in reversed(available)}
    if role in by_name:
        return [by_name[role]]
    return [by_name[name] for name in SYNONYMS[role] if name in by_name]


def columns_of(rows: Iterable[Row]) -> list[str]:
    """List the columns of some rows, in the order in which they turn up.

    pandas' index, which it writes without a name, is none; what lies within a column follows it.

    Examples
    --------
    >>> columns_of([{"": "0", "id": 1, "translation": {"en": "a", "fr": "b"}}])
    ['id', 'translation', 'translation.en', 'translation.fr']
    """
    columns: dict[str, None] = {}
    for row in rows:
        for column, value in row.items():
            if column in INDEXES:
                continue
            columns[column] = None
            if isinstance(value, dict) and not is_stored(value):
                columns.update(dict.fromkeys(f"{column}.{inner}" for inner in value))
    return list(columns)


def not_used(rows: Iterable[Row], used: Collection[str]) -> list[str]:
    """List the columns of some rows that are not among those used, nor lie within one of them.

    Examples
    --------
    >>> not_used([{"id": 1, "answers": {"text": ["a"]}, "meta": {"by": "b"}}], ["answers"])
    ['id', 'meta', 'meta.by']
    """
    return [
        column
        for column in columns_of(rows)
        if column not in used and column.partition(".")[0] not in used
    ]


def nested_columns(rows: Sequence[Row], columns: Iterable[str]) -> list[str]:
    """Return those of some columns that lie within others."""
    return [
        column for column in columns if "." in column and not any(column in row for row in rows)
    ]
