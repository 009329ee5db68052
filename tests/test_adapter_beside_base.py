"""A base whose folder holds an adapter too: everything loads the base, and the base alone."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import peft
import pytest
import torch
import transformers
from safetensors.torch import load_file

import workbench as wb
from workbench.errors import ModelError
from workbench.sources.models import describe
from workbench.training.adaptation import base_checks
from workbench.training.forecast.forecast import forecast
from workbench.training.inspection.skeleton import count

# One of each kind of what is trained, one that starts from the base's files, one in fewer bits.
TECHNIQUES = ("full", "lora", "ia3", "last_layers", "prompt_tuning", "loftq", "qlora", "zero_shot")
TRAINED = ("full", "lora", "ia3", "last_layers", "prompt_tuning")
TASKS = ("lm", "classify")


@pytest.fixture(scope="module")
def folder(tiny_llama, tmp_path_factory):
    """A copy of the tiny llama with an adapter that changes what it says."""
    folder = tmp_path_factory.mktemp("models") / "both"
    shutil.copytree(tiny_llama, folder)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        base = transformers.AutoModelForCausalLM.from_pretrained(tiny_llama)
        config = peft.LoraConfig(task_type="CAUSAL_LM", init_lora_weights=False)
        adapted = peft.get_peft_model(base, config)
    adapted.save_pretrained(folder)
    ids = torch.arange(8)[None]
    both, alone = (
        transformers.AutoModelForCausalLM.from_pretrained(path)(ids).logits
        for path in (folder, tiny_llama)
    )
    assert (both - alone).abs().max() > 0.01  # transformers loads the adapter, if it is let
    if not base_checks.leaves_adapters_out(str(folder)):
        pytest.skip("this transformers cannot load a base without the adapter in its folder")
    return folder


def test_a_transformers_that_cannot_leave_the_adapter_out_is_refused(
    tiny_llama, recipe_for, tmp_path, monkeypatch
):
    monkeypatch.setattr(base_checks, "leaves_adapters_out", lambda folder: False)
    folder = shutil.copytree(tiny_llama, tmp_path / "both")
    (folder / "adapter_config.json").write_text("{}")
    with pytest.raises(ModelError, match="would load the adapter too: move adapter_config.json"):
        wb.train(recipe_for(folder, "lora"), tmp_path / "runs", progress=False)


@pytest.fixture
def recipe_for(tmp_path):
    """Make a recipe over rows with a text and a label."""

    def recipe_for(model, technique, task="lm", **changes):
        rows = [
            {"text": f"the {i}th lamp was {word}", "label": word}
            for i, word in enumerate(["good", "bad"] * 8)
        ]
        path = tmp_path / "rows.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        settings = {"model": str(model), "data": str(path), "task": task}
        if technique != "zero_shot":
            settings |= {"max_steps": 3, "eval_steps": 3}
        return wb.Recipe(technique=technique, **settings, **changes)

    return recipe_for


def says(notes):
    return [note for note in notes if "also contains an adapter" in note]


def scores(run):
    return [{**event, "seconds": None} for event in run.evaluations]


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("technique", TECHNIQUES)
def test_a_run_is_the_one_on_the_base_alone(
    technique, task, folder, tiny_llama, recipe_for, tmp_path
):
    ours, plain = (
        wb.train(recipe_for(base, technique, task), tmp_path / "runs", progress=False)
        for base in (folder, tiny_llama)
    )
    assert ours.losses == plain.losses
    assert scores(ours) == scores(plain)
    assert ours.parameters == plain.parameters
    assert len(says(ours.notes)) == len(says(ours.plan["notes"])) == 1
    assert not says(plain.notes)


@pytest.mark.parametrize("technique", TRAINED)
def test_what_is_asked_beforehand_is_about_the_base_alone(
    technique, folder, tiny_llama, recipe_for
):
    ours, plain = recipe_for(folder, technique), recipe_for(tiny_llama, technique)
    assert count(ours) == count(plain)
    assert forecast(ours).parts == forecast(plain).parts
    tried = [wb.compatible(str(base), technique, task="lm") for base in (folder, tiny_llama)]
    assert tried[0] == tried[1]
    assert tried[0].compatible


def load(run, folder):
    """Load what a run saved onto the base alone, as its note says."""
    auto = transformers.AutoModelForCausalLM
    if run.plan["trainable"] == "all":
        return auto.from_pretrained(run.path / "model")
    saved = run.path / "adapter"
    base = auto.from_pretrained(folder, adapter_kwargs={"subfolder": "no-adapter"})
    if run.plan["trainable"] == "adapter":
        return peft.PeftModel.from_pretrained(base, saved)
    state = load_file(saved / "trained.safetensors")
    assert not base.load_state_dict(state, strict=False).unexpected_keys
    return base


@pytest.mark.parametrize("technique", TRAINED)
def test_what_is_saved_reloads_to_the_same_logits(technique, folder, recipe_for, tmp_path):
    run = wb.train(recipe_for(folder, technique), tmp_path / "runs", progress=False)
    ids = torch.arange(4, 20)[None]
    with torch.no_grad():
        ours, again = run.model.eval()(ids).logits, load(run, folder).eval()(ids).logits
    torch.testing.assert_close(again, ours, rtol=0, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("technique", [*TRAINED, "loftq"])
def test_its_script_gives_the_same_losses(technique, folder, recipe_for, tmp_path):
    run = wb.train(recipe_for(folder, technique), tmp_path / "runs", progress=False)
    script = wb.export(run, tmp_path / "train.py")
    command = [sys.executable, "-W", "ignore", script, "--output", tmp_path / "saved"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [event["loss"] for event in events if event["event"] == "train"] == run.losses


def test_a_script_over_a_base_alone_does_not_speak_of_adapters_beside_it(
    tiny_llama, recipe_for, tmp_path
):
    run = wb.train(recipe_for(tiny_llama, "lora"), tmp_path / "runs", progress=False)
    assert "adapter_kwargs" not in Path(wb.export(run, tmp_path / "train.py")).read_text()


def test_an_adapter_without_its_base_is_refused(folder, tmp_path):
    bare = tmp_path / "bare"
    bare.mkdir()
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        shutil.copy(folder / name, bare / name)
    with pytest.raises(ModelError, match="must be a base model, but is an adapter"):
        describe.facts(bare)
