"""A grid or a random search: the recipes it makes, and what it refuses."""

from __future__ import annotations

import pytest

import workbench as wb
from workbench.errors import RecipeError
from workbench.race.search import combine


def settings(recipes, *names):
    return [tuple(recipe.flat().get(name) for name in names) for recipe in recipes]


def test_a_grid_has_all_combinations_in_order():
    made = combine(wb.Recipe(), {"learning_rate": [1e-4, 3e-4], "r": [4, 16]})
    assert settings(made, "learning_rate", "r") == [(1e-4, 4), (1e-4, 16), (3e-4, 4), (3e-4, 16)]
    assert len({recipe.name for recipe in made}) == 4
    assert "r=16" in made[1].name and "learning_rate=0.0001" in made[1].name


def test_a_single_value_is_a_setting_for_all():
    made = combine(wb.Recipe(name="mine"), {"r": [4, 8], "max_steps": 7})
    assert settings(made, "r", "max_steps") == [(4, 7), (8, 7)]
    assert [recipe.name for recipe in made] == ["mine r=4", "mine r=8"]


def test_a_knob_that_only_some_techniques_have_changes_those_alone():
    made = combine(wb.Recipe(), {"technique": ["lora", "ia3"], "r": [4, 16]})
    assert settings(made, "technique", "r") == [("lora", 4), ("lora", 16), ("ia3", None)]


def test_draws_stay_in_their_ranges_and_are_the_same_for_a_seed():
    knobs = {"learning_rate": (1e-5, 1e-2), "r": (2, 6), "lora_dropout": [0.0, 0.1]}
    made = combine(wb.Recipe(), knobs, search="random", n=40, seed=3)
    assert made == combine(wb.Recipe(), knobs, search="random", n=40, seed=3)
    assert made != combine(wb.Recipe(), knobs, search="random", n=40, seed=4)
    drawn = settings(made, "learning_rate", "r", "lora_dropout")
    assert all(1e-5 <= rate <= 1e-2 and 2 <= r <= 6 for rate, r, _ in drawn)
    assert {dropout for *_, dropout in drawn} == {0.0, 0.1}
    # On a scale of factors, half of them lie below the geometric mean.
    assert 10 <= sum(rate < 3.16e-4 for rate, *_ in drawn) <= 30


def test_draws_are_a_few_when_no_number_is_given():
    assert len(combine(wb.Recipe(), {"learning_rate": (1e-5, 1e-2)}, search="random")) == 8


@pytest.mark.parametrize(
    ("knobs", "given", "words"),
    [
        ({"rr": [1, 2]}, {}, "rr must be a setting of the recipe or an argument of lora"),
        ({"learning_rat": [1]}, {}, "did you mean 'learning_rate'"),
        ({"oft_block_size": [2, 4]}, {}, "oft_block_size.*argument of oft"),
        ({"xyzzyx": [2, 4]}, {}, "it is an argument of no technique"),
        ({"r": []}, {}, "r must be a list of at least one value"),
        ({"r": (2, 8)}, {}, r"r must be a list of values, or for a random search a range"),
        ({"r": (8, 2)}, {"search": "random"}, "range"),
        ({"r": [0, 4]}, {}, "r must be an integer of at least 1, but is 0"),
        ({"r": [4]}, {"search": "gird"}, "search must be one of 'grid', 'random'.*did you mean"),
        ({"r": [4]}, {"n": 3}, "n must be an integer of at least 1 for a random search"),
        ({"r": [4]}, {"n": 0, "search": "random"}, "n must be an integer of at least 1"),
        ({"technique": ["lora", "lorra"]}, {}, "did you mean 'lora'"),
    ],
)
def test_what_cannot_be_searched_is_said_in_a_sentence(knobs, given, words):
    with pytest.raises(RecipeError, match=words):
        combine(wb.Recipe(), knobs, **given)


def test_all_problems_are_said_at_once():
    with pytest.raises(RecipeError) as caught:
        combine(wb.Recipe(), {"rr": [1], "r": [], "learning_rat": [1]})
    assert len(caught.value.problems) == 3


def test_many_runs_are_asked_about_with_their_time_and_memory(tiny_llama, tmp_path):
    recipe = wb.Recipe(model=str(tiny_llama), data="reviews", max_length=64, max_steps=10)
    seeds = list(range(10_000))
    with pytest.raises(RecipeError) as caught:
        wb.race(recipe, seed=1, runs=tmp_path / "runs", r=seeds[1:101], learning_rate=seeds[1:101])
    said = str(caught.value)
    assert said.startswith("sure must be True for a race of 10,000 runs, but is False: its 100,000")
    assert "GB of memory" in said and "would take about" in said
    assert not (tmp_path / "runs").exists()


def test_a_grid_is_raced_in_one_line(tiny_llama, tmp_path):
    recipe = wb.Recipe(
        model=str(tiny_llama),
        data="reviews",
        max_length=64,
        max_steps=2,
        eval_steps=2,
        max_eval_samples=4,
    )
    race = wb.race(recipe, learning_rate=[1e-4, 3e-4], runs=tmp_path).wait()
    assert [run.state for run in race.members] == ["finished", "finished"]
    assert {path.name for path in tmp_path.iterdir()} == {
        "lora-learning_rate-0.0001",
        "lora-learning_rate-0.0003",
    }
