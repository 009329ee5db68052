"""What happens in a run, one frozen class per kind of event.

The loop and the evaluations yield plain mappings, as exported scripts carry their source and print
them; :func:`read_event` makes an event of one, here and nowhere else. ``metrics.jsonl`` holds an
event's items as they were yielded. An event is a mapping of these items too: ``event["loss"]``.
Nothing here imports torch.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar


class Items(Mapping[str, Any]):
    """A mapping of what an object writes of itself."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Return its items in the order in which they are stored."""

    def __getitem__(self, name: str) -> Any:
        return self.to_dict()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.to_dict())

    def __len__(self) -> int:
        return len(self.to_dict())


class Event(Items):
    """Something that happened in a run; a mapping of what is stored of it.

    Attributes
    ----------
    kind : str
        The kind's name, which is stored as ``event``.
    """

    kind: ClassVar[str]

    @classmethod
    def from_items(cls, items: dict[str, Any]) -> Event:
        """Make an event of its items, without ``event``."""
        return cls(**items)


@dataclass(frozen=True, eq=False)
class TrainStep(Event):
    """An optimizer step of a run.

    Parameters
    ----------
    step : int
        Number of the step, counted from 1.
    loss : float
        Mean loss of the step's batches, in nats per target.
    tokens : int
        Tokens read in training so far, without padding; rows where a row is not text.
    seconds : float
        Training time so far.
    learning_rate, grad_norm : float or None
        Of this step; the norm is that before clipping.
    tokens_per_second : float or None
        Of this step.
    extra : mapping
        Additional figures of the technique, such as ``trainable``, the parameters in use.
    """

    kind = "train"

    step: int
    loss: float
    tokens: int
    seconds: float
    learning_rate: float | None = None
    grad_norm: float | None = None
    tokens_per_second: float | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    _STORED = ("learning_rate", "grad_norm", "tokens", "tokens_per_second", "seconds")

    @classmethod
    def from_items(cls, items: dict[str, Any]) -> TrainStep:
        names = ("step", "loss", *cls._STORED)
        fields = {name: items.pop(name) for name in names if name in items}
        return cls(**fields, extra=items)

    def to_dict(self) -> dict[str, Any]:
        figures = {name: getattr(self, name) for name in self._STORED}
        known_figures = {name: value for name, value in figures.items() if value is not None}
        return {
            "event": self.kind,
            "step": self.step,
            "loss": self.loss,
            **known_figures,
            **self.extra,
        }


@dataclass(frozen=True, eq=False)
class Evaluating(Event):
    """A batch of an evaluation is done.

    Parameters
    ----------
    step : int
        The step after which is evaluated.
    done, total : int
        Batches.
    """

    kind = "evaluating"

    step: int
    done: int
    total: int

    def to_dict(self) -> dict[str, Any]:
        return {"event": self.kind, "step": self.step, "done": self.done, "total": self.total}


@dataclass(frozen=True, eq=False)
class Evaluation(Event):
    """The figures of an evaluation.

    Parameters
    ----------
    step : int
        The step after which was evaluated.
    loss : float
    scores : mapping
        The task's figures by name, its own metric among them; that may be the loss.
    seconds : float or None
        What the evaluation took.
    """

    kind = "eval"

    step: int
    loss: float
    scores: Mapping[str, float] = field(default_factory=dict)
    seconds: float | None = None

    @classmethod
    def from_items(cls, items: dict[str, Any]) -> Evaluation:
        step, loss, seconds = items.pop("step"), items.pop("loss"), items.pop("seconds", None)
        return cls(step, loss, items, seconds)

    def to_dict(self) -> dict[str, Any]:
        took = {} if self.seconds is None else {"seconds": self.seconds}
        return {"event": self.kind, "step": self.step, "loss": self.loss, **self.scores, **took}

    def figure(self, metric: str) -> float | None:
        """Return a figure by its name, or the loss; None where it was not measured."""
        return self.loss if metric == "loss" else self.scores.get(metric)


@dataclass(frozen=True, eq=False)
class State(Event):
    """The run is in another state.

    Parameters
    ----------
    state : str
        See :class:`workbench.Run`.
    step : int or None
        The steps taken by then.
    """

    kind = "state"

    state: str
    step: int | None = None

    def to_dict(self) -> dict[str, Any]:
        step = {} if self.step is None else {"step": self.step}
        return {"event": self.kind, "state": self.state, **step}


@dataclass(frozen=True, eq=False)
class Parameters(Event):
    """The model is there, and its parameters are counted.

    Parameters
    ----------
    trainable, total : int
    extra : mapping
        ``injected`` ones, and the trainable ones ``by_module``.
    """

    kind = "parameters"

    trainable: int
    total: int
    extra: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_items(cls, items: dict[str, Any]) -> Parameters:
        return cls(items.pop("trainable"), items.pop("total"), items)

    def to_dict(self) -> dict[str, Any]:
        counts = {"trainable": self.trainable, "total": self.total}
        return {"event": self.kind, **counts, **self.extra}


@dataclass(frozen=True, eq=False)
class Memory(Event):
    """What is held in memory.

    Parameters
    ----------
    step : int or None
    figures : mapping
        Bytes by what they are used for, ``peak`` among them.
    """

    kind = "memory"

    step: int | None
    figures: Mapping[str, Any]

    @classmethod
    def from_items(cls, items: dict[str, Any]) -> Memory:
        step = items.pop("step", None)
        if "peak" not in items:
            raise KeyError("peak")
        return cls(step, items)

    def to_dict(self) -> dict[str, Any]:
        step = {} if self.step is None else {"step": self.step}
        return {"event": self.kind, **step, **self.figures}

    @property
    def peak(self) -> int:
        """What training needs at its fullest."""
        return self.figures["peak"]


KINDS: dict[str, type[Event]] = {
    kind.kind: kind for kind in (TrainStep, Evaluating, Evaluation, State, Parameters, Memory)
}


def read_event(items: Any) -> Event:
    """Make an event of what the loop yields, or of a line of ``metrics.jsonl``.

    Raises
    ------
    ValueError
        It is no event of a known kind, or one that says too little.
    """
    try:
        kind = KINDS[items["event"]]
        return kind.from_items(
            {name: _number(value) for name, value in items.items() if name != "event"}
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"an event must have a kind and its figures, but is {items!r}") from error


def _number(value: Any) -> Any:
    """Return figures for which JSON has no word, such as ``"nan"``, as numbers again."""
    return float(value) if value in ("nan", "inf", "-inf") else value
