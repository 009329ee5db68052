"""Which function encodes a task's rows, and how it is set."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from workbench.catalog.tasks import TASKS
from workbench.training import encode


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
    function = partial(getattr(encode, f"encode_{task}"), **settings)
    return function if TASKS[task].reads_images else partial(function, tokenizer=tokenizer)
