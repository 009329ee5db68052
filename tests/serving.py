"""The techniques that serve a task, as parameters of a test."""

from __future__ import annotations

import pytest

from workbench.catalog.tasks import TASKS
from workbench.catalog.techniques import TECHNIQUES


def serving(task: str) -> list:
    """Return the names of all techniques that serve a task; beyond one a family they are slow."""
    assert task in TASKS
    families = set()
    found = []
    for name, technique in TECHNIQUES.items():
        if task in technique.tasks:
            more = technique.family in families
            found.append(pytest.param(name, marks=pytest.mark.slow) if more else name)
            families.add(technique.family)
    return found
