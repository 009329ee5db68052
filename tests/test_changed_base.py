"""A base's folder that is written anew: whatever is asked next is about what lies there now."""

from __future__ import annotations

import gc
import json
import os
import shutil
import weakref
from pathlib import Path

import pytest

import workbench as wb
from tests.conftest import save_tiny, tiny_tokenizer
from workbench.errors import ModelError
from workbench.sources.models import describe
from workbench.sources.models.fingerprint import fingerprint
from workbench.training.adaptation import base_model as bases
from workbench.training.forecast.forecast import forecast
from workbench.training.inspection.skeleton import count
from workbench.training.prepare import prepare
from workbench.training.resolve import resolve


@pytest.fixture
def folder(tiny_llama, tmp_path):
    """A copy of the tiny llama, to write over."""
    return Path(shutil.copytree(tiny_llama, tmp_path / "base"))


@pytest.fixture
def recipe(folder, tmp_path):
    rows = [{"text": f"the {i}th lamp was {('good', 'bad')[i % 2]}"} for i in range(16)]
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return wb.Recipe(
        model=str(folder), data=str(path), task="lm", technique="lora", max_steps=3, eval_steps=3
    )


def edit(path, **settings):
    path.write_text(json.dumps(json.loads(path.read_text()) | settings))


def other_weights(folder):
    """Write weights of the same sizes, within the same second and under the same time."""
    import torch
    import transformers

    weights = folder / "model.safetensors"
    before = weights.stat()
    model = transformers.AutoModelForCausalLM.from_pretrained(folder)
    torch.manual_seed(7)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    model.save_pretrained(folder)
    assert weights.stat().st_size == before.st_size
    os.utime(weights, ns=(before.st_atime_ns, before.st_mtime_ns))


def other_architecture(folder):
    shutil.rmtree(folder)
    save_tiny(folder, "OPTConfig", "OPTForCausalLM", ffn_dim=48, word_embed_proj_dim=32)


def wider(folder):
    """Write the same architecture in other sizes."""
    save_tiny(folder, "LlamaConfig", "LlamaForCausalLM", intermediate_size=96, num_hidden_layers=3)


def other_config(folder):
    edit(folder / "config.json", rms_norm_eps=0.5)


def other_tokenizer(folder):
    """Write a tokenizer that reads each text as other numbers."""
    tokenizer = tiny_tokenizer()
    tokenizer.bos_token = "<|user|>"
    content = json.loads(tokenizer.backend_tokenizer.to_str())
    content["pre_tokenizer"]["add_prefix_space"] = True
    tokenizer.save_pretrained(folder)
    (folder / "tokenizer.json").write_text(json.dumps(content))


CHANGES = (other_weights, other_architecture, wider, other_config, other_tokenizer)


@pytest.mark.parametrize("change", CHANGES)
def test_a_run_trains_what_lies_in_the_folder_now(change, folder, recipe, tmp_path):
    run = wb.train(recipe, tmp_path / "runs", progress=False)  # held, and its base with it
    change(folder)
    after = wb.train(recipe, tmp_path / "runs", progress=False)
    # The same files where no run has been.
    moved = Path(shutil.copytree(folder, tmp_path / "moved"))
    alone = wb.train(recipe.replace(model=str(moved)), tmp_path / "runs", progress=False)
    assert after.losses == alone.losses
    assert after.losses != run.losses


@pytest.mark.parametrize("change", [other_architecture, wider])
def test_what_is_counted_foretold_tried_and_described_is_there_now(change, folder, recipe):
    def ask():
        told = forecast(recipe)
        tried = wb.compatible(str(folder), "lora", task="lm")
        return count(recipe), dict(told.parts), tried, describe.facts(folder)

    before = ask()
    change(folder)
    after = ask()
    moved = Path(shutil.copytree(folder, folder.with_name("moved")))
    alone = (
        count(recipe.replace(model=str(moved))),
        dict(forecast(recipe.replace(model=str(moved))).parts),
        wb.compatible(str(moved), "lora", task="lm"),
    )
    assert after[:3] == alone
    assert all(old != new for old, new in zip(before, after, strict=True))


def test_the_bench_reads_a_base_again_though_its_files_look_older(folder, recipe):
    from workbench.panels.bench.inspector import Inspector

    inspector = Inspector(lambda *_: None)
    before, state = inspector.look_up(recipe).facts, inspector.version(recipe)
    config = folder / "config.json"
    edit(config, max_position_embeddings=64)
    os.utime(config, (1, 1))
    assert inspector.version(recipe) != state
    assert (before.context, inspector.look_up(recipe).facts.context) == (128, 64)


def test_a_run_that_is_going_on_keeps_its_base(folder, recipe, tmp_path):
    whole = wb.train(recipe, tmp_path / "runs", progress=False)
    steps = prepare(recipe)
    losses = []
    for event in steps.steps:
        if event["event"] == "train":
            losses.append(event["loss"])
            if len(losses) == 1:
                other_weights(folder)
                other = wb.train(recipe, tmp_path / "runs", progress=False)
    assert losses == whole.losses
    assert other.losses != whole.losses


def test_a_base_that_is_outdated_and_not_in_use_is_let_go(folder, recipe):
    old = weakref.ref(resolve(recipe).base.model)
    other_weights(folder)
    new = resolve(recipe)
    gc.collect()
    assert old() is None
    assert new.base is resolve(recipe).base


def test_a_race_over_a_folder_that_is_written_in_between_has_both_bases(folder, recipe, tmp_path):
    recipes = [recipe.replace(name=name) for name in ("first", "second")]
    first = prepare(recipes[0])
    other_weights(folder)
    second = prepare(recipes[1])
    assert first.shared_resources[0] is not second.shared_resources[0]
    losses = [[e["loss"] for e in one.steps if e["event"] == "train"] for one in (first, second)]
    alone = wb.train(recipes[1], tmp_path / "runs", progress=False)
    assert losses[1] == alone.losses
    assert losses[0] != alone.losses


def test_rows_of_another_tokenizer_are_not_shared(folder, recipe):
    first = prepare(recipe)
    other_tokenizer(folder)
    second = prepare(recipe)
    assert first.shared_resources[1] is not second.shared_resources[1]
    assert list(first.shared_resources[1]) != list(second.shared_resources[1])


def test_files_that_are_written_while_they_are_read_are_refused(folder, recipe, monkeypatch):
    read = bases.read_base

    def reading(*args):
        base = read(*args)
        monkeypatch.undo()
        other_weights(folder)
        return base

    monkeypatch.setattr(bases, "read_base", reading)
    with pytest.raises(ModelError, match="must not change while it is loaded, but .* start again"):
        resolve(recipe)
    resolve(recipe)  # and nothing of it is kept


def test_loftq_refuses_weights_that_are_not_those_of_its_base(folder, recipe, monkeypatch):
    from workbench.training import prepare as preparing

    build = preparing.build

    def writing(*args):
        other_weights(folder)
        return build(*args)

    monkeypatch.setattr(preparing, "build", writing)
    with pytest.raises(ModelError, match="must not change while it is loaded"):
        prepare(recipe.replace(technique="loftq"))


def test_a_fingerprint_leaves_out_what_no_model_is_read_from(folder):
    before = fingerprint(folder)
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= {one[0] for one in before}
    (folder / "runs").mkdir()
    (folder / "notes.md").write_text("A llama.")
    (folder / "gone.json").symlink_to(folder / "nowhere.json")
    assert fingerprint(folder) == before
    (folder / "additional_chat_templates").mkdir()
    (folder / "additional_chat_templates" / "tools.jinja").write_text("{{ messages }}")
    assert fingerprint(folder) != before
    assert fingerprint(folder / "nowhere") == ()
