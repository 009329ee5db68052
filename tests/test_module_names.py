"""Arguments that name modules are held against the base's own names."""

from __future__ import annotations

import pytest

import workbench as wb
from workbench.errors import RecipeError
from workbench.training.inspection.skeleton import count


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        ({"target_modules": ["q_proj", "qroj"]}, "is 'qroj': did you mean 'q_proj'?"),
        (
            {"target_modules": ["proj"]},
            "target_modules must be the name of a module of the base, but is 'proj'",
        ),
        ({"target_modules": "q_proj"}, "is 'q_proj': give a list, ['q_proj'], to name modules by"),
        ({"target_modules": "("}, "target_modules must be a list of names or a regular expression"),
        (
            {"exclude_modules": "("},
            "exclude_modules must be a list of names or a regular expression",
        ),
        (
            {"exclude_modules": ["nope"]},
            "exclude_modules must be the name of a module of the base, but is",
        ),
        (
            {"modules_to_save": ["nope"]},
            "modules_to_save must be the name of a module of the base, but is",
        ),
    ],
)
def test_names_that_the_base_does_not_have_are_refused(args, sentence, tiny_llama):
    recipe = wb.Recipe(model=str(tiny_llama), technique_args=args)
    with pytest.raises(RecipeError) as caught:
        count(recipe)
    assert sentence in str(caught.value)
    with pytest.raises(RecipeError) as again:
        wb.train(recipe.replace(max_steps=1))
    assert str(again.value) == str(caught.value)


@pytest.mark.parametrize(
    "args",
    [
        {"target_modules": ["self_attn.q_proj", "model.layers.0.mlp.up_proj"]},
        {"target_modules": r".*\.(q|v)_proj"},
        {"target_modules": "all-linear"},
        {"target_modules": "All-Linear", "exclude_modules": ["up_proj"]},
        {"exclude_modules": r"model\.layers\.0\..*"},
        {"modules_to_save": ["norm"]},
    ],
)
def test_names_that_the_base_has_are_taken(args, tiny_llama):
    assert count(wb.Recipe(model=str(tiny_llama), technique_args=args))["trainable"] > 0
