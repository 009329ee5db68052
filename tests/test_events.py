"""Events: what the loop yields is what is stored and read again, to the byte."""

from __future__ import annotations

import json
import math

import pytest

from workbench.runs.event_log import EventLog
from workbench.training.events import KINDS, Evaluation, Memory, TrainStep, read_event

# As the loop, the evaluations and the runs make them, keys in their order.
YIELDED = [
    {
        "event": "train",
        "step": 3,
        "loss": 0.5,
        "learning_rate": 1e-4,
        "grad_norm": 2.0,
        "tokens": 96,
        "tokens_per_second": 1e4,
        "seconds": 0.25,
        "trainable": 12,
    },
    {"event": "evaluating", "step": 3, "done": 1, "total": 4},
    {"event": "eval", "step": 3, "loss": 0.5, "accuracy": 0.9, "f1": 0.8, "seconds": 0.1},
    {"event": "state", "state": "preparing"},
    {"event": "state", "state": "running", "step": 0},
    {"event": "parameters", "trainable": 2, "total": 9, "injected": 1, "by_module": {"a": 2}},
    {"event": "memory", "step": 0, "weights": 7, "peak": 9, "rss": 20, "cuda": {"load": 1}},
]


@pytest.mark.parametrize("items", YIELDED, ids=lambda items: items["event"])
def test_an_event_is_stored_as_it_was_yielded(items):
    event = read_event(items)
    assert type(event) is KINDS[items["event"]]
    assert json.dumps(event.to_dict()) == json.dumps(items)
    assert event == items and dict(event) == items
    with pytest.raises(AttributeError):
        event.step = 4


def test_every_kind_is_among_those_that_are_tried():
    assert {items["event"] for items in YIELDED} == set(KINDS)


@pytest.mark.parametrize("items", [*YIELDED, None, 3, [], {}, {"event": "new"}, {"event": []}])
def test_what_says_too_little_is_no_event(items):
    needed = {"step", "state", "trainable"} if items != YIELDED[-1] else {"peak"}
    if isinstance(items, dict):
        items = {name: value for name, value in items.items() if name not in needed}
    with pytest.raises(ValueError, match="an event must have a kind and its figures"):
        read_event(items)


def test_figures_that_json_has_no_word_for_are_numbers_again():
    event = read_event({"event": "eval", "step": 1, "loss": "nan", "perplexity": "inf"})
    assert math.isnan(event.loss) and event.figure("perplexity") == math.inf


def test_a_log_gives_events_in_order_and_by_kind():
    log = EventLog(map(read_event, YIELDED))
    assert list(log) == YIELDED and log[-1] == YIELDED[-1] and len(log) == len(YIELDED)
    assert [step.step for step in log.of(TrainStep)] == [3] and log.losses == [0.5]
    assert log.latest(Evaluation) is log.evaluations[-1]
    assert EventLog().latest(Memory) is None and not EventLog().of(Memory)
