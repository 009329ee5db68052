"""What happens in a race: its runs' events, and runs that are added to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from workbench.training.events import Event, Items


@dataclass(frozen=True, eq=False)
class Added(Event):
    """A run was added."""

    kind = "added"

    def to_dict(self) -> dict[str, Any]:
        """Return the event's kind."""
        return {"event": self.kind}


@dataclass(frozen=True, eq=False)
class RaceEvent(Items):
    """An event of one of the runs; a mapping of the event's items too, with the run's name as ``run``.

    Parameters
    ----------
    run : str
        The run's name.
    event : Event
    """

    run: str
    event: Event

    def to_dict(self) -> dict[str, Any]:
        """Return the event's items and the run's name."""
        return {**self.event, "run": self.run}
