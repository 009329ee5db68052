"""Every technique that says so trains on a base in fewer bits, in each of the ways there are."""

from __future__ import annotations

import math

import pytest

from workbench.errors import RecipeError
from workbench.recipe import Recipe
from workbench.registry.quantizations import QUANTIZATIONS
from workbench.registry.techniques import TECHNIQUES
from workbench.runs.train import train

DATA = {"classify": "reviews", "lm": "chronicle", "instruct": "village-qa"}
# X-LoRA needs adapters that were trained before.
TRAINED = [
    technique
    for technique in TECHNIQUES.values()
    if technique.trainable == "adapter"
    and technique.name != "xlora"
    and set(technique.tasks) & set(DATA)
]


def recipe_of(technique, quantization):
    task = next(task for task in DATA if task in technique.tasks)
    return Recipe(
        task=task,
        data=DATA[task],
        technique=technique.name,
        quantization=quantization,
        max_steps=2,
        max_length=64,
        max_train_samples=16,
        max_eval_samples=4,
        max_new_tokens=2,
    )


@pytest.mark.slow
@pytest.mark.parametrize("quantization", QUANTIZATIONS)
@pytest.mark.parametrize("technique", TRAINED, ids=lambda technique: technique.name)
def test_it_trains_or_is_refused_before_anything_is_loaded(technique, quantization, tmp_path):
    recipe = recipe_of(technique, quantization)
    if not technique.quantizable or quantization in technique.unsupported_quantizations:
        with pytest.raises(RecipeError, match="quantization must be"):
            recipe.check()
        return
    run = train(recipe, tmp_path, progress=False)
    assert len(run.losses) == 2 and all(map(math.isfinite, run.losses))
