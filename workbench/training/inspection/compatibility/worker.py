"""Which techniques fit a base, tried in a process of its own.

Trying them all is seconds of work that would slow down whatever trains in the process that asks, and
would draw from the generators that a run draws from. The settings are the first argument, as JSON; what
became of each technique is printed as soon as it is known, as JSON, one object a line.
"""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from workbench.registry.catalogue import FIRST_CHOICES
from workbench.registry.techniques import TECHNIQUES, uncurated
from workbench.training.inspection.compatibility.result import Compatibility
from workbench.training.runtime.worker_process import start

MODULE = "workbench.training.inspection.compatibility.worker"


def start_trying(settings: Mapping[str, Any]) -> subprocess.Popen[Any]:
    """Start the process that tests techniques on a base, first those that most people try first.

    Parameters
    ----------
    settings : mapping
        Arguments of :class:`workbench.training.inspection.compatibility.probe.Probe`, including
        ``model``.

    Returns
    -------
    subprocess.Popen
    """
    return start(MODULE, json.dumps(dict(settings)))


def read_fits(lines: Iterable[str]) -> Iterator[Compatibility]:
    """Read what the process prints."""
    for line in lines:
        if line.endswith("\n"):  # a process that was ended may have been cut off within one
            row = json.loads(line)
            yield Compatibility(**{**row, "matched": tuple(row["matched"])})


def _print_fits(settings: dict[str, Any]) -> None:
    # Here and not at the top: whoever only asks needs neither torch nor peft.
    from workbench.training.inspection.compatibility.probe import Probe

    probe = Probe(settings.pop("model"), **settings)
    for technique in dict.fromkeys((*FIRST_CHOICES, *TECHNIQUES, *uncurated())):
        print(json.dumps(dataclasses.asdict(probe.try_on(technique))), flush=True)


if __name__ == "__main__":
    _print_fits(json.loads(sys.argv[1]))
