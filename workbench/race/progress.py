"""How far a race is: its notes, and each run's lines, as plain text."""

from __future__ import annotations

import sys
import time
from typing import TextIO

from workbench.race.race import Race
from workbench.race.shared_resources import notes_of_runs
from workbench.runs.progress import RunLines


def follow_race(race: Race, file: TextIO | None = None) -> Race:
    """Print a started race's notes and its runs' steps and evaluations until all are over.

    An interrupt at any moment stops the runs, saves them and goes on.

    Parameters
    ----------
    race : Race
    file : text stream, optional
        Where to write; standard error if not given.
    """
    file = file or sys.stderr
    lines: list[RunLines] = []
    printed: set[str] = set()
    try:
        while True:
            over = race.state == "ended"
            # What runs have to note is among their own lines.
            race_notes = [note for note in race.notes if note not in notes_of_runs(race.members)]
            for note in race_notes:
                if note not in printed:
                    print(note, file=file, flush=True)
            printed.update(race_notes)
            lines += [RunLines(run, file) for run in race.members[len(lines) :]]
            for line in lines:
                line.show()
            if over:
                break
            time.sleep(0.25)
    except KeyboardInterrupt:
        race.stop(evaluate=False)
        race.wait()
        raise
    return race.wait()
