"""The results of testing techniques on a base; imports neither torch nor PEFT."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from workbench.display.html import esc
from workbench.display.text_table import text_table
from workbench.registry.tasks import TASKS
from workbench.registry.techniques import get


# Shown as a sentence; what it is made of is in its attributes.
@dataclass(frozen=True, repr=False)
class Compatibility:
    """Whether a technique works with a base model.

    Parameters
    ----------
    technique : str
    compatible : bool
    task : str
        The task for which it was tested.
    reason : str
        Why it does not work; empty if it does.
    remedy : str
        What would help; empty if nothing is known.
    trainable : int
        Number of parameters that it would train on the base, with those of a new head; 0 where this is not known before the base
        is loaded.
    matched : tuple of str
        The base's modules to which it is applied. Prompt techniques have none.
    total : int
        Number of all parameters of the adapted base; 0 where ``trainable`` is.
    head : int
        Number of those that it would train in a new head, whose size depends on the number of labels; 0
        where the task needs none.
    """

    technique: str
    compatible: bool
    task: str
    reason: str = ""
    remedy: str = ""
    trainable: int = 0
    matched: tuple[str, ...] = ()
    total: int = 0
    head: int = 0

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        title, task = get(self.technique).title, f"(task: {self.task_title})"
        if self.compatible:
            if not self.trainable:
                return f"{title} works with this base {task}."
            return (
                f"{title} works with this base {task}: it would train {self.trainable:,} "
                f"parameters{self._where()}."
            )
        remedy = f": {self.remedy}" if self.remedy else ""
        stop = "" if remedy.endswith("?") else "."
        return f"{title} does not work with this base {task}: {self.reason}{remedy}{stop}"

    @property
    def task_title(self) -> str:
        """The task in words."""
        return TASKS[self.task].title

    def _where(self) -> str:
        rest = self.trainable - self.head
        if not self.head:
            return f" in {len(self.matched)} modules" if self.matched else ""
        if not rest:
            return ", all in the new head"
        if not self.matched:
            return f", {self.head:,} of them in the new head"
        return f": {rest:,} in {len(self.matched)} modules, {self.head:,} in the new head"


class CompatibilityTable(Iterable[Compatibility]):
    """The results for many techniques, each as soon as it is known.

    It can be read any number of times. As the last line of a cell, or printed, it is a table, for which all
    techniques are tested first.

    Parameters
    ----------
    results : iterator of Compatibility
    """

    def __init__(self, results: Iterator[Compatibility]):
        self._pending = results
        self._known: list[Compatibility] = []

    def __iter__(self) -> Iterator[Compatibility]:
        yield from self._known
        for result in self._pending:
            self._known.append(result)
            yield result

    def __repr__(self) -> str:
        return "\n".join(text_table(self._rows(), width=110))

    def _repr_html_(self) -> str:
        rows = self._rows()
        head = "".join(
            f"<th scope='col' style='text-align:left'>{esc(name)}</th>" for name in rows[0]
        )
        body = "".join(
            "<tr>"
            + "".join(f"<td style='text-align:left'>{esc(cell)}</td>" for cell in row.values())
            + "</tr>"
            for row in rows
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

    def _rows(self) -> list[dict[str, str]]:
        return [
            {
                "technique": get(result.technique).title,
                "task": result.task_title,
                "works": "yes" if result.compatible else "no",
                "trainable": f"{result.trainable:,}" if result.trainable else "",
                "of which head": f"{result.head:,}" if result.head else "",
                "why not": result.reason + (f": {result.remedy}" if result.remedy else ""),
            }
            for result in self
        ]
