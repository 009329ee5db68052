"""Techniques that peft lacks, as PEFT tuners.

Whoever needs them calls :func:`register`; importing this package stays light.
"""

from __future__ import annotations

import importlib
from typing import Any

# The modules that make a technique known to peft when they are imported.
_HOMES = {"BottleneckConfig": "workbench.tuners.bottleneck_targets"}

__all__ = ["BottleneckConfig", "register"]


def register() -> None:
    """Make these techniques known to peft, so that it applies, saves and loads them (imports it)."""
    for home in _HOMES.values():
        importlib.import_module(home)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'workbench.tuners' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
