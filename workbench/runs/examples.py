"""Rows of a run's evaluation data, to ask the run."""

from __future__ import annotations

from typing import Any

from workbench import imports
from workbench.registry.tasks import TASKS, Task
from workbench.runs.ask import Askable, check_askable, table_of
from workbench.sources.datasets.conversations.checks import reader
from workbench.training.answer import Example


def examples(run: Askable, count: int = 6) -> list[Example]:
    """Return some rows of a run's evaluation data to be asked, of each label one in turn.

    Parameters
    ----------
    run : Run, Record or EarlierRun
    count : int, default 6

    Raises
    ------
    RecipeError
        The data cannot be read any more.
    TrainingError
        The run cannot predict.

    Returns
    -------
    list of Example
    """
    check_askable(run)
    imports.load(*imports.LIBRARIES, "workbench.training.prepare")
    from workbench.training.inputs.few_shot import draw_examples
    from workbench.training.inputs.limits import choose_rows

    recipe, task, columns = run.recipe, TASKS[run.recipe.task], run.plan["columns"]
    rows = choose_rows(recipe, table_of(run), run.plan.get("split", {}))[1]
    label_column = columns.get("label") if task.labels == "label" else None
    chosen = draw_examples(rows, count, recipe.seed, label_column)
    if task.chats:
        facts = run.plan.get("conversation") or {}
        read = reader(facts.get("form", "pair"), columns, facts.get("prompt_template"))
        return [_turns(read(rows[number])) for number in chosen]
    return [_example(rows[number], columns, task) for number in chosen]


def _turns(conversation: dict[str, Any]) -> Example:
    """Ask for the last answer of a conversation: behind one prompt, or behind all turns before it."""
    messages = conversation["messages"]
    last = max(at for at, message in enumerate(messages) if message["role"] == "assistant")
    asked, expected = messages[:last], messages[last]["content"].strip()
    if len(asked) == 1 and asked[0]["role"] == "user":
        return Example(asked[0]["content"], expected)
    return Example(asked, expected)


def _example(row: dict[str, Any], columns: dict[str, str], task: Task) -> Example:
    values = {role: row[column] for role, column in columns.items() if column in row}
    if task.labels == "tags":
        words, tags = (
            value.split() if isinstance(value, str) else value
            for value in (values["tokens"], values["tags"])
        )
        return Example(" ".join(words), tuple(map(str, tags)))
    if task.labels == "label":
        return Example(values["image" if task.reads_images else "text"], str(values["label"]))
    if task.generation_collator is not None:
        return Example(values["prompt"], values["completion"].strip())
    words = values["text"].split(" ")
    begin = max(1, min(len(words) // 3, 12))
    return Example(" ".join(words[:begin]), " ".join(words[begin : begin + 40]), scored=False)
