"""The gate of a race: turns are fair, as many at once as there are workers, and none is lost."""

from __future__ import annotations

import threading
import time

import pytest

from workbench.runs import step_scheduler as module
from workbench.runs.step_scheduler import Gate


@pytest.fixture
def patient(monkeypatch):
    """Turns are kept for whoever is behind, however busy the machine is."""
    monkeypatch.setattr(module, "PATIENCE", 10.0)


def take_turns(gate, run, seconds, turns, order=None, tokens=None):
    """Take turns in a thread, each of so many seconds."""

    def work():
        for number in range(turns):
            with gate.turn(run) as turn:
                if order is not None:
                    order.append(run)
                turn.tokens = tokens and tokens * (number + 1)
                time.sleep(seconds)
        gate.leave(run)

    thread = threading.Thread(target=work)
    thread.start()
    return thread


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_no_more_turns_at_once_than_workers(workers):
    gate, now, most = Gate(workers), [0], [0]
    lock = threading.Lock()
    for run in range(5):
        gate.join(run)

    def work(run):
        for _ in range(20):
            with gate.turn(run):
                with lock:
                    now[0] += 1
                    most[0] = max(most[0], now[0])
                time.sleep(0.001)
                with lock:
                    now[0] -= 1

    threads = [threading.Thread(target=work, args=(run,)) for run in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most[0] == workers
    assert [gate.used(run) for run in range(5)] == [20] * 5


def test_steps_are_shared_out_evenly_between_quick_and_slow_runs(patient):
    gate, order = Gate(), []
    for run in "ab":
        gate.join(run)
    threads = [take_turns(gate, "a", 0.0, 30, order), take_turns(gate, "b", 0.003, 30, order)]
    for thread in threads:
        thread.join()
    behind = [order[:end].count("a") - order[:end].count("b") for end in range(1, 61)]
    assert max(map(abs, behind)) <= 2


def test_tokens_are_shared_out_evenly(patient):
    gate, order = Gate(turns="tokens"), []
    for run in "ab":
        gate.join(run)
    threads = [
        take_turns(gate, "a", 0.001, 60, order, tokens=100),
        take_turns(gate, "b", 0.001, 20, order, tokens=300),
    ]
    for thread in threads:
        thread.join()
    # Three small ones for each large one, from the beginning to the end.
    for end in range(8, 81, 8):
        assert abs(order[:end].count("a") - 3 * order[:end].count("b")) <= 6


def test_seconds_are_shared_out_evenly(patient):
    gate, order = Gate(turns="seconds"), []
    for run in "ab":
        gate.join(run)
    threads = [take_turns(gate, "a", 0.002, 90, order), take_turns(gate, "b", 0.02, 9, order)]
    for thread in threads:
        thread.join()
    half = order[: len(order) // 2]
    assert half.count("a") >= 4 * half.count("b")


def test_who_comes_late_starts_level_with_the_hindmost():
    gate = Gate()
    for _ in range(7):
        with gate.turn("early"):
            pass
    gate.join("late")
    assert gate.used("late") == 7


def test_who_rests_has_no_claim_on_the_turns_that_others_had():
    gate = Gate()
    for run in ("on", "off"):
        gate.join(run)
    gate.rest("off")
    for _ in range(5):
        with gate.turn("on"):
            pass
    with gate.turn("off"):
        pass
    assert gate.used("off") == 6


def test_a_run_can_be_called_out_of_the_queue():
    gate, granted = Gate(), []

    def wait():
        with gate.turn("waiting") as turn:
            granted.append(turn.granted)

    with gate.turn("stepping"):
        thread = threading.Thread(target=wait)
        thread.start()
        while gate._members.get("waiting") is None:
            time.sleep(0.001)
        gate.call_out("waiting")
        thread.join(10)
        assert granted == [False]
    assert gate.used("waiting") == 0


def test_a_run_that_does_not_come_does_not_hold_up_the_others():
    gate = Gate()
    gate.join("absent")
    for _ in range(3):
        with gate.turn("present"):
            pass
    assert gate.used("present") == 3


def test_a_turn_that_fails_is_given_back():
    gate = Gate()
    with pytest.raises(ValueError, match="failed"), gate.turn("a"):
        raise ValueError("failed")
    with gate.turn("b") as turn:
        assert turn.granted


def test_nobody_steps_beside_who_steps_alone():
    gate, now, beside = Gate(3), set(), []
    for run in range(4):
        gate.join(run)
    assert gate.step_alone(0)
    assert not gate.step_alone(0)

    def work(run):
        for _ in range(20):
            with gate.turn(run):
                now.add(run)
                beside.append(frozenset(now))
                time.sleep(0.001)
                now.discard(run)

    threads = [threading.Thread(target=work, args=(run,)) for run in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {runs for runs in beside if 0 in runs} == {frozenset({0})}
    assert max(map(len, beside)) > 1
    assert [gate.used(run) for run in range(4)] == [20] * 4


def test_who_stepped_alone_does_no_more_once_a_run_is_over():
    gate = Gate(2)
    for run in "abc":
        gate.join(run)
    assert gate.step_alone("a")
    gate.leave("b")
    with gate.turn("a") as one, gate.turn("c") as other:
        assert one.granted and other.granted


@pytest.mark.parametrize(("workers", "runs"), [(1, "ab"), (2, "a")])
def test_where_nobody_steps_beside_it_stepping_alone_changes_nothing(workers, runs):
    gate = Gate(workers)
    for run in runs:
        gate.join(run)
    assert not gate.step_alone("a")
