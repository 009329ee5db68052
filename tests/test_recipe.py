"""A recipe is a value: it round-trips, tells differences, and reports all its problems at once."""

from __future__ import annotations

import dataclasses
import math

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import workbench as wb
from workbench.errors import RecipeError
from workbench.recipe import FIELDS, HINTS, Recipe
from workbench.registry.techniques import TECHNIQUES, Hyperparameter
from workbench.settings.checks import settings_problems
from workbench.settings.fields import Settings
from workbench.settings.values import describe

names = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=30)
values = {
    "int": st.integers(1, 10**6),
    "float": st.floats(1e-9, 0.999, allow_nan=False),
    "str": names,
    "bool": st.booleans(),
    "None": st.none(),
}


def strategy(name):
    spec = FIELDS[name]
    if spec.metadata.get("choices"):
        return st.sampled_from(spec.metadata["choices"])
    if name == "technique":
        return st.sampled_from(sorted(TECHNIQUES))
    if name == "technique_args":
        return st.dictionaries(names, st.one_of(*values.values()), max_size=3)
    kinds = str(HINTS[name]).replace("<class '", "").replace("'>", "").split(" | ")
    return st.one_of(*(values["None" if kind == "None" else kind] for kind in kinds))


recipes = st.builds(Recipe, **{name: strategy(name) for name in FIELDS})


@given(recipes)
@example(Recipe(model="1e5", technique_args={"1e100": "-.5E-3"}))
@settings(deadline=None)
def test_yaml_round_trip(recipe):
    again = Recipe.from_yaml(recipe.to_yaml())
    assert again == recipe
    assert hash(again) == hash(recipe)
    assert recipe.diff(again) == {}


@given(recipes, recipes)
def test_diff_names_exactly_what_replacing_changes(one, other):
    differences = one.diff(other)
    for name in FIELDS:
        if name != "technique_args":
            assert (name in differences) == (getattr(one, name) != getattr(other, name))
    assert one.replace(**{name: getattr(other, name) for name in FIELDS}) == other


@pytest.mark.parametrize("number", ["1e-3", "2.5E-4", "1e3", ".5", "3"])
def test_yaml_numbers_read_as_people_write_them(number):
    assert Recipe.from_yaml(f"learning_rate: {number}\n").learning_rate == float(number)


@pytest.mark.parametrize("name", TECHNIQUES)
def test_every_technique_has_a_valid_default_recipe(name):
    technique = TECHNIQUES[name]
    recipe = Recipe(technique=name, task=technique.tasks[0])
    assert recipe.problems() == []
    resolved = recipe.resolved()
    assert resolved.learning_rate == technique.learning_rate
    assert resolved.technique_args == technique.defaults()
    assert resolved.problems() == []


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"technique": "lorra"}, "did you mean 'lora'?"),
        ({"technique_args": {"r": 0}}, "r must be an integer of at least 1, but is 0."),
        ({"technique_args": {"r": -1}}, "r must be an integer of at least 1, but is -1."),
        ({"technique_args": {"r": 2.5}}, "r must be an integer of at least 1, but is 2.5."),
        (
            {"technique_args": {"rank": 8}},
            "rank must be a setting of the recipe or an argument of LoRA, but is 'rank'",
        ),
        ({"technique_args": {"lora_alpah": 8}}, "did you mean 'lora_alpha'?"),
        ({"technique_args": 3}, "technique_args must be a mapping"),
        ({"learning_rate": 0}, "learning_rate must be a number above 0 (or None), but is 0."),
        ({"learning_rate": math.nan}, "learning_rate must be a number above 0"),
        ({"task": "clasify"}, "did you mean 'classify'?"),
        ({"max_steps": True}, "max_steps must be an integer of at least 1 (or None), but is True."),
        ({"seed": -1}, "seed must be an integer of at least 0 and below 4294967296, but is -1."),
        ({"eval_fraction": 1}, "eval_fraction must be a number above 0 and below 1, but is 1."),
        ({"technique": "head_only", "task": "lm"}, "one that supports the task 'lm'"),
        ({"technique": "full", "quantization": "nf4"}, "quantization must be None"),
        ({"technique": "full", "technique_args": {"r": 8}}, "remove this argument"),
        ({"technique": "lora", "technique_args": {"use_rslora": "yes"}}, "use_rslora must be True"),
        ({"technique_args": {"bias": "al"}}, "bias must be one of 'none', 'all', 'lora_only', but"),
        ({"technique_args": {"bias": "al"}}, "did you mean 'all'?"),
        ({"technique_args": {"init_lora_weights": "blah"}}, "init_lora_weights must be True or"),
        ({"technique_args": {"init_lora_weights": "gausian"}}, "did you mean 'gaussian'?"),
        ({"technique_args": {"init_lora_weights": 1}}, "init_lora_weights must be True or False"),
        ({"technique_args": {"lora_dropout": 1.0}}, "and below 1.0, but is 1.0."),
        ({"technique_args": {"lora_dropout": -0.1}}, "and below 1.0, but is -0.1."),
        (
            {"technique_args": {"rank_pattern": {"q_proj": 0}}},
            "rank_pattern must be a mapping of names to integers of at least 1 (or None), but",
        ),
        ({"technique_args": {"rank_pattern": {3: 4}}}, "rank_pattern must be a mapping of names"),
        ({"technique_args": {"alpha_pattern": {"q_proj": "8"}}}, "a mapping of names to numbers"),
        ({"task": ["lm"]}, "but is ['lm']"),
        ({"technique": ["lora"]}, "technique must be a known technique, but is ['lora']"),
        ({"technique_args": None}, "technique_args must be a mapping"),
    ],
)
def test_each_problem_is_one_sentence(settings, sentence):
    problems = Recipe(**settings).problems()
    assert len(problems) == 1
    assert sentence in str(problems[0])
    assert "\n" not in str(problems[0])
    assert str(problems[0]).endswith((".", "?"))


@pytest.mark.parametrize(
    "args",
    [
        {"bias": "lora_only"},
        {"init_lora_weights": "pissa_niter_16"},
        {"init_lora_weights": False},
        {"lora_dropout": 0.999},
        {"rank_pattern": {"q_proj": 4}, "alpha_pattern": {"q_proj": 0.5}},
        {"rank_pattern": {}},
    ],
)
def test_what_peft_takes_is_allowed(args):
    assert Recipe(technique_args=args).problems() == []


def test_all_problems_come_together():
    recipe = Recipe(learning_rate=-1, max_steps=0, technique_args={"r": 0, "lora_alpah": 2})
    with pytest.raises(RecipeError) as caught:
        recipe.check()
    assert [problem.parameter for problem in caught.value.problems] == [
        "r",
        "lora_alpah",
        "learning_rate",
        "max_steps",
    ]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("learning_rat: 1\n", "did you mean 'learning_rate'?"),
        ("- a\n- b\n", "recipe must be a mapping"),
        ("a: [1\n", "recipe must be valid YAML"),
        ("nowhere.yaml", "recipe must be an existing YAML file, but is 'nowhere.yaml'"),
    ],
)
def test_bad_yaml_is_one_sentence(text, sentence):
    with pytest.raises(RecipeError) as caught:
        Recipe.from_yaml(text)
    assert sentence in str(caught.value)


def test_a_recipe_cannot_be_changed_in_place():
    with pytest.raises(dataclasses.FrozenInstanceError):
        wb.Recipe().seed = 1


def test_changing_the_technique_drops_the_arguments_of_the_old_one():
    recipe = Recipe(technique="lora").replace(r=4)
    assert recipe.replace(technique="ia3").technique_args == {}
    assert recipe.replace(technique="dora", r=2).technique_args == {"r": 2}
    assert recipe.replace(technique="lora").technique_args == {"r": 4}


def test_an_argument_called_like_a_setting_does_not_hide_it():
    assert Recipe(technique_args={"seed": 3, "max_length": 1}).flat()["max_length"] is None


@pytest.mark.parametrize("args", [None, 3, ["r"]])
def test_arguments_that_are_no_mapping_can_be_looked_at_and_replaced(args):
    recipe = Recipe(technique_args=args)
    assert recipe.flat()["technique_args"] == args
    assert recipe.replace(seed=1).technique_args == args
    assert recipe.replace(r=4).technique_args == {"r": 4}
    assert recipe.diff(Recipe(seed=1))["seed"] == (0, 1)


@pytest.mark.parametrize("name", FIELDS)
def test_every_field_says_what_it_is(name):
    metadata = FIELDS[name].metadata
    assert metadata["help"].endswith(".")
    assert metadata["group"] in ("run", "model", "data", "technique", "training")
    assert describe(HINTS[name], metadata)


@pytest.mark.parametrize("name", TECHNIQUES)
def test_knobs_are_arguments_of_the_config_class(name):
    from workbench.registry.techniques import arguments

    knobs = TECHNIQUES[name].hyperparameters
    assert {knob.name for knob in knobs} <= set(arguments(name))
    for knob in knobs:
        assert isinstance(knob, Hyperparameter)
        if knob.choices is None:
            assert knob.low <= knob.default <= knob.high
        else:
            assert knob.default in knob.choices


def test_a_frame_from_the_notebook_is_kept_as_a_file(tmp_path, monkeypatch):
    import pandas

    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path))
    frame = pandas.DataFrame({"text": ["a b", "c d"], "label": ["x", "y"]})
    recipe = Recipe(data=frame)
    assert isinstance(recipe.data, str)
    assert Recipe(data=frame.copy()) == recipe
    assert Recipe.from_yaml(recipe.to_yaml()) == recipe


def test_settings_alone_are_checked_as_a_recipe_is():
    settings = Settings(technique="lorra", max_steps=3, warmup_steps=3)
    assert settings_problems(settings) == Recipe(**settings.to_dict()).problems() != []
