"""Every technique trains a few steps, and what it saves loads again with the same logits."""

from __future__ import annotations

import json
import math

import pytest
import transformers

from tests.gpu.helpers import is_on, recipe_for, saved_difference, train
from tests.serving import ASK, TRAINED, adapters_for
from workbench.errors import WorkbenchError
from workbench.registry.techniques import TECHNIQUES

# What cannot train here, and a part of the sentence that says why.
REFUSED: dict[str, str] = {}
# What is saved in another form than it is trained in, so that logits are close and not equal.
CLOSE = 1e-3


# PEFT compiles a kernel for BOFT at its first use, where it finds CUDA's compiler.
SLOW = {"boft": pytest.mark.limit(240)}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=SLOW[name]) if name in SLOW else name for name in TRAINED]
)
def test_it_trains_and_what_it_saved_loads(name, model, data, device, tmp_path, note):
    recipe = recipe_for(name, model, data)
    if name in ASK:
        base = transformers.AutoModelForCausalLM.from_pretrained(model)
        recipe = recipe.replace(adapters=adapters_for(base, tmp_path / "adapters"))
    try:
        run = train(recipe, tmp_path / "runs")
    except WorkbenchError as error:
        assert name in REFUSED, f"it is not trained: {error}"
        assert REFUSED[name] in str(error)
        return
    assert name not in REFUSED, "it was expected to be refused"
    assert run.plan["device"] == device
    assert is_on(run.model, device)
    assert len(run.losses) == recipe.max_steps and all(map(math.isfinite, run.losses))
    assert len(set(run.losses)) > 1
    difference = saved_difference(run, device)
    if difference > 0:
        note(f"what was saved gives logits that differ by {difference:.1e}")
    assert difference < CLOSE


@pytest.mark.parametrize("name", [name for name in TECHNIQUES if name not in TRAINED])
def test_what_trains_nothing_evaluates(name, data, device, tmp_path):
    recipe = recipe_for(name, "village-3m", data).replace(max_length=128)
    run = train(recipe, tmp_path)
    assert run.plan["device"] == device
    assert [event.kind for event in run.events].count("eval") == 1


@pytest.mark.parametrize("task", ["classify", "lm", "instruct", "token_classify"])
def test_each_task_on_text(task, model, data, device, tmp_path):
    run = train(recipe_for("lora", model, data, task=task), tmp_path)
    assert all(map(math.isfinite, run.losses))
    assert saved_difference(run, device) < CLOSE


def test_an_encoder_with_a_decoder(t5, data, device, tmp_path):
    run = train(recipe_for("lora", t5, data, task="seq2seq"), tmp_path)
    assert all(map(math.isfinite, run.losses))
    assert saved_difference(run, device) < CLOSE


def test_images(vit, device, tmp_path):
    from PIL import Image

    rows = []
    for i in range(16):
        shade = (60, 180)[i % 2] + i
        Image.new("RGB", (20, 18), (shade, 255 - shade, 40)).save(tmp_path / f"{i}.png")
        rows.append({"image": f"{i}.png", "label": ("dark", "bright")[i % 2]})
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    run = train(recipe_for("lora", vit, str(path), task="image_classify"), tmp_path / "runs")
    assert all(map(math.isfinite, run.losses))
    assert saved_difference(run, device) < CLOSE


def test_the_bundled_base(device, tmp_path):
    recipe = recipe_for("lora", "village-3m", "reviews", max_train_samples=32, max_steps=10)
    run = train(recipe.replace(task="classify"), tmp_path)
    assert is_on(run.model, device)
    assert all(map(math.isfinite, run.losses))
