"""What a person sees in a notebook: the bench, and the live chart in it."""

from workbench.panels.bench import Bench

__all__ = ["Bench"]
