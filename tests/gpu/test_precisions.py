"""Bases in fewer bits and steps in bfloat16 train, are saved, and load again."""

from __future__ import annotations

import math

import pytest
import torch

from tests.gpu.helpers import is_on, recipe_for, saved_difference, train
from tests.serving import mechanisms
from workbench.registry.quantizations import QUANTIZATIONS
from workbench.registry.techniques import TECHNIQUES
from workbench.training.adaptation import base_model

# A bfloat16 has three digits, and errors add up over layers.
NEAR_BF16 = 0.1
QUANTIZABLE = [
    (technique, quantization)
    for technique in ("lora", "ia3", "houlsby", "prompt_tuning", "vera")
    for quantization in QUANTIZATIONS
    if TECHNIQUES[technique].quantizable
    and quantization not in TECHNIQUES[technique].unsupported_quantizations
]


@pytest.mark.parametrize("technique", mechanisms())
def test_bf16(technique, model, data, device, tmp_path, note):
    plain = train(recipe_for(technique, model, data), tmp_path)
    run = train(recipe_for(technique, model, data, bf16=True), tmp_path)
    assert all(map(math.isfinite, run.losses))
    trained = [parameter for parameter in run.model.parameters() if parameter.requires_grad]
    assert {parameter.dtype for parameter in trained} == {torch.float32}
    first = abs(run.losses[0] - plain.losses[0]) / abs(plain.losses[0])
    note(f"the first loss differs by {first:.1e} from that in float32")
    # What was saved is asked in float32.
    assert saved_difference(run, device) < NEAR_BF16
    assert first < NEAR_BF16
    assert run.losses != plain.losses


def test_bf16_is_native(device, on_cuda):
    from workbench.training.speedups.bf16 import is_native

    assert is_native()


@pytest.mark.parametrize(("technique", "quantization"), QUANTIZABLE)
def test_a_base_in_fewer_bits(technique, quantization, data, device, tmp_path, note):
    recipe = recipe_for(technique, "village-3m", data, task="instruct", quantization=quantization)
    recipe = recipe.replace(max_length=64)
    run = train(recipe, tmp_path)
    assert is_on(run.model, device)
    assert all(map(math.isfinite, run.losses)) and len(set(run.losses)) > 1
    (base,) = base_model._LATEST
    assert base_model.is_pristine(base), "the run has written into the shared base"
    assert train(recipe, tmp_path).losses == run.losses, "another run has other losses"
    difference = saved_difference(run, device)
    note(f"saved and loaded, logits differ by {difference:.1e}")
    assert difference < 1e-2


@pytest.mark.parametrize("quantization", QUANTIZATIONS)
def test_a_base_in_fewer_bits_takes_less_memory(quantization, data, tmp_path):
    recipe = recipe_for("lora", "village-3m", data, task="instruct").replace(max_length=64)
    plain, packed = (
        train(one, tmp_path).memory for one in (recipe, recipe.replace(quantization=quantization))
    )
    assert packed["weights"] < plain["weights"]


@pytest.mark.parametrize("quantization", ["nf4", "int8_torchao"])
def test_bf16_on_a_base_in_fewer_bits(quantization, data, device, tmp_path):
    settings = {"task": "instruct", "quantization": quantization, "bf16": True}
    recipe = recipe_for("lora", "village-3m", data, **settings).replace(max_length=64)
    run = train(recipe, tmp_path)
    assert all(map(math.isfinite, run.losses))
    assert saved_difference(run, device) < NEAR_BF16


@pytest.mark.parametrize("setting", ["gradient_checkpointing", "padding_free", "bf16"])
def test_each_setting_computes_the_same_losses(setting, model, data, tmp_path):
    recipe = recipe_for("lora", model, data, task="lm")
    plain = train(recipe, tmp_path).losses
    losses = train(recipe.replace(**{setting: True}), tmp_path).losses
    within = NEAR_BF16 if setting == "bf16" else 1e-3
    assert losses == pytest.approx(plain, rel=within)


def test_a_cached_frozen_prefix(model, data, tmp_path):
    recipe = recipe_for("last_layers", model, data, cache_frozen_prefix=True, max_steps=20)
    run = train(recipe, tmp_path)
    assert all(map(math.isfinite, run.losses))
