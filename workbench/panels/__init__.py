"""What a person sees in a notebook: the bench, the anatomy of a recipe, a race, and the live chart."""

from workbench.panels.anatomy.panel import Anatomy
from workbench.panels.bench.bench import Bench
from workbench.panels.race.panel import RacePanel

__all__ = ["Anatomy", "Bench", "RacePanel"]
