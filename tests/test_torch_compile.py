"""When compiling could pay: said from a run's own steps, and only where it is of use."""

from __future__ import annotations

import pytest

from workbench.panels.run.speed_hints import compile_hint
from workbench.recipe import Recipe

PLAN = {"device": "cpu", "fused": 0}


def test_a_run_that_is_long_enough_is_told_from_when_on_it_would_pay():
    # 14 s at 14% of 0.5 s a step are 200 steps; 36 s at 4% are 1,800.
    (said,) = compile_hint(Recipe(), PLAN, 1000, 2.0, 0.5)
    assert "14 to 36 s and saved 4% to 14% of each step" in said
    assert (
        "At 0.5 s per step, it saves time in runs of more than 200 to 1,800 steps; this run has 1,000."
        in said
    )
    assert compile_hint(Recipe(), PLAN, 199, 2.0, 0.5) == []
    assert compile_hint(Recipe(), PLAN, 201, 2.0, 0.5) != []
    assert compile_hint(Recipe(), PLAN, 201, 2.0, 0.25) == []


@pytest.mark.parametrize(
    ("changes", "plan"),
    [
        ({"technique": "zero_shot"}, {}),
        ({"task": "lm", "padding_free": True}, {}),
        ({"cache_frozen_prefix": True}, {}),
        ({"task": "module"}, {}),
        ({}, {"device": "cuda"}),
        ({}, {"fused": 3}),
    ],
)
def test_nothing_is_advised_that_cannot_be_set_or_was_not_measured(changes, plan):
    assert compile_hint(Recipe(**changes), {**PLAN, **plan}, 10**6, 2.0, 0.5) == []


def test_a_compiled_run_tells_what_compiling_took():
    recipe = Recipe(torch_compile=True)
    assert compile_hint(recipe, PLAN, 10, 20.5, 0.25) == [
        "Compiling took about 20.2 s: the first step took 20.5 s, recent steps 0.25 s (median)."
    ]
    assert compile_hint(recipe, PLAN, 10, 20.5, None) == []
    assert compile_hint(recipe, {}, 10, None, None) == []
