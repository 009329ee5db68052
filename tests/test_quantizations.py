"""Bases in fewer bits: smaller, shared between runs, and the same at every run."""

from __future__ import annotations

import pytest

import workbench as wb
from workbench.registry.quantizations import QUANTIZATIONS
from workbench.training.resolve import resolve

RECIPE = wb.Recipe(
    task="lm",
    data="chronicle",
    max_steps=3,
    max_train_samples=32,
    max_eval_samples=8,
    max_length=32,
)


@pytest.mark.parametrize("name", QUANTIZATIONS)
def test_a_base_in_fewer_bits_is_smaller_and_trains_alike_each_time(name, tmp_path):
    whole = wb.train(RECIPE, tmp_path, progress=False)
    recipe = RECIPE.replace(quantization=name)
    runs = [wb.train(recipe, tmp_path, progress=False) for _ in range(2)]
    assert runs[0].losses == runs[1].losses
    assert runs[0].losses != whole.losses
    # Embeddings and norms stay whole: of village-3m they are a fifth.
    assert runs[0].memory["weights"] < 0.55 * whole.memory["weights"]
    assert runs[0].parameters["trainable"] == whole.parameters["trainable"]
    assert runs[0].parameters["total"] == whole.parameters["total"]


@pytest.mark.parametrize("name", QUANTIZATIONS)
def test_runs_share_a_base_in_fewer_bits(name, tmp_path):
    recipe = RECIPE.replace(quantization=name)
    first = wb.train(recipe, tmp_path, progress=False)
    base = resolve(recipe).base
    other = wb.train(recipe.replace(technique="ia3"), tmp_path, progress=False)
    assert resolve(recipe).base is base
    assert wb.train(recipe, tmp_path, progress=False).losses == first.losses
    assert len(set(other.losses)) > 1


def test_what_cannot_work_together_is_said_before_anything_is_loaded():
    recipe = RECIPE.replace(technique="dora", quantization="int8")
    (problem,) = recipe.problems()
    assert str(problem) == (
        "quantization must be one of 'nf4', 'fp4', 'int8_torchao' with DoRA (or None), "
        "but is 'int8'."
    )
    (problem,) = RECIPE.replace(technique="qlora", quantization="int8").problems()
    assert str(problem) == (
        "quantization must be one of 'nf4', 'fp4' with QLoRA (or None), but is 'int8': QLoRA is defined on a "
        "4-bit base; LoRA (technique='lora') works with this one."
    )
    assert not RECIPE.replace(technique="qlora", quantization="fp4").problems()
    unknown = RECIPE.replace(quantization="nf5").problems()
    assert "did you mean 'nf4'?" in str(unknown[0])
