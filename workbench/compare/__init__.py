"""Runs side by side: a table, figures and the settings that differ."""

from workbench.compare.comparison import Comparison, compare

__all__ = ["Comparison", "compare"]
