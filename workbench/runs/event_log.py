"""The events of a run in order, and by kind without a walk over all of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar, overload

from workbench.training.events import Evaluation, Event, TrainStep

Kind = TypeVar("Kind", bound=Event)


class EventLog(Sequence[Event]):
    """A run's events so far.

    One thread appends, any may read: an event that is there stays as it is.

    Parameters
    ----------
    events : iterable of Event
        What it begins with.
    """

    def __init__(self, events: Iterable[Event] = ()):
        self._all: list[Event] = []
        self._by_kind: dict[type[Event], list[Any]] = {}
        for event in events:
            self.append(event)

    def append(self, event: Event) -> None:
        """Add an event behind the others."""
        self._by_kind.setdefault(type(event), []).append(event)
        self._all.append(event)

    @overload
    def __getitem__(self, place: int) -> Event: ...
    @overload
    def __getitem__(self, place: slice) -> list[Event]: ...
    def __getitem__(self, place: int | slice) -> Event | list[Event]:
        return self._all[place]

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[Event]:
        return iter(self._all)

    def __repr__(self) -> str:
        return f"EventLog({self._all!r})"

    def of(self, kind: type[Kind]) -> Sequence[Kind]:
        """Return the events of a kind, to be read only: it grows with the log."""
        return self._by_kind.get(kind, [])

    def latest(self, kind: type[Kind]) -> Kind | None:
        """Return the last event of a kind; None before the first."""
        events = self.of(kind)
        return events[-1] if events else None

    @property
    def losses(self) -> list[float]:
        """The training loss of each step."""
        return [step.loss for step in self.of(TrainStep)]

    @property
    def evaluations(self) -> list[Evaluation]:
        """The evaluations, in order."""
        return list(self.of(Evaluation))
