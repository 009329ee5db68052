"""What a run must beat: the score of an answer that never looks at the row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def majority_share(metric: str, plan: Mapping[str, Any]) -> float | None:
    """Return the majority baseline: the accuracy of always predicting the evaluation data's commonest label.

    Parameters
    ----------
    metric : str
        The task's own metric; of all but ``accuracy`` there is no such score.
    plan : mapping
        The run's plan, as far as it is known.

    Examples
    --------
    >>> majority_share("accuracy", {"eval_label_counts": {"good": 3, "bad": 1}})
    0.75
    """
    counts = plan.get("eval_label_counts") or {}
    if metric != "accuracy" or len(counts) < 2:
        return None
    return max(counts.values()) / sum(counts.values())
