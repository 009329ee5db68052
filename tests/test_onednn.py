"""When oneDNN could pay: measured on this machine, and said only where it is of use."""

from __future__ import annotations

import math

import pytest

from workbench.panels.run.speed_hints import onednn_hint
from workbench.recipe import Recipe
from workbench.training.speedups import onednn_benchmark

PLAN = {"device": "cpu", "fused": 0}


@pytest.fixture
def fast(monkeypatch):
    monkeypatch.setattr(onednn_benchmark, "onednn_speedup", lambda: 2.26)


def test_a_machine_on_which_it_is_faster_is_told_so(fast):
    (said,) = onednn_hint(Recipe(), PLAN, 0.1)
    assert (
        "onednn could save time: in a test on this machine, oneDNN multiplied two matrices 2.3 times as fast"
        in said
    )
    assert "changes the last bits" in said


def test_a_machine_on_which_it_is_not_faster_is_told_nothing(monkeypatch):
    monkeypatch.setattr(onednn_benchmark, "onednn_speedup", lambda: 1.1)
    assert onednn_hint(Recipe(), PLAN, 0.1) == []


@pytest.mark.parametrize(
    ("changes", "plan", "pace"),
    [
        ({"onednn": True}, PLAN, 0.1),
        ({"bf16": True}, PLAN, 0.1),
        ({"torch_compile": True}, PLAN, 0.1),
        ({"quantization": "nf4"}, PLAN, 0.1),
        ({}, PLAN | {"device": "cuda"}, 0.1),
        ({}, PLAN | {"fused": 3}, 0.1),
        ({}, PLAN, 0.001),
        ({}, PLAN, None),
        ({}, {}, 0.1),
    ],
)
def test_nothing_is_advised_that_cannot_be_set_or_reaches_little(fast, changes, plan, pace):
    assert onednn_hint(Recipe(**changes), plan, pace) == []


def test_the_measurement_is_taken_once():
    speedup = onednn_benchmark.onednn_speedup()
    assert math.isfinite(speedup) and speedup > 0
    assert onednn_benchmark.onednn_speedup() is speedup
