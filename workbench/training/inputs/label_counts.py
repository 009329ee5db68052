"""How often each label occurs among rows: what a score must beat."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from workbench.registry.tasks import Task
from workbench.sources.datasets.row_checks import labels_of


def count_labels(
    task: Task,
    columns: Mapping[str, str],
    labels: Sequence[str],
    rows: Sequence[Mapping[str, Any]],
) -> dict[str, int]:
    """Count the labels of rows, in the order of the classifier's outputs; empty for tasks without.

    Examples
    --------
    >>> from workbench.registry.tasks import TASKS
    >>> rows = [{"y": 1}, {"y": 0}, {"y": 1}]
    >>> count_labels(TASKS["classify"], {"label": "y"}, ["0", "1", "2"], rows)
    {'0': 1, '1': 2, '2': 0}
    >>> count_labels(TASKS["lm"], {"text": "y"}, [], rows)
    {}
    """
    if task.labels is None:
        return {}
    column = columns[task.labels]
    counts = Counter(label for row in rows for label in labels_of(row[column], task.labels))
    return {label: counts[label] for label in labels}
