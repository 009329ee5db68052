"""Settings that change how a model computes: what each does, and where it cannot work."""

from __future__ import annotations

import pytest
import torch

import workbench as wb
from tests.test_export import recipe_for
from workbench.errors import RecipeError
from workbench.training import computing


def losses(recipe, folder):
    return wb.train(recipe, folder / "runs", progress=False).losses


def test_gradient_checkpointing_saves_memory_and_no_bits(tiny_llama, tmp_path):
    recipe = recipe_for("lora", "instruct", tiny_llama, tmp_path, max_steps=2)
    plain, kept = (
        wb.train(recipe.replace(gradient_checkpointing=on), tmp_path / "runs", progress=False)
        for on in (False, True)
    )
    assert plain.losses == kept.losses
    assert kept.memory["activations"] < 0.7 * plain.memory["activations"]


def test_bf16_is_near_and_not_equal(tiny_llama, tmp_path):
    recipe = recipe_for("lora", "instruct", tiny_llama, tmp_path, max_steps=2)
    plain, near = losses(recipe, tmp_path), losses(recipe.replace(bf16=True), tmp_path)
    assert plain != near
    assert plain == pytest.approx(near, rel=0.02)


def test_bf16_that_is_emulated_is_said(monkeypatch):
    recipe = wb.Recipe(bf16=True)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})
    assert computing.computing_notes(recipe) == []
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)
    assert "neither AVX512-BF16 nor AMX" in computing.computing_notes(recipe)[0]
    assert computing.computing_notes(recipe.replace(bf16=False)) == []


@pytest.mark.parametrize("technique", ["prefix_tuning", "cartridge", "poly", "monteclora"])
def test_what_cannot_be_computed_again_is_refused(technique):
    problems = wb.Recipe(technique=technique, gradient_checkpointing=True).problems()
    assert [problem.parameter for problem in problems] == ["gradient_checkpointing"]
    assert "cannot be computed a second time" in str(problems[0])
    fit = wb.fits("hamlet-3m", technique, gradient_checkpointing=True)
    assert not fit.fits


def test_what_trains_nothing_has_nothing_to_save():
    recipe = wb.Recipe(technique="zero_shot", gradient_checkpointing=True, torch_compile=True)
    assert len(recipe.problems()) == 2
    assert recipe.replace(gradient_checkpointing=False, torch_compile=False).problems() == []


def test_a_module_takes_bf16_and_refuses_what_is_about_layers():
    torch.manual_seed(0)
    x = torch.randn(64, 16)
    net = torch.nn.Sequential(torch.nn.Linear(16, 32), torch.nn.ReLU(), torch.nn.Linear(32, 3))
    given = net, (x, x[:, :3].argmax(1)), torch.nn.functional.cross_entropy
    run = wb.ModuleRun(*given, bf16=True)
    assert run.recipe.bf16
    for name in ("gradient_checkpointing", "torch_compile", "cache_frozen_prefix"):
        with pytest.raises(RecipeError, match=f"{name} must be False for a module"):
            wb.ModuleRun(*given, **{name: True})


@pytest.mark.parametrize("other", ["gradient_checkpointing", "torch_compile"])
def test_what_is_compiled_or_computed_again_is_not_passed_by(other):
    (problem,) = wb.Recipe(cache_frozen_prefix=True, **{other: True}).problems()
    assert f"cache_frozen_prefix must be False with {other}" in str(problem)
