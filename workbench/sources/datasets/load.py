"""Data for a run: found by name, path or hub id, read, and checked against the task.

:func:`load` is all of it: :func:`resolve` says where the rows are, :func:`read` reads them (see
:mod:`workbench.export.rows` for the lines of Python that do the same), and the rest checks
that they hold what the task needs. Whatever is wrong raises a
:class:`~workbench.errors.DataError` with one sentence. Rows are numbered from 1, below any header.
"""

from __future__ import annotations

import dataclasses
import functools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbench.display.wording import suggest
from workbench.errors import DataError
from workbench.registry.tasks import TASKS
from workbench.sources.datasets.cards import DataCard, bundled
from workbench.sources.datasets.columns import (
    by_role,
    choose_columns,
    columns_of,
    nested_columns,
)
from workbench.sources.datasets.conversations.checks import check_conversations, form_notes
from workbench.sources.datasets.conversations.find import (
    Form,
    PreferenceError,
    conversation_text,
    find_form,
)
from workbench.sources.datasets.equal_rows import equality_notes
from workbench.sources.datasets.file_notes import file_notes
from workbench.sources.datasets.images import check_images, describe, locate
from workbench.sources.datasets.label_notes import label_notes
from workbench.sources.datasets.label_order import class_names
from workbench.sources.datasets.locate import Source, resolve
from workbench.sources.datasets.read_source import Part, read, read_parts, settled, unnest
from workbench.sources.datasets.readers import Row
from workbench.sources.datasets.row_checks import check_known_labels, check_labels, check_rows
from workbench.sources.datasets.tables import keep
from workbench.sources.datasets.unlabelled import (
    lacks_targets,
    refuse_unlabelled,
    unlabelled_note,
)
from workbench.sources.datasets.unnamed import by_values, is_numbered, with_header

__all__ = [
    "DataCard",
    "Source",
    "Table",
    "bundled",
    "guess_task",
    "keep",
    "load",
    "preview",
    "read",
    "resolve",
]


# Data is for the first of these whose columns it has.
GUESSES = ("instruct", "classify", "token_classify", "image_classify", "lm")


@dataclass(frozen=True)
class Table:
    """Rows that are ready for a task.

    Parameters
    ----------
    source : Source
    train : list of dict
        The training rows, with all their columns and values as read; images are their bytes or
        their absolute path.
    eval : list of dict or None
        The evaluation rows; None where the source has none.
    columns : dict of str to str
        Role to column, such as text and label.
    labels : tuple of str
        Where the task has labels, the distinct ones of the training rows, as text, in the order of
        :func:`~workbench.sources.datasets.label_order.in_order`; else empty.
    notes : tuple of str
        What is worth saying to the user, in sentences.
    form : str
        Which form conversations have, one of
        :data:`workbench.sources.datasets.conversations.find.FORMS`; empty for other tasks.
    inputs : tuple of str
        The columns that the model reads; the others of ``columns`` are what it is to predict.
    read : dict of str to str
        The sha256 of each file that was read whole, by its path.
    """

    source: Source
    train: list[Row]
    eval: list[Row] | None
    columns: dict[str, str]
    labels: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    form: str = ""
    inputs: tuple[str, ...] = ()
    read: dict[str, str] = field(default_factory=dict, repr=False, compare=False)

    @functools.cached_property
    def label_counts(self) -> dict[str, int]:
        """How many training rows have each label, the most frequent first; empty without labels."""
        if "label" not in self.columns:
            return {}
        return dict(Counter(str(row[self.columns["label"]]) for row in self.train).most_common())

    @functools.cached_property
    def checksums(self) -> dict[str, str]:
        """The sha256 of each file of the source; see :meth:`Source.checksums`."""
        return self.read or self.source.checksums()


def load(
    data: Any,
    task: str,
    *,
    eval_data: Any = None,
    revision: str | None = None,
    prompt_template: str | None = None,
    encoding: str | None = None,
    skip_bad_rows: bool = False,
    **columns: str | None,
) -> Table:
    """Find, read and check the rows for a task.

    Parameters
    ----------
    data, eval_data, revision, encoding
        See :func:`~workbench.sources.datasets.locate.resolve`.
    task : str
        One of :data:`~workbench.registry.tasks.TASKS`.
    prompt_template : str, optional
        Makes a prompt from columns, whose names stand in braces.
    skip_bad_rows : bool
        Leave out rows that are not whole, instead of refusing them.
    **columns : str, optional
        The column for a role, such as ``text_column="review"``; None finds it by its name.

    Raises
    ------
    DataError
    """
    named = by_role(columns)
    source = resolve(data, eval_data, revision, encoding)
    sums: dict[str, str] = {}
    train, held_out = read_parts(source, sums, skip_bad_rows)
    if (headed := with_header(source, train.rows, named.values())) != source:
        source = headed
        train, held_out = read_parts(source, sums, skip_bad_rows)
    form = _form(task, train.rows, named, source, prompt_template)
    chosen, notes = form.columns, [*form.notes]
    nested = nested_columns(train.rows, chosen.values())
    for part, file in ((train, source.train), (held_out, source.eval)):
        if part is not None:
            part.rows = _laid_out(part.rows, chosen, nested, Path(file or "").parent)
    where, role = source.describe(), TASKS[task].labels
    train.check(lambda rows: _check(rows, chosen, form, where), skip_bad_rows)
    names = class_names(source, chosen[role]) if role else []
    labels = check_labels(train.rows, chosen[role], where, role, names) if role else ()
    if held_out is not None and (lack := lacks_targets(held_out.rows, chosen, labels)):
        if eval_data is not None:
            refuse_unlabelled(source.describe("eval"), lack)
        notes.append(unlabelled_note(source.describe("eval"), lack))
        for skipped in source.eval_files:
            sums.pop(skipped.path, None)
        source, held_out = dataclasses.replace(source, eval=None, eval_files=()), None
    if held_out is not None:
        _check_evaluation(held_out, form, labels, source, role, skip_bad_rows)
    evaluation = None if held_out is None else held_out.rows
    label_column = chosen.get("label")
    notes += equality_notes(
        train.rows, evaluation, form.inputs, label_column, where, source.describe("eval")
    )
    if role:
        notes += label_notes(train.rows, chosen, labels, bool(names), evaluation is None)
    source = settled(source, train, held_out, nested)
    notes += file_notes(source, train, held_out, chosen)
    if form.name and not source.card:
        notes += form_notes(train.rows, form)
    return Table(
        source,
        train.rows,
        evaluation,
        chosen,
        labels,
        tuple(notes),
        form=form.name,
        inputs=tuple(form.inputs),
        read=sums,
    )


def _laid_out(
    rows: list[Row], columns: Mapping[str, str], nested: Sequence[str], folder: Path
) -> list[Row]:
    """Put columns that lie within others beside them, and say where images are."""
    if nested:
        rows = unnest(rows, nested)
    return locate(rows, columns["image"], folder) if "image" in columns else rows


def guess_task(
    data: Any,
    *,
    revision: str | None = None,
    encoding: str | None = None,
    **columns: str | None,
) -> str:
    """Tell what data is for: from its card, else the first task that its columns suit.

    Parameters
    ----------
    data, revision, encoding, **columns
        As for :func:`load`. A column that is named rules out the tasks that do not use it.

    Raises
    ------
    DataError
    """
    named = by_role(columns)
    source = resolve(data, revision=revision, encoding=encoding)
    if source.card:
        return source.card.task
    roles = {role for role, column in named.items() if column is not None}
    tasks = [task for task in GUESSES if roles <= {*TASKS[task].roles, *TASKS[task].optional_roles}]
    if not tasks:
        together = "; ".join(" and ".join(TASKS[task].roles) for task in GUESSES)
        raise DataError(
            f"No task uses {' and '.join(f'{role}_column' for role in sorted(roles))} together: "
            f"name the columns of one ({together})."
        )
    source = dataclasses.replace(source, eval=None, eval_files=())
    train, _ = read(source)
    if (headed := with_header(source, train, named.values())) != source:
        source = headed
        train, _ = read(source)
    for task in tasks:
        try:
            _form(task, train, named, source)
        except PreferenceError:
            raise
        except DataError as error:
            reason = error
        else:
            return task
    raise reason


def spread(rows: Sequence[Row], n: int) -> list[Row]:
    """Pick a few rows evenly, the first one included.

    Many files are sorted by label, so that their first rows say little.
    """
    count = min(n, len(rows))
    return [rows[i * len(rows) // count] for i in range(count)]


def preview(table: Table, n: int = 5) -> list[dict[str, Any]]:
    """Show a few training rows, spread evenly: the columns that are used, by role.

    Examples
    --------
    >>> rows = [{"id": i, "body": f"row {i}"} for i in range(10)]
    >>> table = Table(Source("csv", "rows.csv", None), rows, None, {"text": "body"})
    >>> preview(table, 2)
    [{'text': 'row 0'}, {'text': 'row 5'}]
    """
    picked = spread(table.train, n)
    return [
        {
            role: _readable(row[column])
            for role, column in table.columns.items()
            if row.get(column) is not None
        }
        for row in picked
    ]


def _readable(value: Any) -> Any:
    return describe(value) if isinstance(value, bytes) else conversation_text(value)


def _form(
    task: str,
    rows: list[Row],
    named: Mapping[str, str | None],
    source: Source,
    prompt_template: str | None = None,
) -> Form:
    """Find the columns of rows, and for conversations their form."""
    available = columns_of(rows)
    card_columns = source.card.columns if source.card else {}
    where = source.describe()
    if is_numbered(source):
        set_by_user = {role: column for role, column in named.items() if column is not None}
        others = [column for column in available if column not in set_by_user.values()]
        named = {**by_values(task, rows, others), **set_by_user}
    if task in TASKS and TASKS[task].chats:
        return find_form(rows, named, card_columns, where, prompt_template)
    columns, notes = choose_columns(task, available, named, card_columns, where)
    return Form(columns=columns, notes=tuple(notes))


def _check(rows: Sequence[Row], columns: Mapping[str, str], form: Form, where: str) -> None:
    """Refuse rows that do not hold what their task needs."""
    if form.name:
        check_conversations(rows, form, where)
    else:
        check_rows(rows, columns, where)
    if "image" in columns:
        check_images(rows, columns["image"], where)


def _check_evaluation(
    part: Part,
    form: Form,
    labels: tuple[str, ...],
    source: Source,
    role: str | None,
    skip_bad_rows: bool,
) -> None:
    where, train = source.describe("eval"), source.describe("train")
    available = columns_of(part.rows)
    columns = form.columns
    for column in form.needs:
        if column not in available:
            raise DataError(
                f"{where} must have the column {column!r}, as {train} has, but lacks it: "
                f"{suggest(column, available)}"
            )
    part.check(lambda rows: _check(rows, columns, form, where), skip_bad_rows)
    if role:
        check_known_labels(part.rows, columns[role], labels, where, train, role)
