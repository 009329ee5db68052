"""What a person sees in a notebook: the bench, the anatomy of a recipe, and the live chart."""

from workbench.panels.anatomy import Anatomy
from workbench.panels.bench import Bench

__all__ = ["Anatomy", "Bench"]
