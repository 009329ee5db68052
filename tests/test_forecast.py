"""The memory forecast, held against what the allocator really hands out."""

import pytest
import torch

import workbench as wb
from tests.allocator import allocated
from workbench.errors import RecipeError
from workbench.recipe import Recipe
from workbench.training.forecast import PARTS
from workbench.training.prepare import prepare

# One of each mechanism: what is injected, copied, packed, prepended, or planned step by step.
MECHANISMS = (
    "lora",
    "full",
    "qlora",
    "pissa",
    "prompt_tuning",
    "prefix_tuning",
    "ia3",
    "bitfit",
    "adalora",
    "houlsby",
)


@pytest.fixture
def recipe(tiny_llama):
    # As many rows as a batch has: so every step is as wide as the widest.
    return Recipe(
        model=str(tiny_llama),
        max_steps=3,
        eval_steps=100,
        max_train_samples=8,
        max_eval_samples=8,
        max_length=100,
    )


@pytest.mark.parametrize("technique", MECHANISMS)
def test_the_forecast_is_what_the_allocator_hands_out(recipe, technique):
    recipe = recipe.replace(technique=technique)
    assert wb.forecast(recipe).peak == pytest.approx(allocated(recipe), rel=0.03)


@pytest.mark.parametrize("quantization", ["nf4", "int8", "int8_torchao"])
def test_a_base_in_fewer_bits_is_foretold(recipe, quantization):
    plain = wb.forecast(recipe)
    recipe = recipe.replace(quantization=quantization)
    told = wb.forecast(recipe)
    assert told.peak == pytest.approx(allocated(recipe), rel=0.03)
    assert told.saved == plain.parts["weights"] - told.parts["weights"] > 0


@pytest.mark.parametrize(
    "changes",
    [
        {"task": "lm", "data": "chronicle", "max_length": 64},
        {"gradient_accumulation_steps": 2},
        {"gradient_checkpointing": True},
        {"bf16": True},
        {"per_device_train_batch_size": 1, "max_train_samples": 1},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_the_forecast_follows_the_recipe(recipe, changes):
    recipe = recipe.replace(**changes)
    assert wb.forecast(recipe).peak == pytest.approx(allocated(recipe), rel=0.03)


def test_the_parts_add_up(recipe):
    told = wb.forecast(recipe.replace(technique="full"))
    assert tuple(told.parts) == PARTS
    assert sum(told.parts.values()) == told.peak
    # The base that runs share, and a copy of it that this one trains.
    assert told.parts["weights"] == pytest.approx(told.parts["adapters"], rel=0.01)
    assert told.parts["optimizer"] == pytest.approx(2 * told.parts["adapters"], rel=0.01)


def test_what_trains_nothing_needs_weights_and_an_evaluation(recipe):
    told = wb.forecast(recipe.replace(technique="zero_shot"))
    assert told.parts["weights"] > 0 < told.parts["activations"]
    assert told.parts["gradients"] == told.parts["optimizer"] == told.parts["adapters"] == 0
    assert told.peak == told.evaluation


def test_a_recipe_with_problems_tells_them_all(recipe):
    with pytest.raises(RecipeError) as raised:
        wb.forecast(recipe.replace(learning_rate=-1, technique="lorra"))
    about = {problem.parameter for problem in raised.value.problems}
    assert about == {"learning_rate", "technique"}


def test_a_device_that_is_not_there_is_refused(recipe):
    with pytest.raises(RecipeError, match="device must be 'cpu', but is 'tpu'"):
        wb.forecast(recipe, device="tpu")


def test_a_forecast_draws_no_random_numbers(recipe):
    before = torch.get_rng_state()
    wb.forecast(recipe.replace(technique="dora", lora_dropout=0.1))
    assert (torch.get_rng_state() == before).all()


@pytest.mark.parametrize("quantization", [None, "nf4"])
def test_a_run_has_the_same_losses_after_a_forecast(recipe, quantization):
    recipe = recipe.replace(quantization=quantization, lora_dropout=0.1)

    def losses():
        run = prepare(recipe)
        with run.randomness:
            return [event["loss"] for event in run.steps if event["event"] == "train"]

    before = losses()
    wb.forecast(recipe)
    assert losses() == before
