"""The verb ``race`` of the command line."""

from __future__ import annotations

import argparse
from pathlib import Path

from workbench.race.halving import Halving
from workbench.race.leaderboard import as_text
from workbench.race.race import FUSE, Race
from workbench.race.search import ask, combine, read_knob
from workbench.recipe import Recipe
from workbench.runs.progress import follow_race


def race(options: argparse.Namespace) -> int:
    """Carry out what the command line asks for and print the standings at the end."""
    knobs = dict(map(read_knob, options.grid))
    given = [Recipe.from_yaml(Path(name)) for name in options.recipes]
    search = {"search": options.search, "n": options.n}
    recipes = [made for recipe in given for made in combine(recipe, knobs, **search)]
    ask(recipes, sure=options.yes)
    halving = Halving(at=options.halving) if options.halving else None
    race = Race(
        recipes,
        options.runs,
        turns=options.turns,
        workers=options.workers,
        halving=halving,
        fuse=FUSE[options.fuse.replace("-", " ")],
    )
    follow_race(race.start())
    print(as_text(race.standings()))
    return int(any(run.state == "failed" for run in race.members))
