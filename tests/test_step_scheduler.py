"""The scheduler of a race: turns are fair, as many at once as there are workers, and none is lost."""

from __future__ import annotations

import threading
import time

import pytest

from workbench.runs import step_scheduler as module
from workbench.runs.step_scheduler import StepScheduler


@pytest.fixture
def patient(monkeypatch):
    """Turns are kept for whoever is behind, however busy the machine is."""
    monkeypatch.setattr(module, "PATIENCE", 10.0)


def take_turns(scheduler, run, seconds, turns, order=None, tokens=None):
    """Take turns in a thread, each of so many seconds."""

    def work():
        for number in range(turns):
            with scheduler.slot(run) as slot:
                if order is not None:
                    order.append(run)
                slot.tokens = tokens and tokens * (number + 1)
                time.sleep(seconds)
        scheduler.leave(run)

    thread = threading.Thread(target=work)
    thread.start()
    return thread


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_no_more_turns_at_once_than_workers(workers):
    scheduler, now, most = StepScheduler(workers), [0], [0]
    lock = threading.Lock()
    for run in range(5):
        scheduler.join(run)

    def work(run):
        for _ in range(20):
            with scheduler.slot(run):
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
    assert [scheduler.used(run) for run in range(5)] == [20] * 5


def test_steps_are_shared_out_evenly_between_quick_and_slow_runs(patient):
    scheduler, order = StepScheduler(), []
    for run in "ab":
        scheduler.join(run)
    threads = [
        take_turns(scheduler, "a", 0.0, 30, order),
        take_turns(scheduler, "b", 0.003, 30, order),
    ]
    for thread in threads:
        thread.join()
    behind = [order[:end].count("a") - order[:end].count("b") for end in range(1, 61)]
    assert max(map(abs, behind)) <= 2


def test_tokens_are_shared_out_evenly(patient):
    scheduler, order = StepScheduler(turns="tokens"), []
    for run in "ab":
        scheduler.join(run)
    threads = [
        take_turns(scheduler, "a", 0.001, 60, order, tokens=100),
        take_turns(scheduler, "b", 0.001, 20, order, tokens=300),
    ]
    for thread in threads:
        thread.join()
    # Three small ones for each large one, from the beginning to the end.
    for end in range(8, 81, 8):
        assert abs(order[:end].count("a") - 3 * order[:end].count("b")) <= 6


def test_seconds_are_shared_out_evenly(patient):
    scheduler, order = StepScheduler(turns="seconds"), []
    for run in "ab":
        scheduler.join(run)
    threads = [
        take_turns(scheduler, "a", 0.002, 90, order),
        take_turns(scheduler, "b", 0.02, 9, order),
    ]
    for thread in threads:
        thread.join()
    half = order[: len(order) // 2]
    assert half.count("a") >= 4 * half.count("b")


def test_a_late_run_starts_level_with_the_one_that_had_least():
    scheduler = StepScheduler()
    for _ in range(7):
        with scheduler.slot("early"):
            pass
    scheduler.join("late")
    assert scheduler.used("late") == 7


def test_who_rests_has_no_claim_on_the_turns_that_others_had():
    scheduler = StepScheduler()
    for run in ("on", "off"):
        scheduler.join(run)
    scheduler.rest("off")
    for _ in range(5):
        with scheduler.slot("on"):
            pass
    with scheduler.slot("off"):
        pass
    assert scheduler.used("off") == 6


def test_a_run_can_be_called_out_of_the_queue():
    scheduler, granted = StepScheduler(), []

    def wait():
        with scheduler.slot("waiting") as slot:
            granted.append(slot.granted)

    with scheduler.slot("stepping"):
        thread = threading.Thread(target=wait)
        thread.start()
        while scheduler._members.get("waiting") is None:
            time.sleep(0.001)
        scheduler.withdraw("waiting")
        thread.join(10)
        assert granted == [False]
    assert scheduler.used("waiting") == 0


def test_a_run_that_does_not_come_does_not_hold_up_the_others():
    scheduler = StepScheduler()
    scheduler.join("absent")
    for _ in range(3):
        with scheduler.slot("present"):
            pass
    assert scheduler.used("present") == 3


def test_a_turn_that_fails_is_given_back():
    scheduler = StepScheduler()
    with pytest.raises(ValueError, match="failed"), scheduler.slot("a"):
        raise ValueError("failed")
    with scheduler.slot("b") as slot:
        assert slot.granted


def test_nobody_steps_beside_who_steps_alone():
    scheduler, now, beside = StepScheduler(3), set(), []
    for run in range(4):
        scheduler.join(run)
    assert scheduler.step_alone(0)
    assert not scheduler.step_alone(0)

    def work(run):
        for _ in range(20):
            with scheduler.slot(run):
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
    assert [scheduler.used(run) for run in range(4)] == [20] * 4


def test_who_stepped_alone_does_no_more_once_a_run_is_over():
    scheduler = StepScheduler(2)
    for run in "abc":
        scheduler.join(run)
    assert scheduler.step_alone("a")
    scheduler.leave("b")
    with scheduler.slot("a") as one, scheduler.slot("c") as other:
        assert one.granted and other.granted


@pytest.mark.parametrize(("workers", "runs"), [(1, "ab"), (2, "a")])
def test_where_nobody_steps_beside_it_stepping_alone_changes_nothing(workers, runs):
    scheduler = StepScheduler(workers)
    for run in runs:
        scheduler.join(run)
    assert not scheduler.step_alone("a")
